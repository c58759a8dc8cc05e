//! Points: signalled, queried, in order and out of it.

use nix::errno::Errno::{EINVAL, ETIME};

use super::fixture::{Fixture, poll};
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{WAIT_AVAILABLE, WaitFor};
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "timeline-signal",
        "a signalled point is what a query answers, and all below it are signalled",
        SYNCOBJ,
        signal,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(SUITE, "timeline-unsubmitted", "a point above the last one has no fence", SYNCOBJ, unsubmitted)
        .rules(&["SYNC-NULL", "SYNC-POINT"]),
    Case::new(
        SUITE,
        "timeline-query-empty",
        "an empty object, a binary one and a reset one are at point 0",
        SYNCOBJ,
        query_empty,
    ),
    Case::new(
        SUITE,
        "timeline-query",
        "a query answers the last signalled point, with LAST_SUBMITTED the last that has a fence",
        SYNCOBJ,
        query,
    ),
    Case::new(
        SUITE,
        "timeline-later-fence-first",
        "a point is signalled only when all points below it are, whichever fence signals first",
        SYNCOBJ,
        later_first,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(
        SUITE,
        "timeline-between-points",
        "a wait for a point that nobody named waits for the next one that has a fence",
        SYNCOBJ,
        between,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(
        SUITE,
        "timeline-out-of-order",
        "a point added below the last one is taken, and the timeline does not go back",
        SYNCOBJ,
        out_of_order,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(SUITE, "timeline-32-bit", "points pass 2^31 and 2^32 without wrapping", SYNCOBJ, wide)
        .rules(&["SYNC-POINT"]),
    Case::new(SUITE, "timeline-largest", "the largest point is a point like any other", SYNCOBJ, largest),
    Case::new(
        SUITE,
        "timeline-point-zero",
        "point 0 means the whole object, as a binary wait does",
        SYNCOBJ,
        point_zero,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(
        SUITE,
        "timeline-then-binary",
        "SIGNAL and RESET on a timeline end it: the points are gone",
        SYNCOBJ,
        then_binary,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "timeline-long-chain",
        "a chain of many pending points signals to its end",
        SYNCOBJ,
        long_chain,
    ),
    Case::new(SUITE, "timeline-error", "a point whose fence failed counts as signalled", SYNCOBJ, error),
];

fn signal(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    for point in [1, 2, 10] {
        object.signal_point(point).must("signal a point")?;
        check_eq!(object.signalled_point().must("query")?, point, "the signalled point");
        for below in 1..=point {
            object.wait_point(below, &poll(0)).must("wait for a point at or below the signalled one")?;
        }
    }
    Ok(())
}

fn unsubmitted(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.wait_point(1, &poll(0)).refused("wait for a point of an empty object", EINVAL)?;
    object.signal_point(3).must("signal a point")?;
    object.wait_point(4, &poll(0)).refused("wait above the last point", EINVAL)?;
    object.wait_point(4, &poll(WAIT_AVAILABLE)).refused("poll above the last point", ETIME)
}

fn query_empty(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let reset = fix.empty()?;
    reset.signal_point(5).must("signal a point")?;
    reset.reset().must("reset a syncobj")?;
    for object in [fix.empty()?, fix.signalled()?, fix.holding(1)?, reset] {
        check_eq!(object.signalled_point().must("query")?, 0, "the signalled point");
        check_eq!(object.submitted_point().must("query")?, 0, "the submitted point");
    }
    Ok(())
}

fn query(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    for point in 1..=4 {
        fix.submit((&object, 10 * u64::from(point)), point)?;
    }
    for (signalled, steps) in [(0, 0), (10, 1), (30, 2), (40, 1)] {
        fix.tick(steps)?;
        check_eq!(object.signalled_point().must("query")?, signalled, "the signalled point");
        check_eq!(object.submitted_point().must("query")?, 40, "the submitted point");
    }
    Ok(())
}

fn later_first(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    fix.submit((&object, 1), 20)?;
    fix.submit((&object, 2), 10)?;
    fix.tick(10)?;
    object.wait_point(2, &poll(0)).refused("wait for point 2, point 1 being pending", ETIME)?;
    check_eq!(object.signalled_point().must("query")?, 0, "the signalled point, point 1 being pending");
    fix.tick(10)?;
    object.wait_point(2, &poll(0)).must("wait for point 2")?;
    check_eq!(object.signalled_point().must("query")?, 2, "the signalled point");
    Ok(())
}

fn between(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(10).must("signal a point")?;
    fix.submit((&object, 20), 1)?;
    object.wait_point(10, &poll(0)).must("wait for point 10")?;
    for point in [11, 15, 20] {
        object.wait_point(point, &poll(0)).refused("wait for a point above 10", ETIME)?;
    }
    fix.tick(1)?;
    object.wait_point(15, &poll(0)).must("wait for point 15").map(drop)
}

/// `dma_fence_chain_init` lifts a late point to the last one, in front of all that was there. While its fence is
/// pending a query may answer 0, as the kernel warns; once it has signalled all must be as before.
fn out_of_order(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(10).must("signal a point")?;
    fix.submit((&object, 5), 1)?;
    object.wait_point(0, &poll(0)).refused("wait for the object, the late point being pending", ETIME)?;
    fix.tick(1)?;
    for point in [0, 1, 5, 10] {
        object.wait_point(point, &poll(0)).must("wait for a signalled point")?;
    }
    check_eq!(object.signalled_point().must("query")?, 10, "the signalled point");
    object.signal_point(11).must("signal the next point")?;
    check_eq!(object.signalled_point().must("query")?, 11, "the signalled point");
    Ok(())
}

fn wide(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    for edge in [1_u64 << 31, 1 << 32, 1 << 63] {
        let object = fix.empty()?;
        for point in [edge - 1, edge, edge + 1] {
            object.wait_point(point, &poll(0)).refused("wait for a point to come", EINVAL)?;
            object.signal_point(point).must("signal a point")?;
            check_eq!(object.signalled_point().must("query")?, point, "the signalled point");
            object.wait_point(point, &poll(0)).must("wait for a signalled point")?;
        }
    }
    Ok(())
}

fn largest(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(1).must("signal a point")?;
    fix.submit((&object, u64::MAX), 1)?;
    check_eq!(object.submitted_point().must("query")?, u64::MAX, "the submitted point");
    object.wait_point(2, &poll(0)).refused("wait for point 2", ETIME)?;
    fix.tick(1)?;
    check_eq!(object.signalled_point().must("query")?, u64::MAX, "the signalled point");
    Ok(())
}

fn point_zero(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.wait_point(0, &poll(0)).refused("wait for point 0 of an empty object", EINVAL)?;
    fix.submit((&object, 1), 1)?;
    object.wait_point(0, &poll(0)).refused("wait for point 0, point 1 being pending", ETIME)?;
    check!(!object.is_signalled()?, "a binary wait ended, point 1 being pending");
    fix.tick(1)?;
    object.wait_point(0, &poll(0)).must("wait for point 0")?;
    check!(object.is_signalled()?, "a binary wait did not end with the last point");
    Ok(())
}

fn then_binary(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(5).must("signal a point")?;
    object.signal().must("signal a syncobj")?;
    check_eq!(object.signalled_point().must("query")?, 0, "the point of a binary object");
    object.wait_point(5, &poll(0)).refused("wait for a point that was replaced", EINVAL)?;
    object.signal_point(1).must("signal a point after the binary fence")?;
    check_eq!(object.signalled_point().must("query")?, 1, "the point of the new timeline");
    Ok(())
}

fn long_chain(ctx: &mut Ctx) -> Tested {
    const LENGTH: u32 = 500;
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    for point in 1..=LENGTH {
        fix.submit((&object, point.into()), point)?;
    }
    let end = u64::from(LENGTH);
    fix.tick(LENGTH - 1)?;
    check_eq!(object.signalled_point().must("query")?, end - 1, "the signalled point");
    object.wait_point(end, &poll(0)).refused("wait for the last point", ETIME)?;
    fix.tick(1)?;
    object.wait_point(end, &WaitFor::default()).must("wait for the last point").map(drop)
}

fn error(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    fix.submit((&object, 1), 1)?;
    drop(fix.clock);
    object.wait_point(1, &poll(0)).must("wait for a point with an error")?;
    check_eq!(object.signalled_point().must("query")?, 1, "the signalled point");
    Ok(())
}
