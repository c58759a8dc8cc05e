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
use fencelab_bench::protocol::LogClock;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clock;

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
    /// The time of the last record that the agent itself wrote, on the log's own clock, in microseconds.
    said_us: Option<u64>,
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
        let kmsg = Kmsg(Arc::new(Mutex::new(Source { file, next: 0, callers: false, said_us: None, to })));
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

    /// Writes a line as [`say`] does and reads all that is there; the sequence number after it, and the log's clock.
    pub(crate) fn mark(&self, text: &str) -> (u64, Option<LogClock>) {
        let before = clock::monotonic_us();
        say(text);
        let after = clock::monotonic_us();
        let next = self.drain();
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).said_us;
        let within_us = (after - before) / 2;
        let ahead = |said: u64| said.cast_signed() - (before + within_us).cast_signed();
        (next, said.map(|said| LogClock { ahead_us: ahead(said), within_us }))
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
        let mut parts = record.splitn(2, |b| *b == b';');
        let header = String::from_utf8_lossy(parts.next().unwrap_or_default());
        let number = |field: usize| header.split(',').nth(field).and_then(|n| n.parse::<u64>().ok());
        if let Some(number) = number(1) {
            self.next = number + 1;
        }
        if parts.next().is_some_and(|text| text.starts_with(OWN.as_bytes())) {
            self.said_us = number(2);
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

/// How the agent's own lines begin.
const OWN: &str = "fencelab: ";

/// Writes one line into the kernel log. Each opening of the device has its own rate limit, so a line a case is
/// never dropped.
pub(crate) fn say(text: &str) {
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        let _ = log.write_all(format!("<6>{OWN}{text}\n").as_bytes());
    }
}
