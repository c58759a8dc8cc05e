//! Races for a place in a queue.

use super::racers::race;
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;

/// The first to come commits, and lets a fence go when that is done; the commit of the other waits for that fence. Were the
/// other one quicker, its commit would stand in front of the first one's.
pub(super) fn commits(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let timeline = Timeline::new()?;
    let fence = timeline.fence(1).must("make a fence")?;
    let (plain, waiting) =
        (stage.flip(stage.back.id()), stage.in_fence(stage.flip(stage.front.id()), &fence)?);
    race(
        || {
            plain.send().must("commit")?;
            timeline.inc(1).must("signal the fence")
        },
        || waiting.send().must("commit with an in-fence").map(drop),
    )
}
