//! EVENTFD: a counter that goes up when a point signals, or gets a fence.

use std::os::fd::AsFd;

use nix::errno::Errno::EAGAIN;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::fixture::Fixture;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::WaitFor;

/// A case of this file: all of them are about one rule.
macro_rules! case {
    ($name:literal, $about:literal, $run:ident) => {
        Case::new(SUITE, $name, $about, SYNCOBJ, $run).rules(&["SYNC-EVENTFD"])
    };
}

pub(super) const CASES: &[Case] = &[
    case!("eventfd", "the eventfd counts when the point's fence signals, once", signalled),
    case!("eventfd-already-signalled", "a point that has signalled counts at registration", already),
    case!("eventfd-before-submit", "a registration may come before the fence", before_submit),
    case!(
        "eventfd-available",
        "WAIT_AVAILABLE counts when the point gets a fence, pending as it is",
        available
    ),
    case!(
        "eventfd-available-later",
        "WAIT_AVAILABLE waits for the point, not for a lower one",
        available_later
    ),
    case!("eventfd-binary", "point 0 counts with the binary fence", binary),
    case!("eventfd-many", "each registration counts, on one eventfd or on several", many),
    case!("eventfd-later-point", "a point that is passed by a later one counts", later_point),
    case!(
        "eventfd-over-reset",
        "a registration keeps the fence that it began with when the object is reset",
        over_reset
    ),
    case!("eventfd-over-destroy", "a registration on a fence outlives the object", over_destroy),
    case!(
        "eventfd-unsubmitted-destroy",
        "an object that goes without ever having a fence counts nothing",
        unsubmitted
    ),
    case!("eventfd-closed-first", "an eventfd may be closed before its point signals", closed_first),
    case!("eventfd-full", "a counter at its limit stays there and blocks no fence", full),
];

/// A counter that does not block.
fn counter() -> Result<EventFd, Stop> {
    EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).must("create an eventfd")
}

/// Takes the count, 0 where nothing was counted.
fn count(counter: &EventFd) -> Result<u64, Stop> {
    match counter.read() {
        Err(EAGAIN) => Ok(0),
        answer => answer.must("read an eventfd"),
    }
}

fn signalled(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    fix.submit((&object, 1), 1)?;
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    check_eq!(count(&events)?, 0, "the count while the fence is pending");
    fix.tick(1)?;
    check_eq!(count(&events)?, 1, "the count after the signal");
    object.signal_point(2).must("signal the next point")?;
    check_eq!(count(&events)?, 0, "the count after another point");
    Ok(())
}

fn already(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.signal_point(5).must("signal a point")?;
    for (point, available) in [(5, false), (3, false), (5, true)] {
        object.notify(point, events.as_fd(), available).must("register an eventfd")?;
        check_eq!(count(&events)?, 1, "the count at registration");
    }
    Ok(())
}

fn before_submit(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(1, events.as_fd(), false).must("register an eventfd before the fence")?;
    fix.submit((&object, 1), 1)?;
    check_eq!(count(&events)?, 0, "the count at the submission");
    fix.tick(1)?;
    check_eq!(count(&events)?, 1, "the count after the signal");
    Ok(())
}

fn available(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(1, events.as_fd(), true).must("register an eventfd")?;
    check_eq!(count(&events)?, 0, "the count before the submission");
    fix.submit((&object, 1), 1)?;
    check_eq!(count(&events)?, 1, "the count at the submission");
    fix.tick(1)?;
    check_eq!(count(&events)?, 0, "the count after the signal");
    Ok(())
}

fn available_later(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(2, events.as_fd(), true).must("register an eventfd")?;
    fix.submit((&object, 1), 1)?;
    check_eq!(count(&events)?, 0, "the count at point 1");
    fix.submit((&object, 2), 2)?;
    check_eq!(count(&events)?, 1, "the count at point 2");
    Ok(())
}

fn binary(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(0, events.as_fd(), false).must("register an eventfd")?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    check_eq!(count(&events)?, 0, "the count while the fence is pending");
    fix.tick(1)?;
    check_eq!(count(&events)?, 1, "the count after the signal");
    Ok(())
}

fn many(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, one, other) = (fix.empty()?, counter()?, counter()?);
    for point in 1..=3 {
        object.notify(point, one.as_fd(), false).must("register an eventfd")?;
    }
    object.notify(2, other.as_fd(), false).must("register another eventfd")?;
    object.signal_point(1).must("signal a point")?;
    check_eq!((count(&one)?, count(&other)?), (1, 0), "the counts after point 1");
    object.signal_point(2).must("signal a point")?;
    object.signal_point(3).must("signal a point")?;
    check_eq!((count(&one)?, count(&other)?), (2, 1), "the counts after points 2 and 3");
    Ok(())
}

fn later_point(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(5, events.as_fd(), false).must("register an eventfd")?;
    object.signal_point(9).must("signal a later point")?;
    check_eq!(count(&events)?, 1, "the count after the later point");
    Ok(())
}

fn over_reset(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    fix.submit((&object, 1), 1)?;
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    object.reset().must("reset a syncobj")?;
    object.must_be_empty()?;
    check_eq!(count(&events)?, 0, "the count after the reset");
    fix.tick(1)?;
    check_eq!(count(&events)?, 1, "the count after the signal");
    Ok(())
}

fn over_destroy(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    fix.submit((&object, 1), 1)?;
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    object.destroy().must("destroy a syncobj")?;
    fix.tick(1)?;
    check_eq!(count(&events)?, 1, "the count after the signal");
    Ok(())
}

fn unsubmitted(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    object.notify(2, events.as_fd(), true).must("register an eventfd")?;
    object.destroy().must("destroy a syncobj")?;
    check_eq!(count(&events)?, 0, "the count after the object is gone");
    Ok(())
}

fn closed_first(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    fix.submit((&object, 1), 1)?;
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    object.notify(2, events.as_fd(), false).must("register an eventfd")?;
    drop(events);
    fix.tick(1)?;
    object.signal_point(2).must("signal the next point")?;
    object.wait_point(2, &WaitFor::default()).must("wait for the point").map(drop)
}

fn full(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (object, events) = (fix.empty()?, counter()?);
    events.write(u64::MAX - 1).must("fill an eventfd")?;
    object.notify(1, events.as_fd(), false).must("register an eventfd")?;
    object.signal_point(1).must("signal a point")?;
    object.wait_point(1, &WaitFor::default()).must("wait for the point")?;
    check_eq!(count(&events)?, u64::MAX, "the full count");
    Ok(())
}
