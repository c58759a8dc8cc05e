//! A buffer of one device on another one.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::cpu::write_pattern;
use super::fences::PATIENCE;
use super::lifetime::{ORDERS, Owners, open_fds};
use super::refusal::{Expected, SANE, expected};
use crate::buffer::{Access, DmaBuf, Dumb, Exported, Exporter, Gem, Map, Source};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::uapi::{mode, prime};
use crate::{check, check_eq};

/// The importer's side of a pair: its card with the exporter's buffer on it.
struct Shared {
    exporter: Exporter,
    made: Exported,
    gem: Gem,
}

/// Imports a buffer of device 0 on device 1; skips pairs that cannot share.
fn shared(ctx: &Ctx) -> Result<Shared, Stop> {
    let exporter = Exporter::open(ctx.device(0))?;
    let made = exporter.make_small()?;
    check!(made.dmabuf.ready(Access::Write, PATIENCE)?, "a new buffer stayed busy");
    let gem = import(ctx, &made.dmabuf)?;
    Ok(Shared { exporter, made, gem })
}

/// Imports on device 1; skips with the errno where it refuses.
pub(super) fn import(ctx: &Ctx, dmabuf: &DmaBuf) -> Result<Gem, Stop> {
    import_on(ctx, 1, dmabuf)
}

/// Imports on the device of that role; skips with the errno where it refuses.
pub(crate) fn import_on(ctx: &Ctx, role: usize, dmabuf: &DmaBuf) -> Result<Gem, Stop> {
    let (exporter, importer) = (ctx.device(0), ctx.device(role));
    let card = Arc::new(DrmFile::card(importer)?);
    Gem::import(&card, dmabuf).map_err(|errno| {
        Stop::skip(format!("{} refuses a buffer of {}: {errno:?}", importer.name, exporter.name))
    })
}

pub(super) fn works_or_refuses(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let card = Arc::new(DrmFile::card(ctx.device(1))?);
    let expected = expected(ctx.device(0), ctx.device(1));
    let before = open_fds()?;
    let first = answer(&card, &made.dmabuf, expected)?;
    check_eq!(open_fds()?, before, "open fds after the import");
    let second = answer(&card, &made.dmabuf, expected)?;
    check_eq!(second, first, "the answer to the second import");
    // Neither answer harms the buffer.
    let mut map = made.dmabuf.map()?;
    write_pattern(&made.dmabuf, &mut map, 3)?;
    check_eq!(map.differs(3, map.len()), None, "the first difference after the imports");
    let ready = made.dmabuf.ready(Access::Write, PATIENCE)?;
    check!(ready, "an import left the buffer busy");
    Ok(())
}

/// Imports once and gives the handle back: the errno where it was refused.
fn answer(card: &Arc<DrmFile>, dmabuf: &DmaBuf, expected: Expected) -> Result<Option<Errno>, Stop> {
    let errno = Gem::import(card, dmabuf).err();
    let fits = match (expected, errno) {
        (Expected::Works | Expected::Either, None) => true,
        (Expected::Refused(expected), Some(found)) => found == expected,
        (Expected::Either, Some(found)) => SANE.contains(&found),
        _ => false,
    };
    check!(fits, "the import answered {errno:?}, expected {expected:?}");
    Ok(errno)
}

pub(super) fn back_home(ctx: &mut Ctx) -> Tested {
    let here = Arc::new(DrmFile::card(ctx.device(0))?);
    let there = Arc::new(DrmFile::card(ctx.device(1))?);
    let dumb = Dumb::new(&here, 64, 64)?;
    let dmabuf = dumb.gem().export()?;
    let attempt = Gem::import(&there, &dmabuf);
    let home = prime::fd_to_handle(here.as_ref(), dmabuf.as_fd().as_raw_fd());
    check_eq!(home, Ok(dumb.gem().handle()), "the exporter's own handle after {attempt:?}");
    drop(attempt);
    let other_file = Arc::new(DrmFile::card(ctx.device(0))?);
    let again = Gem::import(&other_file, &dmabuf).must("import into another file of the exporter")?;
    check_eq!(again.export()?.identity()?, dmabuf.identity()?, "the identity by that file");
    Ok(())
}

pub(super) fn twice(ctx: &mut Ctx) -> Tested {
    let Shared { made, gem, .. } = shared(ctx)?;
    let fd = made.dmabuf.as_fd().as_raw_fd();
    let card = Arc::clone(gem.card());
    let again = prime::fd_to_handle(card.as_ref(), fd).must("import the buffer again")?;
    check_eq!(again, gem.handle(), "the handle of the second import");
    let copy = made.dmabuf.duplicate()?;
    let through_copy = prime::fd_to_handle(card.as_ref(), copy.as_fd().as_raw_fd());
    check_eq!(through_copy, Ok(gem.handle()), "the handle of an import by another fd");
    let handle = gem.handle();
    drop(gem);
    prime::gem_close(card.as_ref(), handle).refused("close the handle a second time", Errno::EINVAL)?;
    let fresh = Gem::import(&card, &made.dmabuf).must("import after closing")?;
    check_eq!(fresh.export()?.identity()?, made.dmabuf.identity()?, "the identity after a new import");
    Ok(())
}

pub(super) fn two_files(ctx: &mut Ctx) -> Tested {
    let Shared { made, gem, .. } = shared(ctx)?;
    let second = import(ctx, &made.dmabuf)?;
    let identity = made.dmabuf.identity()?;
    check_eq!(gem.export()?.identity()?, identity, "the identity by the first file");
    check_eq!(second.export()?.identity()?, identity, "the identity by the second file");
    drop(gem);
    check_eq!(second.export()?.identity()?, identity, "the identity after the first file let go");
    Ok(())
}

pub(super) fn data(ctx: &mut Ctx) -> Tested {
    let Shared { made, gem, .. } = shared(ctx)?;
    let size = made.dmabuf.size();
    let mut writer = made.dmabuf.map()?;
    write_pattern(&made.dmabuf, &mut writer, 5)?;
    let back = gem.export()?;
    check_eq!(back.size(), size, "the size by way of the importer");
    let reader = back.map()?;
    back.begin(Access::Read).must("begin reading by the importer's fd")?;
    check_eq!(reader.checksum(size), writer.checksum(size), "the checksum by the importer's fd");
    check_eq!(reader.differs(5, size), None, "the first difference by the importer's fd");
    back.end(Access::Read).must("end reading by the importer's fd")?;
    // The importer's own map: drm_gem_dumb_map_offset() refuses imported buffers, and so does i915's
    // __assign_mmap_offset() with an errno of its own; a driver that allows it must show the same bytes.
    match mode::map_dumb(gem.card().as_ref(), gem.handle()) {
        // A driver without dumb buffers has no such map at all.
        Err(Errno::ENOSYS) if !mode::makes_dumb(gem.card().as_ref()) => {}
        Err(Errno::ENODEV) if ctx.device(1).driver == "i915" => {}
        Err(errno) => check_eq!(errno, Errno::EINVAL, "the answer to mapping an imported buffer"),
        Ok(offset) => {
            let map = Map::shared(gem.card().as_ref(), offset, size);
            let map = map.must("map by the importer's card")?;
            check_eq!(map.differs(5, size), None, "the first difference by the importer's map");
        }
    }
    Ok(())
}

pub(super) fn chain(ctx: &mut Ctx) -> Tested {
    let Shared { exporter, made, gem } = shared(ctx)?;
    let back = gem.export()?;
    check_eq!(back.identity()?, made.dmabuf.identity()?, "the identity after A, B and back");
    if let (Some(card), Source::Dumb(dumb)) = (exporter.card(), &made.source) {
        let handle = prime::fd_to_handle(card.as_ref(), back.as_fd().as_raw_fd());
        check_eq!(handle, Ok(dumb.gem().handle()), "the exporter's handle for the buffer that came back");
    }
    Ok(())
}

pub(super) fn fence_before(ctx: &mut Ctx) -> Tested {
    let exporter = Exporter::open(ctx.device(0))?;
    let made = exporter.make_small()?;
    check!(made.dmabuf.ready(Access::Write, PATIENCE)?, "a new buffer stayed busy");
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    let gem = import(ctx, &made.dmabuf)?;
    still_waits_then_not(&gem.export()?, &fence)
}

pub(super) fn fence_after(ctx: &mut Ctx) -> Tested {
    let Shared { made, gem, .. } = shared(ctx)?;
    let there = gem.export()?;
    let fence = Pending::new()?;
    there.import_fence(Access::Write, &fence)?;
    still_waits_then_not(&made.dmabuf, &fence)
}

/// Checks that the fence is in the way, signals it and checks that it no longer is.
fn still_waits_then_not(dmabuf: &DmaBuf, fence: &Pending) -> Tested {
    for access in Access::BOTH {
        check!(!dmabuf.ready(access, Duration::ZERO)?, "{access:?} does not see the other side's fence");
    }
    fence.signal()?;
    for access in Access::BOTH {
        check!(dmabuf.ready(access, PATIENCE)?, "{access:?} does not see the other side's fence signal");
    }
    Ok(())
}

pub(super) fn close_orders(ctx: &mut Ctx) -> Tested {
    for (seed, order) in (1..).zip(ORDERS) {
        let mut owners = Owners::of(ctx)?;
        let Some(dmabuf) = &owners.dmabuf else { continue };
        dmabuf.map()?.fill(seed, dmabuf.size());
        let gem = import(ctx, dmabuf)?;
        for owner in order {
            owners.close(owner);
            let map = gem.export()?.map()?;
            let differs = map.differs(seed, map.len());
            check_eq!(differs, None, "the importer's first difference after closing {owner:?} of {order:?}");
        }
    }
    Ok(())
}
