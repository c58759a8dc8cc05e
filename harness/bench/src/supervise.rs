//! The process behind a machine: QEMU, or an agent on this machine. It is started and waited for by one thread
//! of its own, and can be killed without a race for its pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

/// How long a killed process is waited for. One that sleeps where no signal reaches it (on a dead disk, in a driver) must
/// not take the runner with it: it is left to itself.
const AFTER_KILL: Duration = Duration::from_secs(30);

/// A running process; dropped, it is killed and waited for, at most [`AFTER_KILL`].
pub(crate) struct Process<T> {
    handle: Handle,
    keeper: Option<JoinHandle<Option<T>>>,
}

/// What other threads need to wait for the process or to kill it.
#[derive(Clone)]
pub(crate) struct Handle(Arc<OwnedFd>);

impl<T: Send + 'static> Process<T> {
    /// Starts `command`, which inherits `inherit` under the same numbers. `ended` runs on the keeper's thread
    /// when the process has ended; [`Process::join`] returns what it returned. The keeper lives as long as the
    /// process, so [`die_with_us`] holds.
    pub(crate) fn start(
        mut command: Command,
        inherit: Vec<OwnedFd>,
        ended: impl FnOnce(io::Result<ExitStatus>) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (started, starts) = mpsc::channel();
        let numbers: Vec<RawFd> = inherit.iter().map(AsRawFd::as_raw_fd).collect();
        let keeper = thread::Builder::new().name("keeper".into()).spawn(move || {
            pass_on(&mut command, numbers);
            let child = command.spawn().and_then(|child| Ok((Handle::open(child.id())?, child)));
            drop(inherit);
            match child {
                Ok((handle, mut child)) => {
                    let _ = started.send(Ok(handle));
                    Some(ended(child.wait()))
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    None
                }
            }
        })?;
        let handle = starts.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Process { handle, keeper: Some(keeper) })
    }

    /// A handle for other threads.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits for the end and for what `ended` made of it. None only if `ended` panicked.
    pub(crate) fn join(mut self) -> Option<T> {
        self.keeper.take()?.join().ok().flatten()
    }
}

impl<T: Send + 'static> Process<T> {
    /// Kills it and waits for its end, at most [`AFTER_KILL`]; none where it would not die.
    pub(crate) fn end(mut self) -> Option<T> {
        self.kill_within(AFTER_KILL)
    }
}

impl<T> Process<T> {
    fn kill_within(&mut self, limit: Duration) -> Option<T> {
        let keeper = self.keeper.take()?;
        self.handle.kill();
        if self.handle.wait(limit) { keeper.join().ok().flatten() } else { None }
    }
}

impl<T> Drop for Process<T> {
    fn drop(&mut self) {
        self.kill_within(AFTER_KILL);
    }
}

impl Handle {
    /// The process must not have been waited for yet.
    fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Handle(Arc::new(pidfd_open(pid, PidfdFlags::empty())?)))
    }

    /// Kills the process; no harm when it is gone.
    pub(crate) fn kill(&self) {
        let _ = pidfd_send_signal(self.0.as_fd(), rustix::process::Signal::KILL);
    }

    /// Waits for its end, at most so long; whether it has ended.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut fds, limit), Ok(n) if n > 0)
    }
}

/// Has the command's process killed when this program ends, however it ends. The kernel sends that signal when
/// the *thread* that forked ends, so that must be one that stays.
pub(crate) fn die_with_us(command: &mut Command) {
    // SAFETY: between fork and exec this makes one system call, which neither allocates nor locks.
    unsafe { command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)) };
}

/// Has the command inherit these descriptors, and stay out of the terminal's signals: Ctrl-C is ours to handle,
/// the machine is told to power off.
fn pass_on(command: &mut Command, inherit: Vec<RawFd>) {
    command.process_group(0);
    let prepare = move || {
        for &number in &inherit {
            // SAFETY: the keeper holds the descriptor open until the fork is done.
            let fd = unsafe { BorrowedFd::borrow_raw(number) };
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec `prepare` makes system calls alone; it neither allocates nor locks.
    unsafe { command.pre_exec(prepare) };
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_end_is_told_and_the_descriptors_arrive() {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("echo here >&{}; exit 3", theirs.as_raw_fd()));
        let process = Process::start(command, vec![theirs.into()], |s| s.unwrap().code()).unwrap();
        assert_eq!(process.join(), Some(Some(3)));
        assert_eq!(io::read_to_string(ours).unwrap(), "here\n");
    }

    #[test]
    fn a_handle_kills_and_waits() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let process = Process::start(command, Vec::new(), |s| s.unwrap().signal()).unwrap();
        let handle = process.handle().clone();
        assert!(!handle.wait(Duration::from_millis(1)));
        handle.kill();
        assert!(handle.wait(Duration::from_secs(60)));
        assert_eq!(process.join(), Some(Some(9)));
        handle.kill();
    }

    #[test]
    fn one_that_does_not_die_is_left_behind() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let mut process = Process::start(command, Vec::new(), |_| ()).unwrap();
        // No time at all stands for a process that SIGKILL does not end.
        assert_eq!(process.kill_within(Duration::ZERO), None);
        assert_eq!(process.kill_within(Duration::MAX), None, "nobody waits for it again");
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = Process::start(Command::new("/nonexistent"), Vec::new(), |_| ()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
