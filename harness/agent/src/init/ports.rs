//! The virtio-serial ports that lead to the bench.

use std::fs::{self, File};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long the ports may take to show. The driver learns their names from the host after it has started.
const LIMIT: Duration = Duration::from_secs(30);

/// The ports.
pub(super) struct Ports {
    pub(super) agent: File,
    pub(super) klog: File,
    pub(super) trace: File,
}

/// Opens them, and waits until the host's end of the agent's is there.
///
/// # Errors
/// When they do not show in time.
pub(super) fn open() -> io::Result<Ports> {
    let until = Instant::now() + LIMIT;
    let ports =
        Ports { agent: port("agent", until)?, klog: port("klog", until)?, trace: port("trace", until)? };
    while hung_up(&ports.agent)? {
        pause(until, "agent")?;
    }
    Ok(ports)
}

fn port(name: &str, until: Instant) -> io::Result<File> {
    loop {
        for entry in fs::read_dir("/sys/class/virtio-ports").into_iter().flatten().flatten() {
            let said = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            if said.trim() == format!("fencelab.{name}") {
                let node = entry.file_name();
                return super::open_both(&format!("/dev/{}", node.to_string_lossy()));
            }
        }
        pause(until, name)?;
    }
}

fn pause(until: Instant, name: &str) -> io::Result<()> {
    if Instant::now() >= until {
        let what = format!("find the port fencelab.{name}: no answer from the host in {} s", LIMIT.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, what));
    }
    thread::sleep(Duration::from_millis(5));
    Ok(())
}

/// Until the host has told the driver that its end is open, the port looks as if nobody were there.
fn hung_up(port: &File) -> io::Result<bool> {
    use std::os::fd::AsFd;
    let mut fds = [PollFd::new(port.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO)?;
    Ok(fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
}
