//! Handles: made, destroyed, each in its own file.

use std::collections::HashSet;

use drm::control::Device as _;
use nix::errno::Errno::{EINVAL, ENOENT};

use super::fixture::{Fixture, poll};
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::syncobj as uapi;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "create",
        "a new sync object holds no fence, and each gets a handle of its own",
        SYNCOBJ,
        create,
    )
    .rules(&["SYNC-NULL"]),
    Case::new(
        SUITE,
        "create-signalled",
        "a sync object made with CREATE_SIGNALED is signalled",
        SYNCOBJ,
        create_signalled,
    ),
    Case::new(
        SUITE,
        "create-many",
        "a thousand sync objects fit into one file and one wait",
        SYNCOBJ,
        create_many,
    ),
    Case::new(SUITE, "destroy", "a destroyed handle is unknown, also to a second destroy", SYNCOBJ, destroy),
    Case::new(
        SUITE,
        "handles-per-file",
        "a handle of one open file means nothing in another",
        SYNCOBJ,
        per_file,
    ),
    Case::new(
        SUITE,
        "close-file",
        "closing a file with live handles frees them, and a shared object lives on elsewhere",
        SYNCOBJ,
        close_file,
    ),
    Case::new(
        SUITE,
        "destroy-holding-fence",
        "destroying an object leaves the fence that it held to others",
        SYNCOBJ,
        destroy_holding_fence,
    ),
];

fn create(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let objects = [fix.empty()?, fix.empty()?, fix.empty()?];
    let distinct: HashSet<u32> = objects.iter().map(Syncobj::raw).collect();
    check_eq!(distinct.len(), 3, "distinct handles");
    check!(!distinct.contains(&0), "0 is no handle");
    objects.iter().try_for_each(Syncobj::must_be_empty)
}

fn create_signalled(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    check!(fix.signalled()?.is_signalled()?, "a new CREATE_SIGNALED object is not signalled");
    Ok(())
}

fn create_many(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let objects = (0..1000).map(|_| fix.signalled()).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&Syncobj> = objects.iter().collect();
    fix.wait(&all, &poll(uapi::WAIT_ALL)).must("wait for a thousand signalled objects").map(drop)
}

fn destroy(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.signalled()?;
    let handle = object.raw();
    object.destroy().must("destroy a syncobj")?;
    uapi::wait(&fix.file, &[handle], &poll(0)).refused("wait on a destroyed handle", ENOENT)?;
    let mut again = uapi::Destroy { handle, pad: 0 };
    // SAFETY: the struct holds no addresses.
    unsafe { uapi::call(&fix.file, &mut again) }.refused("destroy a handle again", EINVAL)
}

fn per_file(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let other = DrmFile::any(ctx.device(0))?;
    let object = fix.signalled()?;
    uapi::wait(&other, &[object.raw()], &poll(0)).refused("wait on another file's handle", ENOENT)
}

fn close_file(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let other = DrmFile::any(ctx.device(0))?;
    let handle = other.create_syncobj(false).must("create a syncobj")?;
    let fd = other.syncobj_to_fd(handle, false).must("share a syncobj")?;
    let shared = Syncobj::adopt(&fix.file, fd).must("adopt a syncobj")?;
    shared.import(fix.fence(1)?).must("import a sync file")?;
    drop(other);
    check!(!shared.is_signalled()?, "the fence of a shared object signalled when its first file was closed");
    fix.tick(1)?;
    check!(shared.is_signalled()?, "the shared object lost its fence with its first file");
    Ok(())
}

fn destroy_holding_fence(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = fix.holding(1)?;
    let snapshot = object.export().must("export a sync file")?;
    object.destroy().must("destroy a syncobj")?;
    check_eq!(snapshot.status().must("read the status")?, 0, "the status after the object is gone");
    fix.tick(1)?;
    check_eq!(snapshot.status().must("read the status")?, 1, "the status after the signal");
    Ok(())
}
