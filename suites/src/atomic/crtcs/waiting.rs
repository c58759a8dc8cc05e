//! What a commit waits for where two CRTCs are in play, and whom it holds up.

use super::super::in_fence::waits;
use super::{both, flips_freely, queue};
use crate::buffer::Access;
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::Pair;
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::sync_file::SyncFile;
use crate::waiter::Waiter;
use crate::{check, check_eq};

/// The timeline that a pending fence belongs to.
fn timeline(fence: &SyncFile) -> Result<String, Stop> {
    let info = fence.info().must("ask an out-fence for its info")?;
    let [only] = info.fences.as_slice() else {
        return Err(Stop::fail(format!("an out-fence holds {} fences", info.fences.len())));
    };
    Ok(only.timeline.clone())
}

pub(super) fn one_commit(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let (left, right) = (&pair.left, &pair.right);
    let (one, two) = (Pending::new()?, Pending::new()?);
    let mut events = pair.events();
    let mut commit = left.in_fence(pair.flip(), &one)?;
    commit = right.in_fence(commit, &two)?;
    commit = right.out_fence(left.out_fence(commit));
    let done = commit.event(1).nonblock().send().must("queue a flip of both CRTCs")?;
    let given = done.out_fences.len();
    let [first, second] = done.out_fences.as_slice() else {
        return Err(Stop::fail(format!("a commit over two CRTCs gave {given} out-fences")));
    };
    check!(timeline(first)? != timeline(second)?, "both CRTCs' out-fences are of {}", timeline(first)?);
    for fence in [&one, &two] {
        events.none()?;
        check_eq!(
            (first.status(), second.status()),
            (Ok(0), Ok(0)),
            "the out-fences' status before {fence:?}"
        );
        fence.signal()?;
    }
    both(&pair, &mut events, 1)?;
    for out in [first, second] {
        check!(out.wait(8000).must("poll an out-fence")?, "an out-fence did not signal");
        check_eq!(out.status(), Ok(1), "an out-fence's status");
    }
    check_eq!(pair.shown()?, [left.back.id(), right.back.id()], "the framebuffers after the flip");
    events.none()
}

pub(super) fn apart(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let mut events = pair.events();
    for (held, free) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        let fence = queue(held, 10)?;
        flips_freely(free, &mut events)?;
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence that the other CRTC waits for");
        fence.signal()?;
        let event = events.flip(10)?;
        check_eq!(event.crtc_id, u32::from(held.crtc()), "the CRTC of the held flip's event");
    }
    Ok(())
}

pub(super) fn apart_blocking(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let mut events = pair.events();
    let fence = Pending::new()?;
    let held = pair.left.in_fence(pair.left.flip(pair.left.back.id()), &fence)?;
    let waiter = Waiter::start(ctx, move || held.send())?;
    flips_freely(&pair.right, &mut events)?;
    check!(waiter.blocked()?, "the blocking commit passed its in-fence");
    fence.signal()?;
    waiter.join()?.must("flip after the fence signalled").map(drop)
}

pub(super) fn chain(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    for (first, second) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        let fence = Pending::new()?;
        let commit = first.out_fence(first.in_fence(first.flip(first.back.id()), &fence)?);
        let between = commit.nonblock().send().must("queue the first flip")?.out_fence()?;
        waits(second, second.in_fence(second.flip(second.back.id()), &between)?, &fence)?;
        check_eq!(between.status(), Ok(1), "the status of the out-fence once the flip behind it is done");
        pair.light()?;
    }
    Ok(())
}

pub(super) fn one_buffer(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    check_same_size(&pair)?;
    let (left, right) = (&pair.left, &pair.right);
    let shared = left.back.id();
    let show = || left.flip(shared).and(right.flip(shared));
    // Shown before: a driver that keeps it elsewhere moves it there first, and a move waits for everybody.
    show().send().must("show one buffer on both CRTCs")?;
    let dmabuf = left.back.buffer().gem().export()?;
    pair.light()?;
    let mut events = pair.events();
    let reader = Pending::new()?;
    dmabuf.import_fence(Access::Read, &reader)?;
    show().event(1).nonblock().send().must("show a buffer that is read")?;
    both(&pair, &mut events, 1)?;
    pair.light()?;
    let writer = Pending::new()?;
    dmabuf.import_fence(Access::Write, &writer)?;
    for stage in [left, right] {
        stage.flip(shared).event(2).nonblock().send().must("queue a flip to a buffer that is written")?;
    }
    events.none()?;
    writer.signal()?;
    both(&pair, &mut events, 2)?;
    check_eq!(reader.fence().status(), Ok(0), "the status of the reader that nobody had to wait for");
    // Its fence must not hold up the turning off.
    reader.signal()
}

fn check_same_size(pair: &Pair) -> Tested {
    let (left, right) = (pair.left.size(), pair.right.size());
    match left == right {
        true => Ok(()),
        false => Err(Stop::skip(format!("one monitor shows {left:?}, the other {right:?}"))),
    }
}
