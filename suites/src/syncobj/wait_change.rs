//! Objects that change while a thread waits for them.

use std::sync::Arc;

use nix::errno::Errno::ETIME;

use super::fixture::{Fixture, patient};
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{WAIT_ALL, WAIT_AVAILABLE, WAIT_FOR_SUBMIT, WaitFor};
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "wait-over-reset",
        "a wait keeps the fence that it began with when the object is reset",
        SYNCOBJ,
        reset,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "wait-over-replace",
        "a wait keeps the fence that it began with when another is imported",
        SYNCOBJ,
        replace,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "wait-over-signal",
        "SIGNAL on the object does not end a wait on its former fence",
        SYNCOBJ,
        signal,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(SUITE, "wait-over-destroy", "a wait outlives the handle that it was given", SYNCOBJ, destroy),
    Case::new(
        SUITE,
        "wait-for-submit-woken",
        "a wait for a fence to come takes the first that comes",
        SYNCOBJ,
        submit,
    ),
    Case::new(
        SUITE,
        "wait-for-submit-signalled",
        "SIGNAL ends a wait for a fence to come",
        SYNCOBJ,
        submit_signalled,
    ),
    Case::new(
        SUITE,
        "wait-for-submit-over-reset",
        "a wait for a fence to come keeps the first that came when the object is reset",
        SYNCOBJ,
        submit_then_reset,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "wait-for-submit-all-in-turn",
        "a wait for all with WAIT_FOR_SUBMIT lasts until the last object got its fence and that signalled",
        SYNCOBJ,
        submit_in_turn,
    ),
    Case::new(
        SUITE,
        "timeline-wait-for-submit-woken",
        "a wait for a point is not ended by a lower point, and is by a higher one",
        SYNCOBJ,
        point_in_turn,
    )
    .rules(&["SYNC-POINT"]),
    Case::new(
        SUITE,
        "timeline-wait-available-woken",
        "WAIT_AVAILABLE ends when the point gets a fence, pending as it is",
        SYNCOBJ,
        available,
    ),
    Case::new(
        SUITE,
        "timeline-wait-over-reset",
        "a wait for a point lasts until its fence signals when the object is reset",
        SYNCOBJ,
        point_over_reset,
    )
    .rules(&["SYNC-REPLACE"]),
];

type Answer = nix::Result<u32>;

fn start(ctx: &Ctx, object: &Arc<Syncobj>, flags: u32) -> Result<Waiter<Answer>, Stop> {
    let (object, what) = (Arc::clone(object), patient(flags)?);
    Waiter::start(ctx, move || object.wait(&what))
}

fn start_point(ctx: &Ctx, object: &Arc<Syncobj>, point: u64, flags: u32) -> Result<Waiter<Answer>, Stop> {
    let (object, what) = (Arc::clone(object), patient(flags)?);
    Waiter::start(ctx, move || object.wait_point(point, &what))
}

/// The waiter must still wait after `change`, and end when its first fence signals.
fn keeps_its_fence(ctx: &Ctx, change: impl FnOnce(&Fixture, &Syncobj) -> Tested) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.holding(1)?);
    let waiter = start(ctx, &object, 0)?;
    change(&fix, &object)?;
    check!(waiter.blocked()?, "the wait ended with the change of the object, its fence pending");
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn reset(ctx: &mut Ctx) -> Tested {
    keeps_its_fence(ctx, |_, object| {
        object.reset().must("reset a syncobj")?;
        object.must_be_empty()
    })
}

fn replace(ctx: &mut Ctx) -> Tested {
    keeps_its_fence(ctx, |fix, object| object.import(fix.fence(1000)?).must("import a sync file"))
}

fn signal(ctx: &mut Ctx) -> Tested {
    keeps_its_fence(ctx, |_, object| {
        object.signal().must("signal a syncobj")?;
        check!(object.is_signalled()?, "SIGNAL left the object unsignalled");
        Ok(())
    })
}

fn destroy(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    let (file, handle, what) = (Arc::clone(&fix.file), object.raw(), patient(0)?);
    let waiter = Waiter::start(ctx, move || crate::uapi::syncobj::wait(&file, &[handle], &what))?;
    object.destroy().must("destroy a syncobj that is waited for")?;
    check!(waiter.blocked()?, "the wait ended with its handle");
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn submit(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.empty()?);
    let waiter = start(ctx, &object, WAIT_FOR_SUBMIT)?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    check!(waiter.blocked()?, "the wait ended with the submission, not the signal");
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn submit_signalled(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.empty()?);
    let waiter = start(ctx, &object, WAIT_FOR_SUBMIT)?;
    object.signal().must("signal a syncobj")?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}

fn submit_then_reset(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.empty()?);
    let waiter = start(ctx, &object, WAIT_FOR_SUBMIT)?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    object.reset().must("reset a syncobj")?;
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    object.must_be_empty()
}

fn submit_in_turn(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::binary(ctx)?);
    let objects = Arc::new([fix.empty()?, fix.empty()?]);
    let what = patient(WAIT_ALL | WAIT_FOR_SUBMIT)?;
    let waiter = {
        let (fix, objects) = (Arc::clone(&fix), Arc::clone(&objects));
        Waiter::start(ctx, move || fix.wait(&[&objects[0], &objects[1]], &what))?
    };
    objects[1].signal().must("signal a syncobj")?;
    check!(waiter.blocked()?, "the wait ended with one object empty");
    objects[0].import(fix.fence(1)?).must("import a sync file")?;
    check!(waiter.blocked()?, "the wait ended with one fence pending");
    fix.tick(1)?;
    waiter.join()?.must("wait for both").map(drop)
}

fn point_in_turn(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = Arc::new(fix.empty()?);
    let waiter = start_point(ctx, &object, 5, WAIT_FOR_SUBMIT)?;
    object.signal_point(4).must("signal a point")?;
    check!(waiter.blocked()?, "point 4 ended a wait for point 5");
    object.signal_point(6).must("signal a point")?;
    check_eq!(waiter.join()?, Ok(0), "the answer of a wait for point 5 after point 6");
    Ok(())
}

fn available(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = Arc::new(fix.empty()?);
    let waiter = start_point(ctx, &object, 1, WAIT_AVAILABLE)?;
    fix.submit((&object, 1), 1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    object.wait_point(1, &WaitFor::default()).refused("wait for the pending point", ETIME)
}

fn point_over_reset(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = Arc::new(fix.empty()?);
    fix.submit((&object, 7), 1)?;
    let waiter = start_point(ctx, &object, 7, 0)?;
    object.reset().must("reset a syncobj")?;
    object.must_be_empty()?;
    check!(waiter.blocked()?, "the wait ended with the reset");
    fix.tick(1)?;
    check_eq!(waiter.join()?, Ok(0), "the answer of the wait");
    Ok(())
}
