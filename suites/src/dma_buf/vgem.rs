//! vgem's own fences: the one fence that a stock kernel lets user space put on a GEM handle.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::fences::PATIENCE;
use super::import::import;
use crate::buffer::{Access, Dumb};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::vgem::{FENCE_WRITE, fence_attach, fence_signal};
use crate::{check, check_eq};

fn flags(access: Access) -> u32 {
    match access {
        Access::Read => 0,
        Access::Write => FENCE_WRITE,
    }
}

fn buffer(ctx: &Ctx) -> Result<(Arc<DrmFile>, Dumb), Stop> {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    Ok((card, dumb))
}

pub(super) fn usage(ctx: &mut Ctx) -> Tested {
    let (card, dumb) = buffer(ctx)?;
    let dmabuf = dumb.gem().export()?;
    for of in Access::BOTH {
        let fence = fence_attach(card.as_ref(), dumb.gem().handle(), flags(of)).must("attach a fence")?;
        for access in Access::BOTH {
            let ready = dmabuf.ready(access, Duration::ZERO)?;
            check_eq!(ready, !access.waits_for(of), "readiness for {access:?} under a fence for {of:?}");
        }
        fence_signal(card.as_ref(), fence).must("signal the fence")?;
        for access in Access::BOTH {
            check!(
                dmabuf.ready(access, PATIENCE)?,
                "{access:?} still waits for a signalled fence for {of:?}"
            );
        }
    }
    Ok(())
}

pub(super) fn errors(ctx: &mut Ctx) -> Tested {
    let (card, dumb) = buffer(ctx)?;
    let (card, handle) = (card.as_ref(), dumb.gem().handle());
    fence_attach(card, handle, 2).refused("attach with unknown flags", Errno::EINVAL)?;
    fence_attach(card, 0, FENCE_WRITE).refused("attach to handle 0", Errno::ENOENT)?;
    fence_signal(card, 4711).refused("signal an unknown fence", Errno::ENOENT)?;
    let fence = fence_attach(card, handle, FENCE_WRITE).must("attach a fence")?;
    for access in Access::BOTH {
        fence_attach(card, handle, flags(access)).refused("attach beside a writer", Errno::EBUSY)?;
    }
    fence_signal(card, fence).must("signal the fence")?;
    fence_signal(card, fence).refused("signal the fence again", Errno::ENOENT)
}

pub(super) fn dead_owner(ctx: &mut Ctx) -> Tested {
    let (card, mut dumb) = buffer(ctx)?;
    let dmabuf = dumb.gem().export()?;
    fence_attach(card.as_ref(), dumb.gem().handle(), FENCE_WRITE).must("attach a fence")?;
    check!(!dmabuf.ready(Access::Read, Duration::ZERO)?, "the fence is not in the way");
    dumb.abandon();
    drop((card, dumb));
    check!(dmabuf.ready(Access::Write, PATIENCE)?, "a closed file's fence keeps the buffer busy");
    Ok(())
}

pub(super) fn expires(ctx: &mut Ctx) -> Tested {
    let (card, dumb) = buffer(ctx)?;
    let dmabuf = dumb.gem().export()?;
    let fence = fence_attach(card.as_ref(), dumb.gem().handle(), FENCE_WRITE).must("attach a fence")?;
    check!(!dmabuf.ready(Access::Read, Duration::ZERO)?, "the fence is not in the way");
    // vgem promises 10 s; twice that is for slow machines.
    check!(dmabuf.ready(Access::Write, Duration::from_secs(20))?, "the fence did not expire");
    fence_signal(card.as_ref(), fence).refused("signal an expired fence", Errno::ETIMEDOUT)
}

pub(super) fn seen_by_importer(ctx: &mut Ctx) -> Tested {
    let (card, dumb) = buffer(ctx)?;
    let gem = import(ctx, &dumb.gem().export()?)?;
    let there = gem.export()?;
    for of in Access::BOTH {
        let fence = fence_attach(card.as_ref(), dumb.gem().handle(), flags(of)).must("attach a fence")?;
        for access in Access::BOTH {
            let ready = there.ready(access, Duration::ZERO)?;
            check_eq!(ready, !access.waits_for(of), "the importer's readiness for {access:?} under {of:?}");
        }
        fence_signal(card.as_ref(), fence).must("signal the fence")?;
        check!(there.ready(Access::Write, PATIENCE)?, "the importer still waits for a signalled fence");
    }
    Ok(())
}
