//! Our ends of a job's pipes.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

/// The reading end of a pipe; it never blocks, and is closed at the end of file.
#[derive(Debug)]
pub(crate) struct Source(Option<File>);

/// A pipe whose writing end goes to the job.
pub(crate) fn from_job() -> io::Result<(Source, OwnedFd)> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    unblock(&ours)?;
    Ok((Source(Some(ours.into())), theirs))
}

/// A pipe whose reading end goes to the job.
pub(crate) fn to_job() -> io::Result<(OwnedFd, File)> {
    let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
    unblock(&ours)?;
    Ok((theirs, ours.into()))
}

fn unblock(fd: &OwnedFd) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

impl Source {
    /// The descriptor, until the end of file.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there, at most about 256 KiB of it: a flood must not keep the agent from its clock.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8])) {
        let mut buffer = [0; 16 << 10];
        for _ in 0..16 {
            let Some(file) = &mut self.0 else { return };
            match file.read(&mut buffer) {
                Ok(0) => self.0 = None,
                Ok(n) => each(&buffer[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.0 = None,
            }
        }
    }
}
