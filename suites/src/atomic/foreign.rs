//! Fences and buffers of another device.

use drm::buffer::Buffer as _;

use super::in_fence::{completes, waits};
use crate::buffer::{Access, Dumb, Exporter, Gem, Source};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::{Framebuffer, Imported, Stage};
use crate::must::{HasErrno, Must};
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::uapi::vgem::{FENCE_WRITE, fence_attach, fence_signal};
use crate::{Device, check_eq};

pub(super) fn vgem(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let card = std::sync::Arc::new(DrmFile::card(ctx.device(1))?);
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

/// A buffer of `exporter` that fills the stage's screen, as a framebuffer of the stage's device.
pub(super) fn foreign_screen(
    stage: &Stage,
    exporter: &Exporter,
    device: &Device,
) -> Result<(crate::buffer::Exported, Framebuffer<Imported>), Stop> {
    let (width, height) = stage.size();
    let made = exporter.make(width, height)?;
    let pitch = match &made.source {
        Source::Dumb(dumb) => dumb.pitch(),
        Source::Memfd(_) | Source::Heap => width * 4,
    };
    let name = stage.card().name();
    let gem = Gem::import(stage.card(), &made.dmabuf)
        .map_err(|e| Stop::skip(format!("{name} refuses a buffer of {}: {e:?}", device.name)))?;
    let shape = Imported { gem, size: (width, height), pitch };
    let screen = Framebuffer::try_new(stage.card(), shape).map_err(|e| {
        Stop::skip(format!("{name} makes no framebuffer of a buffer of {}: {:?}", device.name, e.errno()))
    })?;
    Ok((made, screen))
}

pub(super) fn buffer(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let exporter = Exporter::open(ctx.device(1))?;
    let (made, screen) = foreign_screen(&stage, &exporter, ctx.device(1))?;
    completes(&stage, stage.flip(screen.id()))?;
    completes(&stage, stage.flip(stage.front.id()))?;
    let writer = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &writer)?;
    waits(&stage, stage.flip(screen.id()), &writer)?;
    completes(&stage, stage.flip(stage.front.id()))?;
    let reader = Pending::new()?;
    made.dmabuf.import_fence(Access::Read, &reader)?;
    completes(&stage, stage.flip(screen.id()))?;
    check_eq!(reader.fence().status(), Ok(0), "the status of the reader that nobody had to wait for");
    stage.turn_off()
}
