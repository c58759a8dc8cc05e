//! Bad arguments: every call, every field that can be wrong, and the errno that says so (`drm_syncobj.c`).

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno::{self, EBADF, EFAULT, EINVAL, ENOENT};

use super::fixture::Fixture;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::syncobj::{
    self as uapi, Argument, Create, Destroy, Eventfd, FdToHandle, HandleToFd, Query, Reset, SYNC_FILE,
    Signal, TimelineSignal, TimelineWait, Transfer, WAIT_AVAILABLE, Wait,
};
use crate::uapi::{BAD_ADDRESS, ioctl_bad_address};

/// A case for the bad arguments of one call.
macro_rules! bad {
    ($name:literal, $call:literal, $run:ident) => {
        Case::new(
            SUITE,
            $name,
            concat!($call, " refuses each kind of bad argument with its errno"),
            SYNCOBJ,
            $run,
        )
    };
}

pub(super) const CASES: &[Case] = &[
    bad!("bad-create", "CREATE", create),
    bad!("bad-destroy", "DESTROY", destroy),
    bad!("bad-handle-to-fd", "HANDLE_TO_FD", handle_to_fd),
    bad!("bad-fd-to-handle", "FD_TO_HANDLE", fd_to_handle),
    bad!("bad-wait", "WAIT", wait),
    bad!("bad-timeline-wait", "TIMELINE_WAIT", timeline_wait),
    bad!("bad-reset", "RESET", reset),
    bad!("bad-signal", "SIGNAL", signal),
    bad!("bad-timeline-signal", "TIMELINE_SIGNAL", timeline_signal),
    bad!("bad-query", "QUERY", query),
    bad!("bad-transfer", "TRANSFER", transfer),
    bad!("bad-eventfd", "EVENTFD", eventfd),
];

/// A handle that no case gets: handles count up from 1.
const UNKNOWN: u32 = 0x00ff_ffff;

/// A flag that no kernel knows.
const NO_FLAG: u32 = 1 << 31;

/// Makes the call with the argument that the table varies, which must work; then with each of the table's, and checks the
/// errno; and once with the argument itself out of reach. What the call that worked wrote into its argument.
fn refuse<T: Argument>(file: &DrmFile, good: T, table: &[(&str, T, Errno)]) -> Result<T, Stop> {
    let mut good = good;
    // SAFETY: as below.
    unsafe { uapi::call(file, &mut good) }.must("make the call with good arguments")?;
    ioctl_bad_address(file, T::REQUEST).refused("the argument out of reach", EFAULT)?;
    for (what, argument, errno) in table {
        let mut argument = *argument;
        // SAFETY: the tables below hold null, `BAD_ADDRESS`, or the address of a live word with a count of 1.
        unsafe { uapi::call(file, &mut argument) }.refused(what, *errno)?;
    }
    Ok(good)
}

fn address<T>(word: &T) -> u64 {
    std::ptr::from_ref(word) as u64
}

fn create(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let flags: Vec<_> = (1..32)
        .map(|bit| ("an unknown flag", Create { flags: 1 << bit, ..Create::default() }, EINVAL))
        .collect();
    refuse(&fix.file, Create::default(), &flags).map(drop)
}

fn destroy(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let handle = fix.signalled()?;
    let spare = std::mem::ManuallyDrop::new(fix.signalled()?);
    let table = [
        ("padding", Destroy { handle: handle.raw(), pad: 1 }, EINVAL),
        ("handle 0", Destroy { handle: 0, pad: 0 }, EINVAL),
        ("an unknown handle", Destroy { handle: UNKNOWN, pad: 0 }, EINVAL),
    ];
    refuse(&fix.file, Destroy { handle: spare.raw(), pad: 0 }, &table)?;
    handle.destroy().must("destroy the handle that only refusals named")
}

fn handle_to_fd(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let (object, empty) = (fix.signalled()?, fix.empty()?);
    let good = HandleToFd { handle: object.raw(), ..HandleToFd::default() };
    let table = [
        ("padding", HandleToFd { pad: 1, ..good }, EINVAL),
        ("an unknown flag", HandleToFd { flags: NO_FLAG, ..good }, EINVAL),
        ("an unknown handle", HandleToFd { handle: UNKNOWN, ..good }, EINVAL),
        ("handle 0", HandleToFd { handle: 0, ..good }, EINVAL),
        (
            "the sync file of an unknown handle",
            HandleToFd { handle: UNKNOWN, flags: SYNC_FILE, ..good },
            ENOENT,
        ),
        ("the sync file of no fence", HandleToFd { handle: empty.raw(), flags: SYNC_FILE, ..good }, EINVAL),
    ];
    let made = refuse(&fix.file, good, &table)?;
    // SAFETY: the kernel made this descriptor for the call that worked alone.
    drop(unsafe { OwnedFd::from_raw_fd(made.fd) });
    Ok(())
}

fn fd_to_handle(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let shared = object.share().must("share a syncobj")?;
    let good = FdToHandle { fd: shared.as_raw_fd(), ..FdToHandle::default() };
    let table = [
        ("padding", FdToHandle { pad: 1, ..good }, EINVAL),
        ("an unknown flag", FdToHandle { flags: NO_FLAG, ..good }, EINVAL),
        ("fd -1", FdToHandle { fd: -1, ..good }, EINVAL),
        ("sync file -1", FdToHandle { fd: -1, flags: SYNC_FILE, handle: object.raw(), ..good }, EINVAL),
    ];
    refuse(&fix.file, good, &table).map(drop)
}

fn wait(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let (known, unknown) = (object.raw(), UNKNOWN);
    let good = Wait { handles: address(&known), count_handles: 1, ..Wait::default() };
    let table = [
        ("an unknown flag", Wait { flags: NO_FLAG, ..good }, EINVAL),
        ("WAIT_AVAILABLE, which is for timelines", Wait { flags: WAIT_AVAILABLE, ..good }, EINVAL),
        ("handles out of reach", Wait { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("no handles where one is promised", Wait { handles: 0, ..good }, EFAULT),
        ("an unknown handle", Wait { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, good, &table).map(drop)
}

fn timeline_wait(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.signalled()?;
    let (known, unknown, point) = (object.raw(), UNKNOWN, 0_u64);
    let good = TimelineWait {
        handles: address(&known),
        points: address(&point),
        count_handles: 1,
        ..TimelineWait::default()
    };
    let table = [
        ("an unknown flag", TimelineWait { flags: NO_FLAG, ..good }, EINVAL),
        ("handles out of reach", TimelineWait { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("points out of reach", TimelineWait { points: BAD_ADDRESS, ..good }, EFAULT),
        ("an unknown handle", TimelineWait { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, good, &table).map(drop)
}

fn reset(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let (known, unknown) = (object.raw(), UNKNOWN);
    let good = Reset { handles: address(&known), count_handles: 1, pad: 0 };
    let table = [
        ("padding", Reset { pad: 1, ..good }, EINVAL),
        ("no handles", Reset { count_handles: 0, ..good }, EINVAL),
        ("handles out of reach", Reset { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("an unknown handle", Reset { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, good, &table).map(drop)
}

fn signal(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let (object, spare) = (fix.empty()?, fix.empty()?);
    let (known, unknown) = (object.raw(), UNKNOWN);
    let good = Signal { handles: address(&known), count_handles: 1, pad: 0 };
    let table = [
        ("padding", Signal { pad: 1, ..good }, EINVAL),
        ("no handles", Signal { count_handles: 0, ..good }, EINVAL),
        ("handles out of reach", Signal { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("an unknown handle", Signal { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, Signal { handles: address(&spare.raw()), ..good }, &table)?;
    object.must_be_empty()
}

fn timeline_signal(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, spare) = (fix.empty()?, fix.empty()?);
    let (known, unknown, point) = (object.raw(), UNKNOWN, 1_u64);
    let good =
        TimelineSignal { handles: address(&known), points: address(&point), count_handles: 1, flags: 0 };
    let table = [
        ("an unknown flag", TimelineSignal { flags: NO_FLAG, ..good }, EINVAL),
        ("no handles", TimelineSignal { count_handles: 0, ..good }, EINVAL),
        ("handles out of reach", TimelineSignal { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("points out of reach", TimelineSignal { points: BAD_ADDRESS, ..good }, EFAULT),
        ("an unknown handle", TimelineSignal { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, TimelineSignal { handles: address(&spare.raw()), ..good }, &table)?;
    object.must_be_empty()
}

fn query(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    let (known, unknown, mut point) = (object.raw(), UNKNOWN, 0_u64);
    let good = Query { handles: address(&known), points: &raw mut point as u64, count_handles: 1, flags: 0 };
    let table = [
        ("an unknown flag", Query { flags: NO_FLAG, ..good }, EINVAL),
        ("no handles", Query { count_handles: 0, ..good }, EINVAL),
        ("handles out of reach", Query { handles: BAD_ADDRESS, ..good }, EFAULT),
        ("points out of reach", Query { points: BAD_ADDRESS, ..good }, EFAULT),
        ("an unknown handle", Query { handles: address(&unknown), ..good }, ENOENT),
    ];
    refuse(&fix.file, good, &table).map(drop)
}

fn transfer(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target, spare) = (fix.signalled()?, fix.empty()?, fix.empty()?);
    let good = Transfer { src_handle: source.raw(), dst_handle: target.raw(), ..Transfer::default() };
    let table = [
        ("padding", Transfer { pad: 1, ..good }, EINVAL),
        ("an unknown flag", Transfer { flags: NO_FLAG, ..good }, EINVAL),
        ("an unknown source", Transfer { src_handle: UNKNOWN, ..good }, ENOENT),
        ("an unknown target", Transfer { dst_handle: UNKNOWN, ..good }, ENOENT),
        ("an unknown source for a point", Transfer { src_handle: UNKNOWN, dst_point: 1, ..good }, ENOENT),
        ("an unknown target for a point", Transfer { dst_handle: UNKNOWN, dst_point: 1, ..good }, ENOENT),
        ("an unknown flag for a point", Transfer { flags: NO_FLAG, dst_point: 1, ..good }, EINVAL),
    ];
    refuse(&fix.file, Transfer { dst_handle: spare.raw(), ..good }, &table)?;
    target.must_be_empty()
}

fn eventfd(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.signalled()?;
    let events = nix::sys::eventfd::EventFd::new().must("create an eventfd")?;
    let good = Eventfd { handle: object.raw(), fd: events.as_raw_fd(), ..Eventfd::default() };
    let table = [
        ("padding", Eventfd { pad: 1, ..good }, EINVAL),
        ("an unknown flag", Eventfd { flags: NO_FLAG, ..good }, EINVAL),
        ("an unknown handle", Eventfd { handle: UNKNOWN, ..good }, ENOENT),
        ("fd -1", Eventfd { fd: -1, ..good }, EBADF),
        ("an fd that is no eventfd", Eventfd { fd: fix.file.as_raw_fd(), ..good }, EINVAL),
    ];
    refuse(&fix.file, good, &table).map(drop)
}
