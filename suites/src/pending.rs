//! Fences that a case keeps pending, and the guards that see to it that none stays so.
//!
//! Somebody may wait for such a fence where no signal reaches him: a commit's worker, or an ioctl behind the
//! modeset locks. So the fence signals when the case drops it, when the case's process dies, and after
//! [`PATIENCE`] or what the case asked for, whatever happens.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, read};

use crate::case::{Stop, Tested};
use crate::must::Must;
use crate::uapi::sw_sync::{self, Timeline};
use crate::uapi::sync_file::SyncFile;

/// How long a fence may stay pending: beyond every check of a case, below its budget.
pub const PATIENCE: Duration = Duration::from_secs(12);

/// A sw_sync fence that is not signalled yet.
#[derive(Debug)]
pub struct Pending {
    fence: SyncFile,
    timeline: Timeline,
    _watchdog: Watchdog,
}

impl Pending {
    /// A fence on a timeline of its own.
    ///
    /// # Errors
    /// Skips without sw_sync, fails where the guard cannot be set up.
    pub fn new() -> Result<Self, Stop> {
        Self::lasting(PATIENCE)
    }

    /// The same, for a case that is about time: its watchdog waits that long.
    ///
    /// # Errors
    /// As [`Pending::new`].
    pub fn lasting(patience: Duration) -> Result<Self, Stop> {
        Self::guarding(Timeline::new()?, patience)
    }

    /// A fence on a timeline that somebody else made and may leave: the guard holds the timeline too.
    ///
    /// # Errors
    /// Fails where the guard cannot be set up.
    pub fn guarding(timeline: Timeline, patience: Duration) -> Result<Self, Stop> {
        let fence = timeline.fence(1).must("make a sw_sync fence")?;
        let watchdog = Watchdog::over(&timeline, patience)?;
        Ok(Pending { fence, timeline, _watchdog: watchdog })
    }

    /// Waits until the watchdog's patience ends and it signals the fence.
    ///
    /// # Errors
    /// Fails where it does not within a time that is long beyond any patience.
    pub fn expires(&self) -> Tested {
        let signalled = self.fence.wait(30_000).must("wait for the watchdog")?;
        crate::check!(signalled, "the watchdog did not signal the fence");
        Ok(())
    }

    /// Its sync file.
    pub fn fence(&self) -> &SyncFile {
        &self.fence
    }

    /// Signals it.
    ///
    /// # Errors
    /// Fails where sw_sync does.
    pub fn signal(&self) -> Tested {
        self.timeline.inc(1).must("signal the sw_sync fence")
    }
}

impl AsFd for Pending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fence.as_fd()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let _ = self.timeline.inc(1);
    }
}

/// A sw_sync fence that has signalled.
///
/// # Errors
/// As [`Pending::new`].
pub fn signalled_fence() -> Result<SyncFile, Stop> {
    let timeline = Timeline::new()?;
    let fence = timeline.fence(1).must("make a sw_sync fence")?;
    timeline.inc(1).must("signal the sw_sync fence")?;
    Ok(fence)
}

/// A process that holds nothing but a timeline and a line to us. It signals the timeline when our end of the
/// line closes or when its patience ends, and exits.
#[derive(Debug)]
struct Watchdog {
    line: Option<OwnedFd>,
    pid: Pid,
}

impl Watchdog {
    fn over(timeline: &Timeline, patience: Duration) -> Result<Self, Stop> {
        let patience = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        let kind = SockType::Stream;
        let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
            .must("make the watchdog's socket pair")?;
        let (keep, timeline) = (theirs.as_raw_fd(), timeline.as_fd().as_raw_fd());
        // SAFETY: the child makes system calls alone, on values that were computed before: nothing there
        // allocates or takes a lock that another thread may have held at the fork.
        match unsafe { fork() }.must("fork the watchdog")? {
            // SAFETY: this is the forked child, which owns its copy of every descriptor.
            ForkResult::Child => unsafe { watch(keep, timeline, patience) },
            ForkResult::Parent { child } => {
                drop(theirs);
                // Until it has closed its copies of our files, their closing would mean nothing.
                let ready = read(&ours, &mut [0]).must("wait for the watchdog")?;
                crate::check_eq!(ready, 1, "bytes from the watchdog");
                Ok(Watchdog { line: Some(ours), pid: child })
            }
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.line = None;
        while waitpid(self.pid, None) == Err(Errno::EINTR) {}
    }
}

/// The watchdog's life.
///
/// # Safety
/// Only in a forked child: it closes every descriptor but the two, and never returns.
unsafe fn watch(line: i32, timeline: i32, patience: i32) -> ! {
    let (low, high) = if line < timeline { (line, timeline) } else { (timeline, line) };
    let steps: u32 = 1 << 16;
    let mut fds = [libc::pollfd { fd: line, events: libc::POLLIN, revents: 0 }];
    // SAFETY: plain system calls on descriptors of this process and on live locals.
    unsafe {
        if low > 0 {
            libc::close_range(0, low as u32 - 1, 0);
        }
        if high > low + 1 {
            libc::close_range(low as u32 + 1, high as u32 - 1, 0);
        }
        libc::close_range(high as u32 + 1, u32::MAX, 0);
        libc::write(line, [1u8].as_ptr().cast(), 1);
        libc::poll(fds.as_mut_ptr(), 1, patience);
        libc::ioctl(timeline, sw_sync::INC, &steps);
        libc::_exit(0)
    }
}
