//! Commits that hang on a fence they were told to wait for, and what piles up behind them.

use drm::control::Device as _;

use super::expect::{End, Expect, On, Owner, Stuck, Verdict};
use super::stuck::{CRTC_LOCK, fence, queue, recovers, worker, works};
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::waiter::Waiter;
use crate::{check, check_eq};

fn expect(hang: &str, stuck: Vec<Stuck>) -> Expect {
    Expect { hang: hang.into(), verdict: Verdict::Pending, stuck, ends: End::Watchdog }
}

pub(super) fn nonblocking(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = fence()?;
    queue(stage.in_fence(stage.flip(stage.back.id()), &fence)?)?;
    expect("H1", vec![worker(&fence)?]).say(ctx)?;
    fence.expires()?;
    recovers(&stage)
}

pub(super) fn blocking(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = fence()?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    let waiter = Waiter::start(ctx, move || commit.send())?;
    let on = On::fence(fence.fence(), Owner::this_process())?;
    expect("H2", vec![Stuck::thread(&waiter, "MODE_ATOMIC", on)]).say(ctx)?;
    fence.expires()?;
    waiter.join()?.must("flip after the watchdog")?;
    works(&stage)
}

pub(super) fn pile_up(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = fence()?;
    let second = stage.flip(stage.front.id());
    queue(stage.in_fence(stage.flip(stage.back.id()), &fence)?)?;
    let first = worker(&fence)?;
    let behind = Waiter::start(ctx, move || second.send())?;
    let (card, crtc) = (stage.card().clone(), stage.crtc());
    let query = Waiter::start(ctx, move || card.get_crtc(crtc).map(drop))?;
    check_eq!(query.state(), Some('D'), "the state of a query behind a commit that hangs");
    let device = ctx.device(0).name.clone();
    let stuck = vec![
        first,
        Stuck::thread(&behind, "MODE_ATOMIC", On::Commit { device }),
        Stuck::thread(&query, "MODE_GETCRTC", On::Lock { class: CRTC_LOCK.into() }),
    ];
    expect("H3", stuck).say(ctx)?;
    fence.expires()?;
    query.join()?.must("query the CRTC after the watchdog")?;
    behind.join()?.must("make the second commit after the watchdog")?;
    recovers(&stage)
}

pub(super) fn rmfb(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let doomed = stage.framebuffer()?;
    let fence = fence()?;
    queue(stage.in_fence(stage.flip(doomed.id()), &fence)?)?;
    let first = worker(&fence)?;
    let remover = Waiter::start(ctx, move || doomed.remove())?;
    let device = ctx.device(0).name.clone();
    let removes = Stuck::thread(&remover, "MODE_RMFB", On::Commit { device });
    expect("H4", vec![first, removes]).say(ctx)?;
    remover.interrupt(false)?;
    check!(remover.blocked()?, "a signal ended the removal of a framebuffer that a commit is to show");
    fence.expires()?;
    remover.join()??;
    recovers(&stage)
}
