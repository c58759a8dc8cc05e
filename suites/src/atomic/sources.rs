//! In-fences by where they come from.

use std::sync::Arc;

use drm::DriverCapability::{SyncObj, TimelineSyncObj};

use super::in_fence::waits;
use crate::buffer::{Access, Dumb, Exporter};
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::{Pending, signalled_fence};
use crate::syncobj::Syncobj;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::vgem::{FENCE_WRITE, fence_attach};
use crate::{check, check_eq};

/// The fence of a binary sync object and of a timeline's point, as sync files.
pub(super) fn syncobj(ctx: &mut Ctx) -> Tested {
    let file = DrmFile::any(ctx.device(1))?;
    file.need(SyncObj)?;
    file.need(TimelineSyncObj)?;
    let file = Arc::new(file);
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let binary = Syncobj::new(&file, false)?;
    binary.import(fence.fence()).must("import a fence into a syncobj")?;
    let exported = binary.export().must("export a syncobj's fence")?;
    waits(&stage, stage.in_fence(stage.flip(stage.back.id()), &exported)?, &fence)?;
    let fence = Pending::new()?;
    binary.import(fence.fence()).must("import a fence into a syncobj")?;
    let timeline = Syncobj::new(&file, false)?;
    Syncobj::transfer((&binary, 0), (&timeline, 5), 0).must("make it point 5 of a timeline")?;
    // A sync file of a timeline has its last point.
    let exported = timeline.export().must("export a timeline's fence")?;
    waits(&stage, stage.in_fence(stage.flip(stage.front.id()), &exported)?, &fence)
}

/// The fences of a buffer's reservation, as a sync file.
pub(super) fn reservation(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let made = Exporter::open(ctx.device(1))?.make_small()?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Read, &fence)?;
    let readers = made.dmabuf.export_fences(Access::Read)?;
    check_eq!(readers.status(), Ok(1), "the status of what a reader waits for behind a reader");
    let writers = made.dmabuf.export_fences(Access::Write)?;
    waits(&stage, stage.in_fence(stage.flip(stage.back.id()), &writers)?, &fence)
}

/// A chain of merges, signalled from both ends.
pub(super) fn merge_tree(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let last = Pending::new()?;
    let (timeline, done) = (Timeline::new()?, signalled_fence()?);
    let early = timeline.fence(1).must("make a sw_sync fence")?;
    let left = early.merge(&done, "left").must("merge a pending and a signalled fence")?;
    let right = last.fence().merge(&early, "right").must("merge two pending fences")?;
    let tree = left.merge(&right, "tree").must("merge two merged files")?;
    timeline.inc(1).must("signal one of them")?;
    waits(&stage, stage.in_fence(stage.flip(stage.back.id()), &tree)?, &last)
}

/// A vgem file that is closed takes its fences along: they signal, without an error (`vgem_fence_close()`), and the flip
/// goes on.
pub(super) fn vgem_closed(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let card = Arc::new(DrmFile::card(ctx.device(1))?);
    let mut dumb = Dumb::new(&card, 64, 64)?;
    fence_attach(card.as_ref(), dumb.gem().handle(), FENCE_WRITE).must("attach a vgem fence")?;
    let fence = dumb.gem().export()?.export_fences(Access::Read)?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    commit.event(1).nonblock().send().must("queue a flip")?;
    events.none()?;
    dumb.abandon();
    drop((dumb, card));
    events.flip(1)?;
    let status = fence.status().must("ask the fence for its status")?;
    check!(status != 0, "the fence of a closed file is still pending");
    Ok(())
}

/// Turning a plane off under a fence: nothing is to be shown that could wait for it, and the commit must still be sound.
pub(super) fn plane_off(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let off = stage.in_fence(stage.off(), signalled_fence()?)?;
    off.send().must("turn a plane off under a signalled in-fence")?;
    check_eq!(stage.shown()?, 0, "the framebuffer after turning off");
    stage.light()
}
