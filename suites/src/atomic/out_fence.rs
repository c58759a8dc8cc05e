//! Fences that a commit gives.

use nix::errno::Errno;

use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::dma_buf::open_fds;
use crate::kms::{POISON, Stage};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::BAD_ADDRESS;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

/// Waits for an out-fence that must signal.
fn signals_soon(fence: &SyncFile) -> Tested {
    check!(fence.wait(8000).must("poll an out-fence")?, "an out-fence did not signal");
    check_eq!(fence.status(), Ok(1), "an out-fence's status");
    Ok(())
}

pub(super) fn signals(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let blocking = stage.out_fence(stage.flip(stage.back.id())).send().must("flip")?;
    signals_soon(&blocking.out_fence()?)?;
    let mut events = stage.events();
    let queued = stage.out_fence(stage.flip(stage.front.id())).event(3).nonblock();
    let fence = queued.send().must("queue a flip")?.out_fence()?;
    events.flip(3)?;
    signals_soon(&fence)
}

pub(super) fn pending(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let commit = stage.out_fence(stage.in_fence(stage.flip(stage.back.id()), &fence)?);
    let out = commit.nonblock().send().must("queue a flip")?.out_fence()?;
    stage.events().none()?;
    check_eq!(out.status(), Ok(0), "the out-fence's status while the in-fence is pending");
    fence.signal()?;
    signals_soon(&out)
}

pub(super) fn order(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut last = 0;
    let mut timelines = Vec::new();
    for framebuffer in [&stage.back, &stage.front, &stage.back, &stage.front] {
        let done = stage.out_fence(stage.flip(framebuffer.id())).send().must("flip")?;
        let out = done.out_fence()?;
        signals_soon(&out)?;
        let info = out.info().must("ask an out-fence for its info")?;
        check_eq!(info.fences.len(), 1, "fences in an out-fence");
        let fence = &info.fences[0];
        check!(
            fence.timestamp_ns >= last,
            "out-fences signalled at {last} and then at {}",
            fence.timestamp_ns
        );
        last = fence.timestamp_ns;
        timelines.push((fence.driver.clone(), fence.timeline.clone()));
        check_eq!(out.status(), Ok(1), "the out-fence's status when asked again");
    }
    timelines.dedup();
    check_eq!(timelines.len(), 1, "timelines of one CRTC's out-fences ({timelines:?})");
    Ok(())
}

pub(super) fn modeset(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    for commit in [stage.on(stage.front.id()), stage.off()] {
        let out = stage.out_fence(commit).nonblock().send().must("queue a modeset")?.out_fence()?;
        signals_soon(&out)?;
    }
    Ok(())
}

pub(super) fn failure(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let before = open_fds()?;
    for _ in 0..8 {
        // A source beyond the framebuffer passes the reading of properties and fails in the check.
        let commit = stage.set(stage.flip(stage.back.id()), stage.primary(), "SRC_W", 0x4000_0000);
        let Err(refused) = stage.out_fence(commit).event(1).send() else {
            return Err(Stop::fail("a commit that reads beyond its framebuffer was taken"));
        };
        check_eq!(refused.out_word(), -1, "the out-fence of a refused commit");
    }
    check_eq!(open_fds()?, before, "open fds after refused commits");
    check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after refused commits");
    stage.events().none()
}

pub(super) fn test_only(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let before = open_fds()?;
    let done = stage.out_fence(stage.flip(stage.back.id())).test_only().send().must("test a flip")?;
    check_eq!(done.out_word(), -1, "the out-fence of a test");
    check!(done.out_fences.is_empty(), "a test gave an out-fence");
    check_eq!(open_fds()?, before, "open fds after a test");
    // Who asks for none gets none.
    let plain = stage.flip(stage.back.id()).send().must("flip")?;
    check_eq!(plain.out_word(), POISON, "the word of a commit that asked for no out-fence");
    Ok(())
}

pub(super) fn bad_address(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let before = (stage.state()?, open_fds()?);
    let crtc = u32::from(stage.crtc());
    let commit = stage.set(stage.flip(stage.back.id()), crtc, "OUT_FENCE_PTR", BAD_ADDRESS);
    commit.send().refused("an out-fence to a bad address", Errno::EFAULT)?;
    check_eq!((stage.state()?, open_fds()?), before, "state and open fds after the refusal");
    Ok(())
}
