//! The kernel's own view of fences: the dma_fence tracepoints, streamed as text from a tracing instance of our own
//! (Documentation/trace/ftrace.rst, "Instances"), so that nobody else's tracing is touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::kill;
use nix::unistd::{Pid, pipe2};

/// Where tracefs is: on its own, or the old place below debugfs.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// For each processor. The kernel overwrites the oldest events when nobody reads; it never waits.
const BUFFER_KIB: &str = "2048";

/// A running trace; dropped, its instance is removed.
#[derive(Debug)]
pub(crate) struct Trace {
    folder: PathBuf,
    stop: Option<OwnedFd>,
    reader: Option<JoinHandle<()>>,
}

impl Trace {
    /// Begins to stream the fences' events into `out`.
    ///
    /// # Errors
    /// When there is no tracefs, no permission, or no such events.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let instances = TRACEFS.iter().map(|root| Path::new(root).join("instances"));
        let instances = instances
            .into_iter()
            .find(|folder| folder.is_dir())
            .ok_or_else(|| io::Error::new(ErrorKind::NotFound, "tracefs is not mounted"))?;
        remove_stale(&instances);
        let folder = instances.join(format!("fencelab-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let mut trace = Trace { folder, stop: None, reader: None };
        trace.configure()?;
        let pipe = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(trace.folder.join("trace_pipe"))?;
        let (stopped, stop) = pipe2(OFlag::O_CLOEXEC)?;
        trace.stop = Some(stop);
        let reader = thread::Builder::new().name("trace".into());
        trace.reader = Some(reader.spawn(move || stream(pipe, &stopped, out))?);
        Ok(trace)
    }

    fn configure(&self) -> io::Result<()> {
        // CLOCK_MONOTONIC, as all our times.
        fs::write(self.folder.join("trace_clock"), "mono")?;
        fs::write(self.folder.join("buffer_size_kb"), BUFFER_KIB)?;
        fs::write(self.folder.join("events/dma_fence/enable"), "1")
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Instances of agents that were killed before they could tidy up.
fn remove_stale(instances: &Path) {
    for entry in fs::read_dir(instances).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix("fencelab-")).and_then(|n| n.parse().ok());
        if owner.is_some_and(|pid| kill(Pid::from_raw(pid), None).is_err()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn stream(mut pipe: File, stopped: &OwnedFd, mut out: impl Write) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut fds =
            [PollFd::new(pipe.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut fds, PollTimeout::NONE);
        if polled.is_err() || fds[1].any() == Some(true) {
            return;
        }
        match pipe.read(&mut buffer) {
            Ok(n) if out.write_all(&buffer[..n]).is_err() => return,
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}
