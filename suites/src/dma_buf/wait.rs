//! Waiting for a dma-buf's implicit fences: `DMA_BUF_IOCTL_SYNC` and `poll(2)`.

use std::time::Duration;

use nix::errno::Errno;

use super::fences::{PATIENCE, settled};
use crate::buffer::Access;
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::Pending;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) fn sync(ctx: &mut Ctx) -> Tested {
    for (access, of) in pairs().filter(|(access, of)| access.waits_for(*of)) {
        let made = settled(ctx)?;
        let fence = Pending::new()?;
        made.dmabuf.import_fence(of, &fence)?;
        let other = made.dmabuf.duplicate()?;
        let waiter = Waiter::start(ctx, move || other.begin(access))?;
        check!(waiter.blocked()?, "{access:?} began under a pending fence for {of:?}");
        fence.signal()?;
        waiter.join()?.must(&format!("begin {access:?} after the fence for {of:?} signalled"))?;
        made.dmabuf.end(access).must("end the access")?;
    }
    Ok(())
}

pub(super) fn sync_passes_readers(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Read, &fence)?;
    made.dmabuf.begin(Access::Read).must("begin reading beside a pending reader")?;
    made.dmabuf.end(Access::Read).must("end reading")?;
    check_eq!(fence.fence().status(), Ok(0), "the status of the fence that nobody had to wait for");
    Ok(())
}

pub(super) fn sync_interrupted(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    for access in Access::BOTH {
        let other = made.dmabuf.duplicate()?;
        let waiter = Waiter::start(ctx, move || other.begin(access))?;
        waiter.interrupt(false)?;
        waiter.join()?.refused(&format!("a wait for {access:?} that a signal ends"), Errno::EINTR)?;
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence after the signal");
    }
    Ok(())
}

pub(super) fn sync_restarted(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    let other = made.dmabuf.duplicate()?;
    let waiter = Waiter::start(ctx, move || other.begin(Access::Write))?;
    for _ in 0..8 {
        waiter.interrupt(true)?;
    }
    check!(waiter.blocked()?, "a restarted wait ended under a pending fence");
    fence.signal()?;
    waiter.join()?.must("begin writing after restarts")?;
    made.dmabuf.end(Access::Write).must("end writing")
}

pub(super) fn poll(ctx: &mut Ctx) -> Tested {
    for (access, of) in pairs() {
        let made = settled(ctx)?;
        let fence = Pending::new()?;
        made.dmabuf.import_fence(of, &fence)?;
        let ready = made.dmabuf.ready(access, Duration::ZERO)?;
        check_eq!(ready, !access.waits_for(of), "readiness for {access:?} under a pending fence for {of:?}");
        fence.signal()?;
        let ready = made.dmabuf.ready(access, PATIENCE)?;
        check!(ready, "the fence for {of:?} signalled, poll for {access:?} did not");
    }
    Ok(())
}

pub(super) fn poll_wakes(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    let pollers: Vec<_> = Access::BOTH
        .into_iter()
        .map(|access| {
            let other = made.dmabuf.duplicate()?;
            Ok(ctx.spawn(move || other.ready(access, PATIENCE)))
        })
        .collect::<Result<_, crate::Stop>>()?;
    // Both callbacks are on the fence or will find it signalled: either way both must come back ready.
    fence.signal()?;
    for poller in pollers {
        let ready = poller.join().map_err(|_| crate::Stop::fail("a polling thread panicked"))?;
        check!(ready?, "a polling thread was not woken");
    }
    Ok(())
}

fn pairs() -> impl Iterator<Item = (Access, Access)> {
    Access::BOTH.into_iter().flat_map(|access| Access::BOTH.map(|of| (access, of)))
}
