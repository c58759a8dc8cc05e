//! Two processes with no line between them.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::case::{Stop, Tested};
use crate::must::Must;

/// When the first begins: both are there by then, and so neither comes after the other's end.
const SOON: Duration = Duration::from_millis(200);
/// When the second begins: longer after that than an emulated machine takes for what the first does.
const LATE: Duration = Duration::from_millis(1000);

/// Runs both in processes of their own at the same time, the second one late, and waits for both. They say only whether they
/// did what they should: a line to say more on would be one by which they could wait for each other.
///
/// # Errors
/// [`Stop::Fail`] where one of them failed.
pub(super) fn race(first: impl FnOnce() -> Tested, second: impl FnOnce() -> Tested) -> Tested {
    let first = run(SOON, first)?;
    let second = run(LATE, second)?;
    join(first, "first").and(join(second, "second"))
}

fn run(after: Duration, body: impl FnOnce() -> Tested) -> Result<Pid, Stop> {
    // SAFETY: a case's process has one thread until it starts another, and these cases start none.
    match unsafe { fork() }.must("fork")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            sleep(after);
            // A panic must not unwind into the parent's copied frames.
            let tested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: `_exit` ends the process without running the parent's exit handlers a second time.
            unsafe { libc::_exit(i32::from(!matches!(tested, Ok(Ok(()))))) }
        }
    }
}

fn join(pid: Pid, which: &str) -> Tested {
    match waitpid(pid, None).must("wait for a racer")? {
        WaitStatus::Exited(_, 0) => Ok(()),
        status => Err(Stop::fail(format!("the {which} of the two racers ended with {status:?}"))),
    }
}
