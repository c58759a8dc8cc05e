//! A thread that blocks in an ioctl or a poll, and the certainty that it does.

use std::fs;
use std::os::unix::thread::JoinHandleExt;
use std::sync::mpsc;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::gettid;

use crate::case::Stop;
use crate::ctx::Ctx;
use crate::must::Must;

/// How long to wait for a thread to block, or to come back, before the case fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the thread ends within that time. Takes no memory meanwhile: what the thread does may hold the lock of this process's
/// address space.
pub fn ends_within<T>(thread: &JoinHandle<T>, time: Duration) -> bool {
    let began = Instant::now();
    while !thread.is_finished() && began.elapsed() < time {
        sleep(Duration::from_millis(1));
    }
    thread.is_finished()
}

/// A thread inside a blocking call.
pub struct Waiter<T> {
    thread: JoinHandle<T>,
    tid: i32,
}

impl<T: Send + 'static> Waiter<T> {
    /// Starts a thread that makes `call`, and returns once that thread sleeps in an ioctl or a poll. The call must end by
    /// itself sooner or later: give it a timeout.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the call does not block.
    pub fn start(ctx: &Ctx, call: impl FnOnce() -> T + Send + 'static) -> Result<Self, Stop> {
        let (send, receive) = mpsc::channel();
        let thread = ctx.spawn(move || {
            // The receiver waits for this message, so it is still there.
            let _ = send.send(gettid().as_raw());
            call()
        });
        let tid = receive.recv().map_err(|_| Stop::fail("the waiting thread did not start"))?;
        let waiter = Waiter { thread, tid };
        if waiter.blocked()? {
            Ok(waiter)
        } else {
            Err(Stop::fail("the call returned at once where it had to block"))
        }
    }

    /// The thread's id, as kernel reports name it.
    pub fn tid(&self) -> i32 {
        self.tid
    }

    /// The thread's state as `/proc` has it: `S` sleeps where a signal reaches it, `D` where none does.
    pub fn state(&self) -> Option<char> {
        state(&fs::read_to_string(format!("/proc/self/task/{}/stat", self.tid)).unwrap_or_default())
    }

    /// Whether the call still blocks. A thread that was woken counts as neither until it sleeps again or is done, so
    /// that an answer after a change tells what the change did.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the thread runs on without an end.
    pub fn blocked(&self) -> Result<bool, Stop> {
        let patience = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            if sleeps_in_call(self.tid) {
                return Ok(true);
            }
            if Instant::now() > patience {
                return Err(Stop::fail(format!("thread {} neither blocked nor returned", self.tid)));
            }
            sleep(Duration::from_millis(1));
        }
        Ok(false)
    }

    /// Sends SIGUSR1 to the waiting thread alone, which runs a handler that does nothing. `restart` says whether
    /// the kernel may restart the call (`SA_RESTART`).
    ///
    /// # Errors
    /// [`Stop::Fail`] where the signal cannot be sent.
    pub fn interrupt(&self, restart: bool) -> Result<(), Stop> {
        let flags = if restart { SaFlags::SA_RESTART } else { SaFlags::empty() };
        let action = SigAction::new(SigHandler::Handler(ignore), flags, SigSet::empty());
        // SAFETY: the handler touches nothing, so it may run at any point.
        unsafe { sigaction(Signal::SIGUSR1, &action) }.must("set a signal handler")?;
        pthread_kill(self.thread.as_pthread_t(), Signal::SIGUSR1).must("signal the waiting thread")
    }

    /// What the call returned.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the thread panicked.
    pub fn join(self) -> Result<T, Stop> {
        self.thread.join().map_err(|_| Stop::fail("the waiting thread panicked"))
    }
}

extern "C" fn ignore(_signal: libc::c_int) {}

/// The calls that cases block in.
const BLOCKING: &[libc::c_long] = &[
    libc::SYS_ioctl,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// `/proc/TID/syscall` begins with the call's number while the thread is off its CPU inside it. A thread that was
/// woken from another CPU may still be shown so until that CPU takes note; its state is `R` from the wake-up on.
fn sleeps_in_call(tid: i32) -> bool {
    let read = |file| fs::read_to_string(format!("/proc/self/task/{tid}/{file}")).unwrap_or_default();
    let call = read("syscall").split(' ').next().and_then(|number| number.parse().ok());
    call.is_some_and(|number| BLOCKING.contains(&number)) && matches!(state(&read("stat")), Some('S' | 'D'))
}

/// The state letter of a `stat` line: behind the name, which may hold anything but ends with the last parenthesis.
pub(crate) fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_stands_behind_the_name() {
        assert_eq!(state("12 (a) b) (c) S 1 12"), Some('S'));
        assert_eq!(state("12 (worker) R 1 12"), Some('R'));
        assert_eq!(state(""), None);
    }
}
