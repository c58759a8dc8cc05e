//! Fences that a commit waits for because it was told to.

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::{Commit, Stage};
use crate::must::Must;
use crate::pending::{Pending, signalled_fence};
use crate::uapi::sw_sync::Timeline;
use crate::waiter::Waiter;
use crate::{check, check_eq};

/// Queues `commit` and checks that it completes only once the fence has signalled.
pub(super) fn waits(stage: &Stage, commit: Commit, fence: &Pending) -> Tested {
    let mut events = stage.events();
    commit.event(7).nonblock().send().must("queue a commit")?;
    events.none()?;
    fence.signal()?;
    events.flip(7).map(drop)
}

/// Queues `commit` and checks that it completes.
pub(crate) fn completes(stage: &Stage, commit: Commit) -> Tested {
    commit.event(8).nonblock().send().must("queue a commit")?;
    stage.events().flip(8).map(drop)
}

pub(super) fn none(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let commit = stage.set(stage.flip(stage.back.id()), stage.primary(), "IN_FENCE_FD", u64::MAX);
    completes(&stage, commit)?;
    // The property reads as -1 whatever was set.
    check_eq!(stage.value(stage.primary(), "IN_FENCE_FD")?, u64::MAX, "the value of IN_FENCE_FD");
    Ok(())
}

pub(super) fn signalled(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    completes(&stage, stage.in_fence(stage.flip(stage.back.id()), signalled_fence()?)?)?;
    let blocking = stage.in_fence(stage.flip(stage.front.id()), signalled_fence()?)?;
    blocking.send().must("flip with a signalled fence").map(drop)
}

pub(super) fn pending(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    for framebuffer in [&stage.back, &stage.front] {
        let fence = Pending::new()?;
        waits(&stage, stage.in_fence(stage.flip(framebuffer.id()), &fence)?, &fence)?;
        check_eq!(stage.shown()?, framebuffer.id(), "the framebuffer after the flip");
    }
    Ok(())
}

pub(super) fn long(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    // Longer than the helpers' own time limits, which are 10 s and do not count for fences.
    let wait = Duration::from_secs(11);
    let fence = Pending::lasting(wait * 3)?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    commit.event(2).nonblock().send().must("queue a flip")?;
    let early = events.next(wait)?;
    check!(early.is_none(), "the flip did not wait for its fence: {early:?}");
    fence.signal()?;
    events.flip(2).map(drop)
}

pub(super) fn blocking(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?.event(9);
    let waiter = Waiter::start(ctx, move || commit.send())?;
    let mut events = stage.events();
    events.none()?;
    check!(waiter.blocked()?, "a blocking commit returned under a pending in-fence");
    fence.signal()?;
    waiter.join()?.must("flip after the fence signalled")?;
    events.flip(9).map(drop)
}

pub(super) fn interrupted(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let fence = Pending::new()?;
    let commit = stage.out_fence(stage.in_fence(stage.flip(stage.back.id()), &fence)?).event(9);
    let waiter = Waiter::start(ctx, move || commit.send())?;
    waiter.interrupt(false)?;
    match waiter.join()? {
        Ok(_) => return Err(Stop::fail("an interrupted commit under a pending fence succeeded")),
        Err(refused) => {
            check_eq!(refused.errno, Errno::EINTR, "the answer to an interrupted commit");
            check_eq!(refused.out_word(), -1, "its out-fence");
        }
    }
    check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after the interruption");
    stage.events().none()?;
    completes(&stage, stage.flip(stage.back.id()))
}

pub(super) fn merged(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (one, two) = (Pending::new()?, Pending::new()?);
    let both = one.fence().merge(two.fence(), "both").must("merge two sync files")?;
    let mut events = stage.events();
    let commit = stage.in_fence(stage.flip(stage.back.id()), &both)?;
    commit.event(5).nonblock().send().must("queue a flip")?;
    two.signal()?;
    events.none()?;
    one.signal()?;
    events.flip(5).map(drop)
}

pub(super) fn dead_owner(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let timeline = Timeline::new()?;
    let fence = timeline.fence(1).must("make a sw_sync fence")?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    let mut events = stage.events();
    commit.event(6).nonblock().send().must("queue a flip")?;
    events.none()?;
    drop(timeline);
    events.flip(6)?;
    check_eq!(fence.status(), Ok(-libc::ENOENT), "the fence's status");
    Ok(())
}

pub(super) fn modeset(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let fence = Pending::new()?;
    waits(&stage, stage.in_fence(stage.on(stage.front.id()), &fence)?, &fence)?;
    check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after turning on");
    Ok(())
}

pub(super) fn errors(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let before = stage.state()?;
    let memfd = memfd_create("no sync file", MFdFlags::MFD_CLOEXEC).must("create a memfd")?;
    let set = |fd: u64| stage.set(stage.flip(stage.back.id()), stage.primary(), "IN_FENCE_FD", fd);
    let fence = signalled_fence()?;
    let twice = stage.in_fence(stage.in_fence(stage.flip(stage.back.id()), &fence)?, &fence)?;
    for (what, commit, errno) in [
        ("a memfd", set(memfd.as_raw_fd() as u64), Errno::EINVAL),
        ("an fd that is not open", set(1 << 20), Errno::EINVAL),
        ("a number below -1", set(-2i64 as u64), Errno::EINVAL),
        ("two fences for one plane", twice, Errno::EINVAL),
    ] {
        let Err(refused) = stage.out_fence(commit).event(1).send() else {
            return Err(Stop::fail(format!("{what} was taken as an in-fence")));
        };
        check_eq!(refused.errno, errno, "the answer to {what} as an in-fence");
        check_eq!(refused.out_word(), -1, "the out-fence with {what} as an in-fence");
    }
    check_eq!(stage.state()?, before, "the state after the refusals");
    stage.events().none()
}
