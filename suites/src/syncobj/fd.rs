//! Sync objects and their fences as file descriptors, in one process and between two.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno::{EINVAL, ENOENT};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::fixture::{Fixture, patient, poll};
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::child::Child;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::sync_file::SyncFile;
use crate::uapi::syncobj::{self as uapi, FdToHandle, HandleToFd, SYNC_FILE, TIMELINE, WAIT_FOR_SUBMIT};
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "fd-round-trip",
        "an object's fd leads back to the same object, under a new handle",
        SYNCOBJ,
        round_trip,
    ),
    Case::new(SUITE, "fd-outlives-handle", "an object lives on in its fd", SYNCOBJ, outlives_handle),
    Case::new(SUITE, "fd-timeline", "a timeline's fd carries its points", SYNCOBJ, timeline_fd),
    Case::new(
        SUITE,
        "fd-close-on-exec",
        "the fds of objects and of their fences are close-on-exec",
        SYNCOBJ,
        close_on_exec,
    ),
    Case::new(
        SUITE,
        "fd-wrong-kind",
        "an fd that is no sync object, or no sync file, is refused",
        SYNCOBJ,
        wrong_kind,
    ),
    Case::new(
        SUITE,
        "fd-between-processes",
        "a fence that one process puts in ends another's wait",
        SYNCOBJ,
        between_processes,
    ),
    Case::new(
        SUITE,
        "export-snapshot",
        "a sync file holds the fence of the moment of its export, whatever the object does later",
        SYNCOBJ,
        snapshot,
    )
    .rules(&["SYNC-SNAPSHOT"]),
    Case::new(
        SUITE,
        "export-unsubmitted",
        "an object without a fence has no sync file",
        SYNCOBJ,
        unsubmitted,
    )
    .rules(&["SYNC-NULL"]),
    Case::new(
        SUITE,
        "export-timeline",
        "the sync file of a timeline signals with its last point",
        SYNCOBJ,
        export_timeline,
    )
    .rules(&["SYNC-SNAPSHOT"]),
    Case::new(
        SUITE,
        "import-replaces",
        "an imported fence takes the place of the former one",
        SYNCOBJ,
        replaces,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "import-ends-timeline",
        "an import into a timeline makes it binary",
        SYNCOBJ,
        ends_timeline,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(
        SUITE,
        "import-merged",
        "the fence of a merged sync file signals with the last of its parts",
        SYNCOBJ,
        merged,
    ),
    Case::new(
        SUITE,
        "import-export-same",
        "a fence comes out of an object as it went in",
        SYNCOBJ,
        same_fence,
    ),
    Case::new(
        SUITE,
        "import-unknown-handle",
        "an import into an unknown handle is refused and leaves the sync file usable",
        SYNCOBJ,
        unknown_handle,
    ),
    Case::new(
        SUITE,
        "point-export",
        "EXPORT_SYNC_FILE with a point gives that point's fence",
        SYNCOBJ,
        point_export,
    )
    .rules(&["SYNC-SNAPSHOT", "SYNC-POINT"]),
    Case::new(SUITE, "point-import", "IMPORT_SYNC_FILE with a point adds that point", SYNCOBJ, point_import)
        .rules(&["SYNC-POINT"]),
];

fn round_trip(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.empty()?;
    let again = Syncobj::adopt(&fix.file, object.share().must("share a syncobj")?).must("adopt a syncobj")?;
    check!(again.raw() != object.raw(), "both handles are {}", object.raw());
    again.signal().must("signal through the new handle")?;
    check!(object.is_signalled()?, "the old handle does not see the fence");
    object.reset().must("reset through the old handle")?;
    again.must_be_empty()
}

fn outlives_handle(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    let fd = object.share().must("share a syncobj")?;
    object.destroy().must("destroy a syncobj")?;
    fix.tick(1)?;
    let again = Syncobj::adopt(&fix.file, fd).must("adopt a syncobj")?;
    check!(again.is_signalled()?, "the object lost its fence with its last handle");
    Ok(())
}

fn timeline_fd(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(3).must("signal a point")?;
    fix.submit((&object, 4), 1)?;
    let other = Arc::new(DrmFile::any(ctx.device(0))?);
    let again = Syncobj::adopt(&other, object.share().must("share a syncobj")?).must("adopt a syncobj")?;
    check_eq!(again.signalled_point().must("query")?, 3, "the signalled point in another file");
    check_eq!(again.submitted_point().must("query")?, 4, "the submitted point in another file");
    Ok(())
}

fn close_on_exec(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let shared = object.share().must("share a syncobj")?;
    let exported = OwnedFd::from(object.export().must("export a sync file")?);
    for fd in [&shared, &exported] {
        let flags = fcntl(fd, FcntlArg::F_GETFD).must("read fd flags")?;
        check!(flags & FdFlag::FD_CLOEXEC.bits() != 0, "the fd is not close-on-exec");
    }
    Ok(())
}

fn wrong_kind(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let shared = object.share().must("share a syncobj")?;
    let fence = fix.fence(1)?;
    for (fd, what) in
        [(fence.as_fd(), "sync file"), (fix.clock.as_fd(), "sw_sync file"), (fix.file.as_fd(), "DRM file")]
    {
        Syncobj::adopt(&fix.file, fd).refused(&format!("adopt a {what} as a syncobj"), EINVAL)?;
    }
    for (fd, what) in
        [(shared.as_fd(), "syncobj"), (fix.clock.as_fd(), "sw_sync file"), (fix.file.as_fd(), "DRM file")]
    {
        object.import(fd).refused(&format!("import a {what} as a sync file"), EINVAL)?;
    }
    check!(object.is_signalled()?, "a refused import took the fence away");
    Ok(())
}

/// The other process opens the device itself: nothing but the fd connects the two.
fn between_processes(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0).clone();
    let fix = Fixture::binary(ctx)?;
    let object = fix.empty()?;
    let child = Child::spawn(move |line| {
        let file = Arc::new(DrmFile::any(&device)?);
        let object = Syncobj::adopt(&file, line.receive_fd()?).must("adopt a syncobj")?;
        object.wait(&patient(WAIT_FOR_SUBMIT)?).must("wait for the other process's fence")?;
        object.reset().must("reset a syncobj")
    })?;
    child.line.send("syncobj", Some(object.share().must("share a syncobj")?.as_fd()))?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    fix.tick(1)?;
    child.join()?;
    object.must_be_empty()
}

fn snapshot(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    let first = object.export().must("export a sync file")?;
    object.import(fix.fence(2)?).must("import a sync file")?;
    let second = object.export().must("export a sync file")?;
    object.reset().must("reset a syncobj")?;
    fix.tick(1)?;
    check_eq!(first.status().must("read the status")?, 1, "the first fence's status");
    check_eq!(second.status().must("read the status")?, 0, "the second fence's status");
    fix.tick(1)?;
    check_eq!(second.status().must("read the status")?, 1, "the second fence's status at its end");
    Ok(())
}

fn unsubmitted(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    fix.empty()?.export().refused("export no fence", EINVAL)
}

fn export_timeline(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    fix.submit((&object, 1), 1)?;
    fix.submit((&object, 2), 2)?;
    let file = object.export().must("export a sync file")?;
    object.signal_point(3).must("signal a point")?;
    for expected in [0, 0, 1] {
        check_eq!(file.status().must("read the status")?, expected, "the sync file's status");
        fix.tick(1)?;
    }
    Ok(())
}

fn replaces(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    check!(!object.is_signalled()?, "the former, signalled fence is still there");
    fix.tick(1)?;
    check!(object.is_signalled()?, "the imported fence did not signal");
    Ok(())
}

fn ends_timeline(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(5).must("signal a point")?;
    object.import(fix.fence(1)?).must("import a sync file")?;
    check_eq!(object.submitted_point().must("query")?, 0, "the point of a binary object");
    object.wait_point(5, &poll(0)).refused("wait for a point that was replaced", EINVAL)
}

fn merged(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let other = crate::uapi::sw_sync::Timeline::new()?;
    let both = fix.fence(1)?.merge(&other.fence(1).must("create a fence")?, "both").must("merge")?;
    let object = fix.empty()?;
    object.import(&both).must("import a merged sync file")?;
    fix.tick(1)?;
    check!(!object.is_signalled()?, "one of two fences signalled the whole");
    other.inc(1).must("move the other timeline on")?;
    check!(object.is_signalled()?, "both fences did not signal the whole");
    Ok(())
}

fn same_fence(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let fence = fix.fence(7)?;
    let object = fix.empty()?;
    object.import(&fence).must("import a sync file")?;
    let out = object.export().must("export a sync file")?;
    check_eq!(
        out.info().must("read the info")?,
        fence.info().must("read the info")?,
        "the fence that came out"
    );
    Ok(())
}

fn unknown_handle(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let fence = fix.fence(1)?;
    for handle in [0, 4711] {
        let mut args =
            FdToHandle { handle, flags: SYNC_FILE, fd: fence.as_raw_fd(), ..FdToHandle::default() };
        // SAFETY: the struct holds no addresses.
        unsafe { uapi::call(&fix.file, &mut args) }.refused("import into an unknown handle", ENOENT)?;
    }
    check_eq!(fence.status().must("read the status")?, 0, "the status after a refused import");
    Ok(())
}

fn no_points(file: &DrmFile, errno: nix::errno::Errno) -> Stop {
    match errno {
        EINVAL => Stop::skip(format!("{}: this kernel has no points on sync files (EINVAL)", file.name())),
        errno => Stop::fail(format!("failed to pass a point through a sync file: {errno}")),
    }
}

fn point_export(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    fix.submit((&object, 1), 1)?;
    fix.submit((&object, 2), 2)?;
    let mut args =
        HandleToFd { handle: object.raw(), flags: SYNC_FILE | TIMELINE, point: 1, ..HandleToFd::default() };
    // SAFETY: the struct holds no addresses.
    unsafe { uapi::call(&fix.file, &mut args) }.map_err(|e| no_points(&fix.file, e))?;
    // SAFETY: on success the kernel made this descriptor for us alone.
    let first = SyncFile::new(unsafe { OwnedFd::from_raw_fd(args.fd) });
    fix.tick(1)?;
    check_eq!(first.status().must("read the status")?, 1, "the status of point 1, point 2 being pending");
    Ok(())
}

fn point_import(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let object = fix.empty()?;
    object.signal_point(1).must("signal a point")?;
    let fence = fix.fence(1)?;
    let mut args = FdToHandle {
        handle: object.raw(),
        flags: SYNC_FILE | TIMELINE,
        fd: fence.as_raw_fd(),
        point: 2,
        ..FdToHandle::default()
    };
    // SAFETY: the struct holds no addresses.
    unsafe { uapi::call(&fix.file, &mut args) }.map_err(|e| no_points(&fix.file, e))?;
    check_eq!(object.submitted_point().must("query")?, 2, "the submitted point");
    check_eq!(object.signalled_point().must("query")?, 1, "the signalled point");
    fix.tick(1)?;
    check_eq!(object.signalled_point().must("query")?, 2, "the signalled point after the signal");
    Ok(())
}
