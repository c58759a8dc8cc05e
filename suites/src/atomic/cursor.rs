//! The cursor plane, where there is one.

use drm::DriverCapability;

use crate::buffer::Dumb;
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::{Framebuffer, Stage};
use crate::must::Must;
use crate::pending::Pending;

/// A lit stage, its cursor plane and a cursor image. The image is declared last and dropped first: its removal
/// turns the plane off.
fn cursor(ctx: &Ctx) -> Result<(Stage, u32, Framebuffer), Stop> {
    let stage = Stage::lit(ctx.device(0))?;
    let name = &ctx.device(0).name;
    let plane = stage.cursor().ok_or_else(|| Stop::skip(format!("{name} has no cursor plane")))?;
    let side = |cap| match stage.card().cap(cap) {
        0 => 64,
        side => side.min(64) as u32,
    };
    let (width, height) = (side(DriverCapability::CursorWidth), side(DriverCapability::CursorHeight));
    let image = Dumb::new(stage.card(), width, height)?;
    image.map()?.fill(1, image.size());
    let framebuffer = Framebuffer::with_depth(stage.card(), image, 32).must("add a cursor framebuffer")?;
    Ok((stage, plane, framebuffer))
}

fn size(framebuffer: &Framebuffer) -> (u32, u32) {
    drm::buffer::Buffer::size(framebuffer.buffer())
}

pub(super) fn moves(ctx: &mut Ctx) -> Tested {
    let (stage, plane, image) = cursor(ctx)?;
    for at in [(0, 0), (17, 23), (100, 50)] {
        let commit = stage.place(stage.commit(), plane, image.id(), at, size(&image));
        commit.send().must(&format!("show the cursor at {at:?}"))?;
    }
    let off = stage.set(stage.commit(), plane, "FB_ID", 0);
    stage.set(off, plane, "CRTC_ID", 0).send().must("hide the cursor").map(drop)
}

pub(super) fn in_fence(ctx: &mut Ctx) -> Tested {
    let (stage, plane, image) = cursor(ctx)?;
    let fence = Pending::new()?;
    let commit = stage.place(stage.commit(), plane, image.id(), (8, 8), size(&image));
    let commit = stage.in_fence_of(commit, plane, &fence)?;
    super::in_fence::waits(&stage, commit, &fence)
}
