//! Fences in a framebuffer's reservation, and who overrides whom.

use crate::buffer::{Access, DmaBuf};
use crate::case::{Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::pending::{Pending, signalled_fence};

use super::in_fence::{completes, waits};

/// The dma-buf of the stage's back framebuffer, which was shown before: a driver that keeps it in memory of its own
/// (bochs) moves it there first, and a move rightly waits for every fence of the buffer, inside the ioctl
/// (`ttm_bo_move_memcpy()`).
pub(crate) fn shown_before(stage: &Stage) -> Result<DmaBuf, Stop> {
    for framebuffer in [&stage.back, &stage.front] {
        stage.on(framebuffer.id()).send().must("show both framebuffers")?;
    }
    stage.back.buffer().gem().export()
}

/// The same, with a pending fence of that use.
pub(super) fn busy_back(stage: &Stage, access: Access) -> Result<(DmaBuf, Pending), Stop> {
    let dmabuf = shown_before(stage)?;
    let fence = Pending::new()?;
    dmabuf.import_fence(access, &fence)?;
    Ok((dmabuf, fence))
}

pub(super) fn write(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (_dmabuf, fence) = busy_back(&stage, Access::Write)?;
    waits(&stage, stage.flip(stage.back.id()), &fence)
}

pub(super) fn read(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (_dmabuf, fence) = busy_back(&stage, Access::Read)?;
    completes(&stage, stage.flip(stage.back.id()))?;
    check_eq!(fence.fence().status(), Ok(0), "the status of the fence that nobody had to wait for");
    Ok(())
}

pub(super) fn modeset(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let (_dmabuf, fence) = busy_back(&stage, Access::Write)?;
    stage.turn_off()?;
    waits(&stage, stage.on(stage.back.id()), &fence)
}

pub(super) fn explicit_overrides(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (_dmabuf, fence) = busy_back(&stage, Access::Write)?;
    completes(&stage, stage.in_fence(stage.flip(stage.back.id()), signalled_fence()?)?)?;
    check_eq!(fence.fence().status(), Ok(0), "the status of the fence that was overridden");
    Ok(())
}

pub(super) fn explicit_waits(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let dmabuf = stage.back.buffer().gem().export()?;
    dmabuf.import_fence(Access::Write, signalled_fence()?)?;
    let fence = Pending::new()?;
    waits(&stage, stage.in_fence(stage.flip(stage.back.id()), &fence)?, &fence)
}
