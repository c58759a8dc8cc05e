//! The ioctls from before atomic modesetting, on the same pipeline.

use drm::control::Device as _;
use nix::errno::Errno;

use super::implicit::busy_back;
use crate::buffer::Access;
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::mode::{self, PAGE_FLIP_EVENT};
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) fn set_crtc(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let (card, crtc) = (stage.card(), stage.crtc());
    for framebuffer in [&stage.front, &stage.back] {
        let connectors = [stage.connector()];
        card.set_crtc(crtc, Some(framebuffer.handle()), (0, 0), &connectors, Some(stage.mode()))
            .must("turn on by SETCRTC")?;
        check_eq!(stage.value(crtc.into(), "ACTIVE")?, 1, "ACTIVE after SETCRTC");
        check_eq!(stage.shown()?, framebuffer.id(), "the framebuffer after SETCRTC");
    }
    card.set_crtc(crtc, None, (0, 0), &[], None).must("turn off by SETCRTC")?;
    check_eq!(stage.value(crtc.into(), "ACTIVE")?, 0, "ACTIVE after SETCRTC turned off");
    Ok(())
}

pub(super) fn page_flip(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let (card, crtc) = (stage.card().as_ref(), u32::from(stage.crtc()));
    let (front, back) = (stage.front.id(), stage.back.id());
    mode::page_flip(card, crtc, back, 0, 0).refused("flip a dark pipeline", Errno::EBUSY)?;
    stage.light()?;
    let mut events = stage.events();
    for (user_data, framebuffer) in [(1, back), (2, front)] {
        mode::page_flip(card, crtc, framebuffer, PAGE_FLIP_EVENT, user_data).must("flip")?;
        events.flip(user_data)?;
    }
    mode::page_flip(card, crtc, 0x7fff_0000, 0, 0).refused("flip to an unknown id", Errno::ENOENT)?;
    mode::page_flip(card, 0x7fff_0000, back, 0, 0).refused("flip an unknown CRTC", Errno::ENOENT)?;
    mode::page_flip(card, crtc, back, 0x80, 0).refused("flip with unknown flags", Errno::EINVAL)?;
    events.none()
}

pub(super) fn page_flip_fence(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (card, crtc) = (stage.card().as_ref(), u32::from(stage.crtc()));
    let (_dmabuf, fence) = busy_back(&stage, Access::Write)?;
    let mut events = stage.events();
    mode::page_flip(card, crtc, stage.back.id(), PAGE_FLIP_EVENT, 4).must("flip")?;
    mode::page_flip(card, crtc, stage.front.id(), 0, 0).refused("flip ahead of a flip", Errno::EBUSY)?;
    events.none()?;
    fence.signal()?;
    events.flip(4).map(drop)
}

pub(super) fn rmfb(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let shown = stage.framebuffer()?;
    let (id, handle) = (shown.id(), shown.handle());
    stage.flip(id).send().must("flip")?;
    shown.remove()?;
    // atomic_remove_fb() in drivers/gpu/drm/drm_framebuffer.c
    check_eq!(stage.shown()?, 0, "the framebuffer after the removal of what was shown");
    stage.card().destroy_framebuffer(handle).refused("remove it again", Errno::ENOENT)?;
    stage.flip(id).send().refused("flip to what was removed", Errno::EINVAL)?;
    stage.light()
}

pub(super) fn rmfb_pending(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let doomed = stage.framebuffer()?;
    let fence = Pending::new()?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(doomed.id()), &fence)?;
    commit.event(2).nonblock().send().must("queue a flip")?;
    // From here until the signal the ioctl is unkillable, and whoever needs the modeset locks with it.
    let waiter = Waiter::start(ctx, move || doomed.remove())?;
    events.none()?;
    check!(waiter.blocked()?, "a framebuffer was removed under its pending flip");
    fence.signal()?;
    waiter.join()??;
    events.flip(2)?;
    check_eq!(stage.shown()?, 0, "the framebuffer after the removal");
    Ok(())
}
