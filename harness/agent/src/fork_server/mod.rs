//! A process that has started once and then forks for each case: loading a program of this size, and the recorder in it,
//! takes a guest without KVM several times as long as most cases do. Its children are the agent's own, as if the agent had
//! started each of them, and have nothing of an earlier case: the one that forks runs none.

mod process;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, recv, sendmsg, setsockopt, socketpair,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

pub(crate) use process::serve;

use crate::fork::tid_address;
use crate::spawn::{Launch, spawn};

/// The argument by which the program serves.
pub(crate) const SERVE: &str = "--serve";

/// The descriptor on which it is asked.
const SOCKET: RawFd = 3;

/// How long a fork may take on a machine that is out of memory, in seconds.
const PATIENCE: i64 = 20;

/// The process, started when it is first needed, and again if it is gone.
#[derive(Debug)]
pub(crate) struct Forks {
    server: Option<ForkServer>,
    may_start: bool,
}

impl Forks {
    /// Before the first case. Only this program knows how to serve: where another one runs the cases, none is started.
    pub(crate) fn new(runs_cases: bool) -> Self {
        Forks { server: None, may_start: runs_cases }
    }

    /// Sees to it that the process is there, with this program and environment. False: it cannot be started, or could not
    /// fork.
    pub(crate) fn are_ready(&mut self, program: &[OsString], env: &[OsString]) -> bool {
        if self.server.as_ref().is_some_and(ForkServer::is_gone) {
            self.stop();
        }
        if self.server.is_none() && self.may_start {
            self.server = ForkServer::start(program, env).ok();
            self.may_start = self.server.is_some();
        }
        self.server.is_some()
    }

    /// Has a child forked in that cgroup, which gets these descriptors as 0, 1, 2 and 3 and runs the case of these arguments.
    pub(crate) fn launch(
        &mut self,
        arguments: &[String],
        fds: [BorrowedFd<'_>; 4],
        cgroup: BorrowedFd<'_>,
    ) -> Forked {
        let Some(server) = &self.server else { return Forked::Not };
        if server.ask(arguments, fds, cgroup).is_err() {
            return Forked::Not;
        }
        match server.answer() {
            Ok(Ok(pid)) => Forked::Child(pid),
            Ok(Err(_)) => Forked::Not,
            Err(_) => {
                self.stop();
                Forked::Unknown
            }
        }
    }

    /// Ends the process at once. Its children live on.
    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            // One that has been reaped has given its pid away.
            if waitpid(server.pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) {
                let _ = kill(server.pid, Signal::SIGKILL);
                let _ = waitpid(server.pid, None);
            }
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forked {
    /// A child.
    Child(Pid),
    /// None.
    Not,
    /// The one that forks gave no answer: a child may be there.
    Unknown,
}

/// The agent's side of it.
#[derive(Debug)]
struct ForkServer {
    socket: OwnedFd,
    pid: Pid,
}

impl ForkServer {
    /// Starts it with the environment that its children will have.
    ///
    /// # Errors
    /// The kernel's, of the socket or of the process.
    fn start(program: &[OsString], env: &[OsString]) -> io::Result<Self> {
        // Without it no fork would work, in that process either.
        tid_address()?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE))?;
        let null = File::open("/dev/null")?;
        let argv: Vec<OsString> = program.iter().cloned().chain([SERVE.into()]).collect();
        let fds = [null.as_fd(), null.as_fd(), null.as_fd(), theirs.as_fd()];
        let pid = spawn(&Launch::of(&argv, env, &fds))?;
        Ok(ForkServer { socket, pid })
    }

    fn is_gone(&self) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        !poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready == 0)
    }

    fn ask(&self, arguments: &[String], fds: [BorrowedFd<'_>; 4], cgroup: BorrowedFd<'_>) -> io::Result<()> {
        let request = serde_json::to_vec(arguments)?;
        let fds: Vec<RawFd> = fds.iter().chain([&cgroup]).map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&fds)];
        let flags = MsgFlags::MSG_NOSIGNAL;
        sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(&request)], &rights, flags, None)?;
        Ok(())
    }

    /// The child, or why there is none; an error where it does not say.
    fn answer(&self) -> io::Result<io::Result<Pid>> {
        let mut answer = [0; 4];
        let len = loop {
            match recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        match (len, i32::from_ne_bytes(answer)) {
            (4, pid @ 1..) => Ok(Ok(Pid::from_raw(pid))),
            (4, errno) => Ok(Err(Errno::from_raw(-errno).into())),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
