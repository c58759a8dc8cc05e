//! A device that goes while its buffers are shared.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use crate::binding::Binding;
use crate::buffer::{Access, DmaBuf, Exported, Exporter, Gem};
use crate::case::{Stop, Tested};
use crate::child::Child;
use crate::ctx::Ctx;
use crate::device::{Device, again};
use crate::dma_buf::{PATIENCE, import_on, settled, write_pattern};
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::uapi::mode;
use crate::{check, check_eq};

/// What an open file of a device that went may answer; a driver may also still serve it from memory.
const GONE: [Errno; 2] = [Errno::ENODEV, Errno::EIO];

pub(super) fn exporter(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0);
    let binding = Binding::of(device)?;
    let made = settled(ctx)?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 1)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    binding.unbind()?;
    let Exported { dmabuf, source } = made;
    touch(&dmabuf)?;
    fence_signals(&dmabuf, &fence)?;
    source.abandon();
    drop(dmabuf);
    binding.bind()?;
    works(device)
}

pub(super) fn importer(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(1);
    let binding = Binding::of(device)?;
    let made = settled(ctx)?;
    let mut gem = import_on(ctx, 1, &made.dmabuf)?;
    let fence = Pending::new()?;
    gem.export()?.import_fence(Access::Write, &fence)?;
    binding.unbind()?;
    write_pattern_under(&made.dmabuf, &fence)?;
    let card = Arc::clone(gem.card());
    gem.abandon();
    drop(gem);
    answers_as_gone(&card)?;
    drop(card);
    binding.bind()?;
    works(device)?;
    let again = import_again(device, &made.dmabuf)?;
    let map = again.export()?.map()?;
    check_eq!(map.differs(2, map.len()), None, "the first difference after the device came back");
    Ok(())
}

/// A process that only looks: a map of a buffer in the memory of a device that went may well end it with SIGBUS.
fn touch(dmabuf: &DmaBuf) -> Tested {
    let copy = dmabuf.duplicate()?;
    let looker = Child::spawn(move |_| {
        let Ok(map) = copy.map() else { return Ok(()) };
        // A page of zeroes stands in for memory that went with its device (ttm_bo_vm_dummy_page()).
        match map.differs(1, map.len()) {
            None | Some((0, _, 0)) => Ok(()),
            difference => {
                Err(Stop::fail(format!("the first difference after the device went: {difference:?}")))
            }
        }
    })?;
    match looker.join() {
        Err(Stop::Fail(text)) if text.contains("SIGBUS") => Ok(()),
        other => other,
    }
}

fn fence_signals(dmabuf: &DmaBuf, fence: &Pending) -> Tested {
    check!(!dmabuf.ready(Access::Read, Duration::ZERO)?, "the fence went with the device");
    fence.signal()?;
    check!(dmabuf.ready(Access::Write, PATIENCE)?, "the fence signalled, the buffer is still busy");
    Ok(())
}

fn write_pattern_under(dmabuf: &DmaBuf, fence: &Pending) -> Tested {
    fence_signals(dmabuf, fence)?;
    write_pattern(dmabuf, &mut dmabuf.map()?, 2)?;
    let map = dmabuf.map()?;
    check_eq!(map.differs(2, map.len()), None, "the first difference after the importer went");
    Ok(())
}

fn answers_as_gone(card: &DrmFile) -> Tested {
    match mode::create_dumb(card, 64, 64, 32) {
        Ok(_) => Ok(()),
        Err(errno) => {
            check!(GONE.contains(&errno), "a buffer on a device that went answers {errno:?}");
            Ok(())
        }
    }
}

pub(super) fn works(device: &Device) -> Tested {
    let made = Exporter::open(&again(device)?)?.make_small()?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 3)
}

fn import_again(device: &Device, dmabuf: &DmaBuf) -> Result<Gem, Stop> {
    let card = Arc::new(DrmFile::card(&again(device)?)?);
    Gem::import(&card, dmabuf).must("import into the device that came back")
}
