//! TRANSFER: the fence of one point copied to another.

use std::sync::Arc;

use nix::errno::Errno::{EINVAL, ETIME};

use super::fixture::{Fixture, poll};
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::WAIT_FOR_SUBMIT;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "transfer-to-timeline", "a binary fence becomes a point", SYNCOBJ, to_timeline)
        .rules(&["SYNC-TRANSFER"]),
    Case::new(SUITE, "transfer-to-binary", "a point becomes a binary fence", SYNCOBJ, to_binary)
        .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-between-timelines",
        "a point becomes another timeline's point",
        SYNCOBJ,
        between,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-binary-to-binary",
        "a binary fence becomes another object's",
        SYNCOBJ,
        binary_to_binary,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-onto-itself",
        "an object may be both ends of a transfer",
        SYNCOBJ,
        onto_itself,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-snapshot",
        "a transfer copies the fence of that moment: what the source gets later stays there",
        SYNCOBJ,
        snapshot,
    )
    .rules(&["SYNC-TRANSFER", "SYNC-SNAPSHOT"]),
    Case::new(
        SUITE,
        "transfer-signalled-point",
        "a point signalled long ago transfers as a signalled fence",
        SYNCOBJ,
        signalled,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-unsubmitted",
        "a point without a fence cannot be transferred",
        SYNCOBJ,
        unsubmitted,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-for-submit",
        "with WAIT_FOR_SUBMIT a transfer waits until the source has a fence",
        SYNCOBJ,
        for_submit,
    )
    .rules(&["SYNC-TRANSFER"]),
    Case::new(
        SUITE,
        "transfer-for-submit-timeout",
        "with WAIT_FOR_SUBMIT a transfer gives up on a fence that never comes",
        SYNCOBJ,
        for_submit_timeout,
    )
    .rules(&["SYNC-TRANSFER"])
    .budget_s(60),
];

/// Both ends are pending until the clock ticks, and signalled after.
fn follows(fix: &Fixture, to: (&Syncobj, u64)) -> Tested {
    to.0.wait_point(to.1, &poll(0)).refused("wait for the copy of a pending fence", ETIME)?;
    fix.tick(1)?;
    to.0.wait_point(to.1, &poll(0)).must("wait for the copy of a signalled fence").map(drop)
}

fn transfer(from: (&Syncobj, u64), to: (&Syncobj, u64)) -> Tested {
    Syncobj::transfer(from, to, 0).must("transfer a fence")
}

fn to_timeline(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.holding(1)?, fix.empty()?);
    target.signal_point(1).must("signal a point")?;
    transfer((&source, 0), (&target, 2))?;
    check_eq!(target.signalled_point().must("query")?, 1, "the point before the signal");
    follows(&fix, (&target, 2))?;
    check_eq!(target.signalled_point().must("query")?, 2, "the point after the signal");
    Ok(())
}

fn to_binary(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.empty()?, fix.signalled()?);
    fix.submit((&source, 3), 1)?;
    transfer((&source, 3), (&target, 0))?;
    follows(&fix, (&target, 0))
}

fn between(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.empty()?, fix.empty()?);
    fix.submit((&source, 3), 1)?;
    fix.submit((&source, 4), 100)?;
    transfer((&source, 3), (&target, 77))?;
    check_eq!(target.submitted_point().must("query")?, 77, "the submitted point");
    follows(&fix, (&target, 77))
}

fn binary_to_binary(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.holding(1)?, fix.empty()?);
    transfer((&source, 0), (&target, 0))?;
    follows(&fix, (&target, 0))
}

fn onto_itself(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    fix.submit((&object, 1), 1)?;
    transfer((&object, 1), (&object, 2))?;
    check_eq!(object.submitted_point().must("query")?, 2, "the submitted point");
    follows(&fix, (&object, 2))?;
    transfer((&object, 2), (&object, 0))?;
    check!(object.is_signalled()?, "a signalled point became an unsignalled binary fence");
    Ok(())
}

fn snapshot(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.holding(1)?, fix.empty()?);
    transfer((&source, 0), (&target, 1))?;
    source.import(fix.fence(1000)?).must("import a sync file")?;
    follows(&fix, (&target, 1))?;
    check!(!source.is_signalled()?, "the source's later fence signalled with the earlier one");
    Ok(())
}

fn signalled(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (fix.empty()?, fix.empty()?);
    for point in 1..=50 {
        source.signal_point(point).must("signal a point")?;
    }
    transfer((&source, 1), (&target, 0))?;
    check!(target.is_signalled()?, "the copy of a signalled point is not signalled");
    transfer((&source, 2), (&target, 9))?;
    check_eq!(target.signalled_point().must("query")?, 9, "the signalled point");
    Ok(())
}

fn unsubmitted(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (empty, target) = (fix.empty()?, fix.empty()?);
    let short = fix.empty()?;
    short.signal_point(1).must("signal a point")?;
    for to in [0, 1] {
        Syncobj::transfer((&empty, 0), (&target, to), 0).refused("transfer from an empty object", EINVAL)?;
        Syncobj::transfer((&short, 2), (&target, to), 0)
            .refused("transfer a point above the last", EINVAL)?;
    }
    target.must_be_empty()
}

fn blocked_transfer(
    ctx: &Ctx,
    from: &Arc<Syncobj>,
    to: &Arc<Syncobj>,
) -> Result<Waiter<nix::Result<()>>, Stop> {
    let (from, to) = (Arc::clone(from), Arc::clone(to));
    Waiter::start(ctx, move || Syncobj::transfer((&from, 2), (&to, 1), WAIT_FOR_SUBMIT))
}

fn for_submit(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (Arc::new(fix.empty()?), Arc::new(fix.empty()?));
    let waiter = blocked_transfer(ctx, &source, &target)?;
    source.signal_point(1).must("signal a point")?;
    check!(waiter.blocked()?, "point 1 ended a transfer that waits for point 2");
    fix.submit((&source, 2), 1)?;
    waiter.join()?.must("transfer the fence once it was there")?;
    follows(&fix, (&target, 1))
}

/// The kernel waits 5 s (`DRM_SYNCOBJ_WAIT_FOR_SUBMIT_TIMEOUT`); the number is its own business, the end is not.
fn for_submit_timeout(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let (source, target) = (Arc::new(fix.empty()?), Arc::new(fix.empty()?));
    let waiter = blocked_transfer(ctx, &source, &target)?;
    waiter.join()?.refused("transfer a fence that never comes", ETIME)?;
    target.must_be_empty()
}
