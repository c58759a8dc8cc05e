//! Races for what a binary sync object holds.

use super::racers::race;
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::syncobj::{Fixture, in_ms};
use crate::uapi::syncobj::{WAIT_ALL, WAIT_FOR_SUBMIT, WaitFor};

/// How long a wait lasts that went wrong.
const PATIENCE_MS: i64 = 20_000;

fn for_submit(flags: u32) -> Result<WaitFor, crate::Stop> {
    Ok(WaitFor { flags: flags | WAIT_FOR_SUBMIT, timeout_ns: in_ms(PATIENCE_MS)?, deadline_ns: 0 })
}

pub(super) fn reset(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::binary(ctx)?;
    let object = fixture.signalled()?;
    let wait = for_submit(WAIT_ALL)?;
    race(
        || object.wait(&wait).must("wait for a signalled object").map(drop),
        || object.reset().must("empty it"),
    )
}

pub(super) fn any(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::binary(ctx)?;
    let (one, two) = (fixture.signalled()?, fixture.signalled()?);
    let (all, any) = (for_submit(WAIT_ALL)?, for_submit(0)?);
    race(
        || two.wait(&all).must("wait for the second object").map(drop),
        || {
            fixture.wait(&[&one, &two], &any).must("wait for any of them")?;
            one.reset().must("empty the first")?;
            two.reset().must("empty the second")
        },
    )
}

pub(super) fn replace(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::binary(ctx)?;
    let (object, fence) = (fixture.signalled()?, fixture.fence(1)?);
    let wait = for_submit(WAIT_ALL)?;
    race(
        || {
            object.wait(&wait).must("wait for a signalled object")?;
            fixture.tick(1)
        },
        || object.import(&fence).must("put another fence in its place"),
    )
}

pub(super) fn refused(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::binary(ctx)?;
    let object = fixture.empty()?;
    let wait = WaitFor { flags: WAIT_ALL, timeout_ns: in_ms(PATIENCE_MS)?, deadline_ns: 0 };
    race(
        || object.signal().must("signal it"),
        || object.wait(&wait).must("wait for what is there by now").map(drop),
    )
}
