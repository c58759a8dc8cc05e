//! What a commit over two CRTCs leaves where it is a test, or is refused for one of them.

use nix::errno::Errno;

use super::{both, queue};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::dma_buf::open_fds;
use crate::kms::Pair;
use crate::must::Must;
use crate::{check, check_eq};

pub(super) fn test_only(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let before = (pair.left.state()?, pair.right.state()?, open_fds()?);
    for nonblock in [false, true] {
        for commit in
            [pair.flip(), pair.left.off().and(pair.right.off()), pair.left.flip(pair.left.back.id())]
        {
            let commit = pair.right.out_fence(pair.left.out_fence(commit)).test_only();
            let commit = if nonblock { commit.nonblock() } else { commit };
            let done = commit.send().must("test a commit over both CRTCs")?;
            check_eq!(done.out_words(), [-1, -1], "the out-fences of a test");
            let after = (pair.left.state()?, pair.right.state()?, open_fds()?);
            check!(after == before, "a test changed {before:?} to {after:?}");
        }
    }
    pair.events().none()
}

pub(super) fn refused(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let before = (pair.left.state()?, pair.right.state()?, open_fds()?);
    for wrong in [&pair.left, &pair.right] {
        // A source beyond the framebuffer passes the reading of properties and fails in the check.
        let commit = wrong.set(pair.flip(), wrong.primary(), "SRC_W", 0x4000_0000);
        let commit = pair.right.out_fence(pair.left.out_fence(commit)).event(1).nonblock();
        let Err(refused) = commit.send() else {
            return Err(Stop::fail("a commit with a plane that reads beyond its framebuffer was taken"));
        };
        check_eq!(refused.errno, Errno::ENOSPC, "the answer to a source beyond the framebuffer");
        check_eq!(refused.out_words(), [-1, -1], "the out-fences of a refused commit");
        let after = (pair.left.state()?, pair.right.state()?, open_fds()?);
        check!(after == before, "a refused commit changed {before:?} to {after:?}");
    }
    pair.events().none()
}

pub(super) fn busy(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let (left, right) = (&pair.left, &pair.right);
    let mut events = pair.events();
    let fence = queue(left, 1)?;
    left.flip(left.front.id()).nonblock().send().refused("a second flip of the busy CRTC", Errno::EBUSY)?;
    let over_both = right.out_fence(left.out_fence(pair.flip())).event(2).nonblock();
    let Err(refused) = over_both.send() else {
        return Err(Stop::fail(
            "a non-blocking commit over both CRTCs was taken ahead of the pending flip of one",
        ));
    };
    check_eq!(refused.errno, Errno::EBUSY, "the answer to a commit over both CRTCs");
    check_eq!(refused.out_words(), [-1, -1], "its out-fences");
    right.flip(right.front.id()).event(3).nonblock().send().must("queue a flip of the free CRTC")?;
    events.flip(3)?;
    fence.signal()?;
    events.flip(1)?;
    pair.flip().event(4).nonblock().send().must("queue a flip of both CRTCs when none is busy")?;
    both(&pair, &mut events, 4)?;
    events.none()
}
