//! A fence whose owner is gone.

use std::os::fd::AsFd;

use super::LASTS;
use super::expect::{End, Expect, On, Owner, Verdict};
use super::stuck::{queue, recovers, worker_on};
use crate::case::Tested;
use crate::child::Child;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::pending::Pending;
use crate::uapi::sw_sync::Timeline;

pub(super) fn dead(ctx: &mut Ctx) -> Tested {
    let owner = Child::spawn(|line| {
        let timeline = Timeline::new()?;
        line.send("timeline", Some(timeline.as_fd()))?;
        // Until it is killed.
        line.receive().map(drop)
    })?;
    let timeline = Timeline::from(owner.line.receive_fd()?);
    let stage = Stage::lit(ctx.device(0))?;
    // The guard keeps the timeline open: sw_sync would signal its fences at the last close, a driver that lost its
    // owner's context would not.
    let fence = Pending::guarding(timeline, LASTS)?;
    queue(stage.in_fence(stage.flip(stage.back.id()), &fence)?)?;
    let pid = owner.pid().as_raw();
    owner.kill()?;
    let on = On::fence(fence.fence(), Owner::Dead(pid))?;
    let stuck = vec![worker_on(on)?];
    Expect { hang: "H10".into(), verdict: Verdict::Orphan, stuck, ends: End::Watchdog }.say(ctx)?;
    fence.expires()?;
    recovers(&stage)
}
