//! A second process for a case: what one process does to another's fences, and descriptors passed between them.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    setsockopt, socketpair, sockopt,
};
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::case::{Stop, Tested};
use crate::must::Must;

/// How long either side waits for the other before the case fails.
const PATIENCE_S: i64 = 10;

/// One end of the line between the two processes. Messages keep their borders and may carry a descriptor.
#[derive(Debug)]
pub struct Line(OwnedFd);

impl Line {
    fn pair() -> Result<(Line, Line), Stop> {
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .must("make a socket pair")?;
        for end in [&a, &b] {
            setsockopt(end, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_S, 0))
                .must("set a receive timeout")?;
        }
        Ok((Line(a), Line(b)))
    }

    /// Waits for messages this long from now on, instead of the usual time.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the socket does not take it.
    pub fn wait_up_to(&self, seconds: i64) -> Tested {
        setsockopt(&self.0, sockopt::ReceiveTimeout, &TimeVal::new(seconds, 0)).must("set a receive timeout")
    }

    /// Sends `text`, with a descriptor where one is given (`SCM_RIGHTS`).
    ///
    /// # Errors
    /// [`Stop::Fail`] where the other side is gone.
    pub fn send(&self, text: &str, fd: Option<BorrowedFd<'_>>) -> Tested {
        let fds: Vec<i32> = fd.iter().map(|fd| fd.as_raw_fd()).collect();
        let rights = [ControlMessage::ScmRights(&fds)];
        let control = if fds.is_empty() { &[][..] } else { &rights[..] };
        let data = [IoSlice::new(text.as_bytes())];
        sendmsg::<()>(self.0.as_raw_fd(), &data, control, MsgFlags::MSG_NOSIGNAL, None)
            .must("send to the other process")
            .map(drop)
    }

    /// Waits for a message, and the descriptor that came with it.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the other side is gone or silent for too long.
    pub fn receive(&self) -> Result<(String, Option<OwnedFd>), Stop> {
        let mut bytes = [0; 1024];
        let mut space = cmsg_space!(i32);
        let mut data = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(self.0.as_raw_fd(), &mut data, Some(&mut space), flags)
            .must("receive from the other process")?;
        let mut fd = None;
        for control in message.cmsgs().must("read the control message")? {
            if let ControlMessageOwned::ScmRights(fds) = control {
                // SAFETY: the kernel put these descriptors into our table for this message alone.
                fd = fds.first().map(|&fd| unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        let len = message.bytes;
        Ok((String::from_utf8_lossy(&bytes[..len]).into_owned(), fd))
    }

    /// Waits for a message that must carry a descriptor.
    ///
    /// # Errors
    /// As [`Line::receive`], and where none came.
    pub fn receive_fd(&self) -> Result<OwnedFd, Stop> {
        let (text, fd) = self.receive()?;
        fd.ok_or_else(|| Stop::fail(format!("the message {text:?} carried no descriptor")))
    }
}

/// A forked process, killed and reaped when it is dropped.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    /// The line to it.
    pub line: Line,
    reaped: bool,
}

impl Child {
    /// Forks. The child runs `body` over its end of the line and exits; what it returns is what [`Child::join`]
    /// returns here. Fork before starting threads.
    ///
    /// # Errors
    /// [`Stop::Fail`] where no process can be made.
    pub fn spawn(body: impl FnOnce(&Line) -> Tested) -> Result<Child, Stop> {
        let (ours, theirs) = Line::pair()?;
        // SAFETY: the caller has no other thread (documented above), so the child may go on as a normal process.
        match unsafe { fork() }.must("fork")? {
            ForkResult::Parent { child } => Ok(Child { pid: child, line: ours, reaped: false }),
            ForkResult::Child => {
                drop(ours);
                let code = run_in_child(body, &theirs);
                // SAFETY: `_exit` ends the process without running the parent's exit handlers a second time.
                unsafe { libc::_exit(code) }
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills it with SIGKILL and waits until it is gone, its descriptors closed.
    ///
    /// # Errors
    /// [`Stop::Fail`] where it cannot be killed or reaped.
    pub fn kill(mut self) -> Tested {
        kill(self.pid, Signal::SIGKILL).must("kill the other process")?;
        self.reap().must("wait for the other process").map(drop)
    }

    /// Waits for its end and returns what its body returned.
    ///
    /// # Errors
    /// What the body returned, and [`Stop::Fail`] where it died otherwise.
    pub fn join(mut self) -> Tested {
        let verdict = self.line.receive();
        let status = self.reap().must("wait for the other process")?;
        match (status, verdict) {
            (WaitStatus::Exited(_, 0), _) => Ok(()),
            (WaitStatus::Exited(_, 1), Ok((text, _))) => {
                Err(Stop::Fail(format!("in the other process: {text}")))
            }
            (WaitStatus::Exited(_, 2), Ok((text, _))) => Err(Stop::Skip(text)),
            (status, _) => Err(Stop::fail(format!("the other process ended with {status:?}"))),
        }
    }

    fn reap(&mut self) -> nix::Result<WaitStatus> {
        loop {
            match waitpid(self.pid, None) {
                Err(Errno::EINTR) => continue,
                status => {
                    self.reaped = true;
                    return status;
                }
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = self.reap();
        }
    }
}

fn run_in_child(body: impl FnOnce(&Line) -> Tested, line: &Line) -> i32 {
    // A panic must not unwind into the parent's copied frames, whose guards belong to the parent.
    let tested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(line)))
        .unwrap_or_else(|_| Err(Stop::fail("it panicked")));
    match tested {
        Ok(()) => 0,
        Err(Stop::Fail(text)) => line.send(&text, None).map_or(1, |()| 1),
        Err(Stop::Skip(text)) => line.send(&text, None).map_or(2, |()| 2),
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_crosses_and_the_verdict_comes_back() {
        let (read, write) = nix::unistd::pipe().unwrap();
        let child = Child::spawn(|line| {
            let fd = line.receive_fd()?;
            nix::unistd::write(&fd, b"x").must("write into the pipe")?;
            Ok(())
        })
        .unwrap();
        child.line.send("pipe", Some(write.as_fd())).unwrap();
        assert_eq!(child.join(), Ok(()));
        let mut byte = [0; 1];
        assert_eq!(nix::unistd::read(&read, &mut byte), Ok(1));
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn a_failed_check_in_the_child_fails_the_parent() {
        let child = Child::spawn(|_| Err(Stop::fail("it broke"))).unwrap();
        assert_eq!(child.join(), Err(Stop::Fail("in the other process: it broke".into())));
        let child = Child::spawn(|_| Err(Stop::skip("not here"))).unwrap();
        assert_eq!(child.join(), Err(Stop::Skip("not here".into())));
    }

    #[test]
    fn a_killed_child_is_a_failure() {
        let child = Child::spawn(|line| line.receive().map(drop)).unwrap();
        kill(child.pid(), Signal::SIGKILL).unwrap();
        assert!(matches!(child.join(), Err(Stop::Fail(text)) if text.contains("SIGKILL")));
    }
}
