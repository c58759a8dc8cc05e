//! Who goes while a flip is pending.

use std::thread::sleep;
use std::time::Duration;

use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::{Pipe, Stage};
use crate::must::Must;
use crate::pending::Pending;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) fn off_while_pending(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    commit.event(1).nonblock().send().must("queue a flip")?;
    let off = stage.off();
    let waiter = Waiter::start(ctx, move || off.send())?;
    events.none()?;
    check!(waiter.blocked()?, "the pipeline turned off under a pending flip");
    fence.signal()?;
    waiter.join()?.must("turn off after the flip")?;
    events.flip(1)?;
    check_eq!(stage.shown()?, 0, "the framebuffer after turning off");
    Ok(())
}

pub(super) fn close_while_pending(ctx: &mut Ctx) -> Tested {
    let pipe = Pipe::open(ctx.device(0))?;
    pipe.turn_off()?;
    let (front, back) = (pipe.framebuffer()?, pipe.framebuffer()?);
    pipe.on(front.id()).send().must("turn the pipeline on")?;
    let fence = Pending::new()?;
    let commit = pipe.in_fence(pipe.flip(back.id()), &fence)?;
    let out = pipe.out_fence(commit).nonblock().send().must("queue a flip")?.out_fence()?;
    front.abandon();
    back.abandon();
    // The last reference: the file's framebuffers are removed, which waits for the flip (drm_fb_release()).
    let closing = ctx.spawn(move || drop(pipe));
    sleep(Duration::from_millis(60));
    check!(!closing.is_finished(), "the device closed under a pending flip");
    check_eq!(out.status(), Ok(0), "the out-fence's status while the device closes");
    fence.signal()?;
    closing.join().map_err(|_| crate::Stop::fail("the closing thread panicked"))?;
    let stage = Stage::lit(ctx.device(0))?;
    super::in_fence::completes(&stage, stage.flip(stage.back.id()))
}

pub(super) fn fence_closed(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let mut events = stage.events();
    let copy = fence.fence().try_clone().must("duplicate the fence")?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &copy)?;
    drop(copy);
    // Sending drops the commit's own copy too: only the kernel and the fence's maker hold it now.
    commit.event(3).nonblock().send().must("queue a flip")?;
    events.none()?;
    fence.signal()?;
    events.flip(3).map(drop)
}
