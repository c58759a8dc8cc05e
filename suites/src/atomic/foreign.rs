//! Fences and buffers of another device.

use std::sync::Arc;

use drm::buffer::Buffer as _;

use super::in_fence::{completes, waits};
use crate::buffer::{Access, Dumb, Exported, Exporter, Gem, Source};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::{Framebuffer, Layout, Stage};
use crate::must::{HasErrno, Must};
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::uapi::vgem::{FENCE_WRITE, fence_attach, fence_signal};
use crate::{Device, check_eq};

pub(super) fn vgem(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let card = Arc::new(DrmFile::card(ctx.device(1))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    let number = fence_attach(card.as_ref(), dumb.gem().handle(), FENCE_WRITE).must("attach a vgem fence")?;
    let fence = dumb.gem().export()?.export_fences(Access::Read)?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    commit.event(1).nonblock().send().must("queue a flip")?;
    events.none()?;
    check_eq!(fence.status(), Ok(0), "the status of the vgem fence");
    fence_signal(card.as_ref(), number).must("signal the vgem fence")?;
    events.flip(1).map(drop)
}

pub(super) fn out_fence(ctx: &mut Ctx) -> Tested {
    let (here, there) = (Stage::lit(ctx.device(0))?, Stage::lit(ctx.device(1))?);
    let fence = Pending::new()?;
    let first = there.out_fence(there.in_fence(there.flip(there.back.id()), &fence)?);
    let between = first.nonblock().send().must("queue the other device's flip")?.out_fence()?;
    let second = here.in_fence(here.flip(here.back.id()), &between)?;
    waits(&here, second, &fence)
}

/// Another device's buffer on a stage's screen; it is taken off before it is closed.
pub(crate) struct ForeignScreen {
    /// The framebuffer of the stage's device.
    pub(crate) framebuffer: Framebuffer<Layout>,
    _gem: Gem,
    /// The buffer of the other device.
    pub(crate) made: Exported,
}

impl ForeignScreen {
    /// A buffer of the case's second device that fills the stage's screen.
    pub(crate) fn on(stage: &Stage, device: &Device) -> Result<Self, Stop> {
        let (width, height) = stage.size();
        let made = Exporter::open(device)?.make(width, height)?;
        let pitch = match &made.source {
            Source::Dumb(dumb) => dumb.pitch(),
            Source::Memfd(_) | Source::Heap => width * 4,
        };
        let name = stage.card().name();
        let gem = Gem::import(stage.card(), &made.dmabuf)
            .map_err(|e| Stop::skip(format!("{name} refuses a buffer of {}: {e:?}", device.name)))?;
        let layout = Layout { handle: gem.handle(), size: (width, height), pitch };
        let framebuffer = Framebuffer::try_new(stage.card(), layout)
            .map_err(|e| Stop::skip(format!("{name} shows no buffer of {}: {:?}", device.name, e.errno())))?;
        Ok(ForeignScreen { framebuffer, _gem: gem, made })
    }
}

pub(super) fn buffer(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let foreign = ForeignScreen::on(&stage, ctx.device(1))?;
    completes(&stage, stage.flip(foreign.framebuffer.id()))?;
    completes(&stage, stage.flip(stage.front.id()))?;
    let writer = Pending::new()?;
    foreign.made.dmabuf.import_fence(Access::Write, &writer)?;
    waits(&stage, stage.flip(foreign.framebuffer.id()), &writer)?;
    completes(&stage, stage.flip(stage.front.id()))?;
    let reader = Pending::new()?;
    foreign.made.dmabuf.import_fence(Access::Read, &reader)?;
    completes(&stage, stage.flip(foreign.framebuffer.id()))?;
    check_eq!(reader.fence().status(), Ok(0), "the status of the reader that nobody had to wait for");
    stage.turn_off()
}
