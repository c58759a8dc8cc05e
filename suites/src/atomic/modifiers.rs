//! Framebuffers with modifiers: what a driver must refuse whatever its formats are, and that it shows what it lists.

use drm::buffer::{Buffer as _, DrmFourcc};
use nix::errno::Errno;

use super::in_fence::completes;
use crate::buffer::Dumb;
use crate::case::Tested;
use crate::check;
use crate::ctx::Ctx;
use crate::kms::{Planar, Stage, listed};
use crate::must::Must;
use crate::uapi::fb2::{FbCmd2, LINEAR, MODIFIERS, NOBODYS};

const XRGB: u32 = DrmFourcc::Xrgb8888 as u32;

pub(super) fn framebuffers(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (width, height) = stage.size();
    let dumb = Dumb::new(stage.card(), width, height)?;
    let mut plain = FbCmd2 { width, height, pixel_format: XRGB, ..FbCmd2::default() };
    (plain.handles[0], plain.pitches[0]) = (dumb.gem().handle(), dumb.pitch());
    let with = |change: &dyn Fn(&mut FbCmd2)| {
        let mut command = plain;
        change(&mut command);
        Planar::add(stage.card(), &command)
    };
    let shown = with(&|_| ()).must("add a framebuffer without modifiers")?;
    completes(&stage, stage.flip(shown.id()))?;
    completes(&stage, stage.flip(stage.front.id()))?;
    let before = stage.state()?;
    // drm_internal_framebuffer_create() and framebuffer_check() in drm_framebuffer.c, drm_gem_fb_init_with_funcs().
    let handle = plain.handles[0];
    for (what, refused) in [
        ("an unknown flag", with(&|fb| fb.flags = 1 << 5)),
        ("a modifier that is nobody's", with(&|fb| (fb.flags, fb.modifier[0]) = (MODIFIERS, NOBODYS))),
        ("a modifier for no plane", with(&|fb| fb.modifier[1] = NOBODYS)),
        (
            "a modifier for no plane, with the flag",
            with(&|fb| (fb.flags, fb.modifier[1]) = (MODIFIERS, NOBODYS)),
        ),
        ("a buffer for no plane", with(&|fb| (fb.flags, fb.handles[1]) = (MODIFIERS, handle))),
        ("a format that is none", with(&|fb| fb.pixel_format = 0x2020_2020)),
    ] {
        refused.map(drop).refused(&format!("a framebuffer with {what}"), Errno::EINVAL)?;
    }
    let linear = with(&|fb| (fb.flags, fb.modifier[0]) = (MODIFIERS, LINEAR));
    if listed(&stage, XRGB)?.contains(&LINEAR) {
        let linear = linear.must("add a framebuffer with the linear modifier, which the plane lists")?;
        completes(&stage, stage.flip(linear.id()))?;
        completes(&stage, stage.flip(stage.front.id()))?;
    } else if let Err(errno) = linear {
        check!(errno == Errno::EINVAL, "the linear modifier, which the plane does not list: {errno:?}");
    }
    check!(stage.state()? == before, "the refusals changed the state");
    stage.events().none()
}
