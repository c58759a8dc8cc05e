//! Flips that hang on fences inside their buffers.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::expect::{End, Expect, On, Owner, Verdict};
use super::stuck::{fence, queue, recovers, worker, worker_on};
use crate::atomic::ForeignScreen;
use crate::buffer::{Access, Gem, Source};
use crate::case::{Stop, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::uapi::vgem::{FENCE_WRITE, fence_attach, fence_signal};

pub(super) fn vgem(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let foreign = ForeignScreen::on(&stage, ctx.device(1))?;
    let gem: &Gem = match &foreign.made.source {
        Source::Dumb(dumb) => dumb.gem(),
        Source::Memfd(_) | Source::Heap => return Err(Stop::fail("vgem made a buffer that is not its own")),
    };
    let (card, handle) = (Arc::clone(gem.card()), gem.handle());
    let number = fence_attach(card.as_ref(), handle, FENCE_WRITE).must("attach a vgem fence")?;
    let attached = foreign.made.dmabuf.export_fences(Access::Read)?;
    let owner = Owner::Device(ctx.device(1).name.clone());
    queue(stage.flip(foreign.framebuffer.id()))?;
    let stuck = vec![worker_on(On::fence(&attached, owner)?)?];
    Expect { hang: "H5".into(), verdict: Verdict::Pending, stuck, ends: End::Driver }.say(ctx)?;
    // vgem gives it up after 10 s; twice that for slow machines.
    let event = stage.events().next(Duration::from_secs(20))?;
    check!(event.is_some(), "the flip did not end when vgem gave its fence up");
    fence_signal(card.as_ref(), number).refused("signal the fence that was given up", Errno::ETIMEDOUT)?;
    stage.turn_off()
}

pub(super) fn imported(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let foreign = ForeignScreen::on(&stage, ctx.device(1))?;
    let fence = fence()?;
    foreign.made.dmabuf.import_fence(Access::Write, &fence)?;
    queue(stage.flip(foreign.framebuffer.id()))?;
    let stuck = vec![worker(&fence)?];
    Expect { hang: "H6".into(), verdict: Verdict::Pending, stuck, ends: End::Watchdog }.say(ctx)?;
    fence.expires()?;
    recovers(&stage)?;
    stage.turn_off()
}
