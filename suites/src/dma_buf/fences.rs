//! Fences in and out of a dma-buf's reservation, by `EXPORT_SYNC_FILE` and `IMPORT_SYNC_FILE`.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::buffer::{Access, DmaBuf, Exported, Exporter};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::{Pending, signalled_fence};
use crate::uapi::dma_buf::{self, END, READ, RW, WRITE};
use crate::uapi::ioctl_bad_address;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

/// How long something that must happen may take on a loaded, emulated machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// A new small buffer of the case's exporter on which nothing is pending any more: a driver may still be
/// clearing or moving it when it is handed out.
pub(crate) fn settled(ctx: &Ctx) -> Result<Exported, Stop> {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    check!(made.dmabuf.ready(Access::Write, PATIENCE)?, "a new buffer stayed busy");
    Ok(made)
}

/// The status of what the buffer exports for this access: 0 pending, 1 signalled.
fn exported_status(dmabuf: &DmaBuf, access: Access) -> Result<i32, Stop> {
    dmabuf.export_fences(access)?.status().must("ask a sync file for its status")
}

pub(super) fn none(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    for access in Access::BOTH {
        check_eq!(exported_status(&made.dmabuf, access)?, 1, "the status of no fences for {access:?}");
        check!(made.dmabuf.ready(access, Duration::ZERO)?, "a buffer without fences is busy for {access:?}");
        made.dmabuf.begin(access).must("begin an access")?;
        made.dmabuf.end(access).must("end an access")?;
    }
    Ok(())
}

pub(super) fn usage(ctx: &mut Ctx) -> Tested {
    for of in Access::BOTH {
        let made = settled(ctx)?;
        let fence = Pending::new()?;
        made.dmabuf.import_fence(of, &fence)?;
        for access in Access::BOTH {
            let expected = i32::from(!access.waits_for(of));
            let found = exported_status(&made.dmabuf, access)?;
            check_eq!(found, expected, "the status for {access:?} of a pending fence for {of:?}");
        }
        fence.signal()?;
        for access in Access::BOTH {
            let found = exported_status(&made.dmabuf, access)?;
            check_eq!(found, 1, "the status for {access:?} of a signalled fence for {of:?}");
        }
    }
    Ok(())
}

pub(super) fn read_write(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    dma_buf::import_sync_file(&made.dmabuf, RW, &fence).must("import a fence for both")?;
    check_eq!(exported_status(&made.dmabuf, Access::Read)?, 0, "the status for a reader: both is a write");
    let both = dma_buf::export_sync_file(&made.dmabuf, RW).map(SyncFile::new).must("export for both")?;
    check!(!both.wait(0).must("poll a sync file")?, "the fences of both are signalled");
    fence.signal()?;
    check!(both.wait(8000).must("poll a sync file")?, "the fences of both did not signal");
    Ok(())
}

pub(super) fn flags(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = signalled_fence()?;
    let import = |flags| dma_buf::import_sync_file(&made.dmabuf, flags, &fence);
    for flags in [0, END, READ | END, 8 | WRITE, u32::MAX] {
        import(flags).refused(&format!("import a fence with flags {flags:#x}"), Errno::EINVAL)?;
        dma_buf::export_sync_file(&made.dmabuf, flags)
            .refused(&format!("export fences with flags {flags:#x}"), Errno::EINVAL)?;
    }
    let memfd = memfd_create("no sync file", MFdFlags::MFD_CLOEXEC).must("create a memfd")?;
    dma_buf::import_sync_file(&made.dmabuf, WRITE, memfd).refused("import a memfd", Errno::EINVAL)?;
    dma_buf::import_sync_file(&made.dmabuf, WRITE, &made.dmabuf)
        .refused("import a dma-buf", Errno::EINVAL)?;
    for (what, request) in [
        ("export", nix::request_code_readwrite!(b'b', 2, 8)),
        ("import", nix::request_code_write!(b'b', 3, 8)),
    ] {
        ioctl_bad_address(&made.dmabuf, request)
            .refused(&format!("{what} at a bad address"), Errno::EFAULT)?;
    }
    for access in Access::BOTH {
        check!(made.dmabuf.ready(access, Duration::ZERO)?, "a refused import left a fence for {access:?}");
    }
    Ok(())
}

pub(super) fn snapshot(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let (early, late) = (Pending::new()?, Pending::new()?);
    made.dmabuf.import_fence(Access::Write, &early)?;
    let snapshot = made.dmabuf.export_fences(Access::Write)?;
    made.dmabuf.import_fence(Access::Write, &late)?;
    early.signal()?;
    check!(snapshot.wait(8000).must("poll a sync file")?, "the snapshot waits for a fence that came later");
    check_eq!(exported_status(&made.dmabuf, Access::Write)?, 0, "the status with the later fence pending");
    late.signal()?;
    check_eq!(exported_status(&made.dmabuf, Access::Write)?, 1, "the status with both fences signalled");
    Ok(())
}

pub(super) fn many(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fences: Vec<Pending> = (0..4).map(|_| Pending::new()).collect::<Result<_, _>>()?;
    for (index, fence) in fences.iter().enumerate() {
        made.dmabuf.import_fence(Access::BOTH[index % 2], fence)?;
    }
    let all = made.dmabuf.export_fences(Access::Write)?;
    let count = all.summary().must("ask a sync file for its fences")?.num_fences;
    check_eq!(count, 4, "fences that a writer waits for");
    for (index, fence) in fences.iter().enumerate() {
        check_eq!(all.status(), Ok(0), "the status with {index} of 4 fences signalled");
        fence.signal()?;
    }
    check!(all.wait(8000).must("poll a sync file")?, "all four fences signalled, their sync file did not");
    Ok(())
}

pub(super) fn merged(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let (one, two) = (Pending::new()?, Pending::new()?);
    let both = one.fence().merge(two.fence(), "both").must("merge two sync files")?;
    made.dmabuf.import_fence(Access::Write, &both)?;
    one.signal()?;
    check_eq!(exported_status(&made.dmabuf, Access::Read)?, 0, "the status with one of two merged signalled");
    let rest = made.dmabuf.export_fences(Access::Read)?;
    let count = rest.summary().must("ask a sync file for its fences")?.num_fences;
    check_eq!(count, 1, "fences that are left after one of two signalled");
    two.signal()?;
    check_eq!(exported_status(&made.dmabuf, Access::Read)?, 1, "the status with both signalled");
    Ok(())
}

pub(super) fn order(ctx: &mut Ctx) -> Tested {
    // The later fence of a context takes the place of the earlier one, never the other way round.
    for seqnos in [[1, 2], [2, 1]] {
        let made = settled(ctx)?;
        let timeline = Timeline::new()?;
        for seqno in seqnos {
            let fence = timeline.fence(seqno).must("make a sw_sync fence")?;
            made.dmabuf.import_fence(Access::Write, &fence)?;
        }
        timeline.inc(1).must("signal the first fence")?;
        check_eq!(exported_status(&made.dmabuf, Access::Read)?, 0, "the status at 1, imported as {seqnos:?}");
        timeline.inc(1).must("signal the second fence")?;
        check_eq!(exported_status(&made.dmabuf, Access::Read)?, 1, "the status at 2, imported as {seqnos:?}");
    }
    Ok(())
}

pub(super) fn signalled(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    for access in Access::BOTH {
        made.dmabuf.import_fence(access, signalled_fence()?)?;
        check!(
            made.dmabuf.ready(Access::Write, Duration::ZERO)?,
            "a signalled fence for {access:?} is in the way"
        );
        check_eq!(exported_status(&made.dmabuf, Access::Write)?, 1, "the status of a signalled fence");
    }
    made.dmabuf.begin(Access::Write).must("begin writing")?;
    made.dmabuf.end(Access::Write).must("end writing")
}

pub(super) fn dead_owner(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let timeline = Timeline::new()?;
    let fence = timeline.fence(1).must("make a sw_sync fence")?;
    made.dmabuf.import_fence(Access::Write, fence)?;
    let exported = made.dmabuf.export_fences(Access::Write)?;
    check_eq!(exported.status(), Ok(0), "the status while the owner lives");
    drop(timeline);
    check!(made.dmabuf.ready(Access::Write, PATIENCE)?, "a dead owner's fence keeps the buffer busy");
    check_eq!(exported.status(), Ok(-libc::ENOENT), "the status of a dead owner's fence");
    Ok(())
}

pub(super) fn outlives_the_buffer(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let fence = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &fence)?;
    let exported = made.dmabuf.export_fences(Access::Write)?;
    // The poll leaves a callback on the fence that holds the file.
    for access in Access::BOTH {
        check!(
            !made.dmabuf.ready(access, Duration::ZERO)?,
            "a pending write is not in the way of {access:?}"
        );
    }
    drop(made);
    check_eq!(exported.status(), Ok(0), "the status after the buffer was closed");
    fence.signal()?;
    check!(exported.wait(8000).must("poll a sync file")?, "the fence signalled, its sync file did not");
    Ok(())
}
