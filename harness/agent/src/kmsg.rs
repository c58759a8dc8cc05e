//! The kernel log: `/dev/kmsg`, opened once for the agent's whole life and read by a thread of its own
//! (Documentation/ABI/testing/dev-kmsg).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fencelab_bench::frame;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// With the oldest record that the kernel still has.
    Boot,
    /// With the next one.
    Now,
}

/// The reader. What is read goes to its writer, one frame a record.
#[derive(Debug, Clone)]
pub(crate) struct Kmsg(Arc<Mutex<Source>>);

#[derive(Debug)]
struct Source {
    file: File,
    /// The sequence number after the last record read.
    next: u64,
    /// A record named its caller.
    callers: bool,
    to: SyncSender<Vec<u8>>,
}

/// Records that may wait for a slow runner before the kernel's own buffer has to hold them.
const QUEUE: usize = 1 << 16;
/// The longest record: `PRINTK_MESSAGE_MAX` is 2048, escaped and with its dictionary still below this.
const RECORD: usize = 16 << 10;

impl Kmsg {
    /// Opens the log and begins to read it into `out`.
    ///
    /// # Errors
    /// When the log cannot be opened: not root, or a container without it.
    pub(crate) fn start(out: impl Write + Send + 'static, from: From) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let mut file = options.open("/dev/kmsg")?;
        if from == From::Now {
            file.seek(SeekFrom::End(0))?;
        }
        let watched = file.try_clone()?;
        let (to, records) = mpsc::sync_channel(QUEUE);
        let kmsg = Kmsg(Arc::new(Mutex::new(Source { file, next: 0, callers: false, to })));
        let reader = kmsg.clone();
        thread::Builder::new().name("kmsg".into()).spawn(move || {
            loop {
                let mut fds = [PollFd::new(watched.as_fd(), PollFlags::POLLIN)];
                if poll(&mut fds, PollTimeout::NONE).is_ok() {
                    reader.drain();
                }
            }
        })?;
        thread::Builder::new().name("klog".into()).spawn(move || forward(records, out))?;
        Ok(kmsg)
    }

    /// Reads all that is there now; the sequence number after it.
    pub(crate) fn drain(&self) -> u64 {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.drain();
        source.next
    }

    /// Whether a record has named its caller: CONFIG_PRINTK_CALLER.
    pub(crate) fn names_callers(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).callers
    }
}

impl Source {
    fn drain(&mut self) {
        let mut record = [0; RECORD];
        loop {
            match self.file.read(&mut record) {
                Ok(0) => return,
                Ok(n) => self.take(&record[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Records were lost; the next one's number tells how many.
                Err(e) if e.raw_os_error() == Some(libc::EPIPE) => {}
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, record: &[u8]) {
        let header = record.split(|b| *b == b';').next().unwrap_or_default();
        let header = String::from_utf8_lossy(header);
        if let Some(number) = header.split(',').nth(1).and_then(|n| n.parse::<u64>().ok()) {
            self.next = number + 1;
        }
        self.callers |= header.contains(",caller=");
        // Fails only when the runner is gone, and then nobody misses it.
        let _ = self.to.send(record.to_vec());
    }
}

fn forward(records: mpsc::Receiver<Vec<u8>>, mut out: impl Write) {
    for record in records {
        if frame::write(&mut out, &record).is_err() {
            return;
        }
    }
}

/// Writes one line into the kernel log. Each opening of the device has its own rate limit, so a line a case is
/// never dropped.
pub(crate) fn say(text: &str) {
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        let _ = log.write_all(format!("<6>fencelab: {text}\n").as_bytes());
    }
}
