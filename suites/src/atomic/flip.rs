//! Flips, and what may be queued when.

use drm::{Device as _, VblankWaitFlags, VblankWaitTarget};
use nix::errno::Errno;

use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::{HasErrno, Must};
use crate::pending::Pending;
use crate::uapi::mode::PAGE_FLIP_EVENT;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) fn blocking(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    for _ in 0..4 {
        for framebuffer in [&stage.back, &stage.front] {
            stage.flip(framebuffer.id()).send().must("flip")?;
            check_eq!(stage.shown()?, framebuffer.id(), "the framebuffer after the flip");
        }
    }
    stage.events().none()
}

pub(super) fn event(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut events = stage.events();
    let mut last = None;
    for round in 0..6u64 {
        let framebuffer = if round % 2 == 0 { &stage.back } else { &stage.front };
        let user_data = 0xfeed_0000_0000_0000 | round;
        stage.flip(framebuffer.id()).event(user_data).nonblock().send().must("queue a flip")?;
        let event = events.flip(user_data)?;
        check_eq!(event.crtc_id, u32::from(stage.crtc()), "the event's CRTC");
        // Without a vblank counter the sequence stays 0; with one every flip takes a frame of its own.
        if let Some((sequence, time)) = last {
            let moved = event.sequence > sequence || (event.sequence, sequence) == (0, 0);
            check!(moved, "the frame counter went from {sequence} to {}", event.sequence);
            check!(event.time_us >= time, "the time went back from {time} to {} us", event.time_us);
        }
        last = Some((event.sequence, event.time_us));
    }
    events.none()
}

pub(super) fn same(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut events = stage.events();
    for user_data in 1..4 {
        stage.flip(stage.front.id()).event(user_data).nonblock().send().must("flip to what is shown")?;
        events.flip(user_data)?;
    }
    Ok(())
}

pub(super) fn busy(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut events = stage.events();
    let fence = Pending::new()?;
    let first = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    first.event(1).nonblock().send().must("queue a flip")?;
    let second = stage.out_fence(stage.flip(stage.front.id()));
    match second.event(2).nonblock().send() {
        Ok(_) => return Err(Stop::fail("a second non-blocking flip was taken ahead of a pending one")),
        Err(refused) => {
            check_eq!(refused.errno, Errno::EBUSY, "the answer to a second non-blocking flip");
            check_eq!(refused.out_word(), -1, "its out-fence");
        }
    }
    events.none()?;
    fence.signal()?;
    events.flip(1)?;
    check_eq!(stage.shown()?, stage.back.id(), "the framebuffer after the first flip");
    stage.flip(stage.front.id()).event(3).nonblock().send().must("queue a flip when none is pending")?;
    events.flip(3)?;
    events.none()
}

pub(super) fn queued(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut events = stage.events();
    let fence = Pending::new()?;
    let first = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    first.event(1).nonblock().send().must("queue a flip")?;
    let second = stage.flip(stage.front.id()).event(2);
    let waiter = Waiter::start(ctx, move || second.send())?;
    check!(waiter.blocked()?, "a blocking commit passed a pending flip");
    events.none()?;
    fence.signal()?;
    waiter.join()?.must("flip behind a pending flip")?;
    events.flip(1)?;
    events.flip(2)?;
    check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after both flips");
    Ok(())
}

pub(super) fn event_without_crtc(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    stage.commit().send().must("commit nothing")?;
    stage.commit().flag(PAGE_FLIP_EVENT).send().refused("an event without a CRTC", Errno::EINVAL)?;
    stage.events().none()
}

pub(super) fn vblank(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let wait = |frames| {
        let target = VblankWaitTarget::Relative(frames);
        stage.card().wait_vblank(target, VblankWaitFlags::empty(), 0, 0)
    };
    let now = wait(0).map_err(|e| {
        // drm_wait_vblank_ioctl() answers so where the driver never called drm_vblank_init().
        let text = format!("{} counts no frames: {:?}", stage.card().name(), e.errno());
        if e.errno() == Errno::EOPNOTSUPP { Stop::skip(text) } else { Stop::fail(text) }
    })?;
    let mut last = now.frame();
    for _ in 0..3 {
        let next = wait(1).must("wait for the next frame")?.frame();
        check!(next > last, "the frame counter went from {last} to {next}");
        last = next;
    }
    Ok(())
}
