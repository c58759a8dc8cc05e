//! Waits that end because a fence signals, and waits with unusual arguments.

use std::sync::Arc;

use nix::errno::Errno::{EINTR, EINVAL, ETIME};

use super::clock::{PATIENCE_MS, in_ms};
use super::fixture::{Fixture, patient, poll};
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{WAIT_ALL, WAIT_DEADLINE, WaitFor};
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "wait-woken", "a blocked wait ends when the fence signals", SYNCOBJ, woken),
    Case::new(
        SUITE,
        "wait-any-woken",
        "a blocked wait for any ends with the index of the fence that signalled",
        SYNCOBJ,
        any,
    ),
    Case::new(
        SUITE,
        "wait-all-woken",
        "a blocked wait for all ends with the last fence, not before",
        SYNCOBJ,
        all,
    ),
    Case::new(
        SUITE,
        "wait-many-threads",
        "one fence wakes every thread that waits for it",
        SYNCOBJ,
        many_threads,
    ),
    Case::new(SUITE, "wait-same-twice", "one handle may stand in a wait several times", SYNCOBJ, same_twice),
    Case::new(SUITE, "wait-none", "a wait on no handles does not block", SYNCOBJ, none),
    Case::new(
        SUITE,
        "wait-far-timeout",
        "the largest timeout neither overflows nor ends a wait early",
        SYNCOBJ,
        far,
    ),
    Case::new(SUITE, "wait-negative-timeout", "a negative timeout lies in the past", SYNCOBJ, negative),
    Case::new(
        SUITE,
        "wait-error-fence",
        "a fence that signalled with an error ends the wait like any other",
        SYNCOBJ,
        error,
    ),
    Case::new(
        SUITE,
        "wait-interrupted",
        "a signal handler without SA_RESTART ends a wait with EINTR",
        SYNCOBJ,
        interrupted,
    ),
    Case::new(
        SUITE,
        "wait-restarted",
        "a wait goes on after a signal handler with SA_RESTART",
        SYNCOBJ,
        restarted,
    ),
    Case::new(
        SUITE,
        "wait-deadline",
        "WAIT_DEADLINE puts its deadline on the fences, as a hint",
        SYNCOBJ,
        deadline,
    )
    .rules(&["FENCE-DEADLINE"]),
];

/// Starts a thread that waits for all of `objects`.
fn start(
    ctx: &Ctx,
    fix: &Arc<Fixture>,
    objects: &[&Arc<Syncobj>],
    flags: u32,
) -> Result<Waiter<nix::Result<u32>>, Stop> {
    let fix = Arc::clone(fix);
    let objects: Vec<Arc<Syncobj>> = objects.iter().map(|&o| Arc::clone(o)).collect();
    let what = patient(flags)?;
    Waiter::start(ctx, move || {
        let objects: Vec<&Syncobj> = objects.iter().map(Arc::as_ref).collect();
        fix.wait(&objects, &what)
    })
}

fn woken(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let object = Arc::new(fix.holding(1)?);
    let waiter = start(ctx, &fix, &[&object], 0)?;
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn any(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let objects = [fix.holding(30)?, fix.holding(20)?, fix.holding(10)?].map(Arc::new);
    let waiter = start(ctx, &fix, &[&objects[0], &objects[1], &objects[2]], 0)?;
    fix.tick(10)?;
    check_eq!(waiter.join()?, Ok(2), "the index of the fence that signalled");
    Ok(())
}

fn all(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let objects = [fix.holding(1)?, fix.holding(2)?, fix.holding(3)?].map(Arc::new);
    let waiter = start(ctx, &fix, &[&objects[0], &objects[1], &objects[2]], WAIT_ALL)?;
    fix.tick(2)?;
    check!(waiter.blocked()?, "a wait for all ended with one fence pending");
    fix.tick(1)?;
    waiter.join()?.must("wait for all of three fences").map(drop)
}

fn many_threads(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let object = Arc::new(fix.holding(1)?);
    let waiters = (0..8).map(|_| start(ctx, &fix, &[&object], 0)).collect::<Result<Vec<_>, _>>()?;
    fix.tick(1)?;
    for waiter in waiters {
        check_eq!(waiter.join()?, Ok(0), "the answer of one of eight waits");
    }
    Ok(())
}

fn same_twice(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let object = Arc::new(fix.holding(1)?);
    let waiter = start(ctx, &fix, &[&object, &object, &object], WAIT_ALL)?;
    fix.tick(1)?;
    waiter.join()?.must("wait for one object three times").map(drop)
}

/// Kernels before 6.9 or so refused it with EINVAL; since then it is an empty success.
fn none(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    match fix.wait(&[], &patient(0)?) {
        Ok(_) => Ok(()),
        answer => answer.refused("wait on no handles", EINVAL),
    }
}

fn far(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let what = WaitFor { timeout_ns: i64::MAX, ..WaitFor::default() };
    fix.signalled()?.wait(&what).must("wait for a signalled fence")?;
    let object = fix.holding(1)?;
    // Dropping the fixture's clock signals the fence, should the case stop here.
    let waiter = Waiter::start(ctx, move || object.wait(&what))?;
    fix.tick(1)?;
    check!(!waiter.blocked()?, "the signal did not wake the wait");
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn negative(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    for timeout_ns in [-1, i64::MIN] {
        object
            .wait(&WaitFor { timeout_ns, ..WaitFor::default() })
            .refused("wait until before the boot", ETIME)?;
    }
    Ok(())
}

fn error(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    drop(fix.clock);
    object.wait(&poll(0)).must("wait for a fence with an error")?;
    let status = object.export().must("export a sync file")?.status().must("read the status")?;
    check_eq!(status, -libc::ENOENT, "the error of a fence whose timeline was closed");
    Ok(())
}

fn interrupted(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let object = Arc::new(fix.holding(1)?);
    let waiter = start(ctx, &fix, &[&object], 0)?;
    waiter.interrupt(false)?;
    waiter.join()?.refused("wait through a signal", EINTR)
}

fn restarted(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let object = Arc::new(fix.holding(1)?);
    let waiter = start(ctx, &fix, &[&object], 0)?;
    for _ in 0..3 {
        waiter.interrupt(true)?;
        check!(waiter.blocked()?, "a signal ended a wait that may be restarted");
    }
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn deadline(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let fence = fix.fence(1)?;
    let object = fix.empty()?;
    object.import(&fence).must("import a sync file")?;
    let soon = in_ms(1)?;
    let what = WaitFor { timeout_ns: soon, ..WaitFor::default() };
    object.wait(&what).refused("wait for a pending fence", ETIME)?;
    fix.clock.deadline(&fence).refused("ask for a deadline that nobody set", nix::errno::Errno::ENOENT)?;
    let deadline_ns = in_ms(PATIENCE_MS)? as u64;
    let what = WaitFor { flags: WAIT_DEADLINE, timeout_ns: in_ms(1)?, deadline_ns };
    object.wait(&what).refused("wait for a pending fence with a deadline", ETIME)?;
    check_eq!(fix.clock.deadline(&fence), Ok(deadline_ns), "the deadline on the fence");
    check_eq!(fence.status().must("read the status")?, 0, "the status: a deadline signals nothing");
    Ok(())
}
