//! Bad arguments and their errnos (`sync_file.c`, `sw_sync.c`).

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno::{EFAULT, EINVAL, ENOENT, ENOTTY};

use super::{SUITE, fence, merged, status};
use crate::case::{Case, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::ioctl_bad_address;
use crate::uapi::sw_sync::{self, GetDeadline, Timeline};
use crate::uapi::sync_file::{self, FileInfo, MergeData, SetDeadline};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "bad-merge", "MERGE refuses flags, padding and what is no sync file", &[], merge),
    Case::new(SUITE, "bad-info", "FILE_INFO refuses flags, padding and an array out of reach", &[], info),
    Case::new(SUITE, "bad-deadline", "SET_DEADLINE refuses padding", &[], deadline),
    Case::new(
        SUITE,
        "bad-get-deadline",
        "sw_sync's GET_DEADLINE refuses what it does not know",
        &[],
        get_deadline,
    ),
    Case::new(SUITE, "bad-address", "an argument out of reach is EFAULT", &[], address),
    Case::new(SUITE, "bad-request", "an unknown request is ENOTTY", &[], request),
];

fn merge(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let good = MergeData { fd2: file.as_raw_fd(), ..MergeData::default() };
    file.merge_raw(&mut MergeData { flags: 1, ..good }).refused("a flag", EINVAL)?;
    file.merge_raw(&mut MergeData { pad: 1, ..good }).refused("padding", EINVAL)?;
    file.merge_raw(&mut MergeData { fd2: -1, ..good }).refused("fd -1", ENOENT)?;
    let no_sync_file = MergeData { fd2: timeline.as_fd().as_raw_fd(), ..good };
    file.merge_raw(&mut { no_sync_file }).refused("an fd that is no sync file", ENOENT)?;
    check_eq!(status(&file)?, 0, "the status after the refusals");
    Ok(())
}

fn info(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let with = |info: FileInfo| file.info_into(&mut { info }, &mut []);
    with(FileInfo { flags: 1, ..FileInfo::default() }).refused("a flag", EINVAL)?;
    with(FileInfo { pad: 1, ..FileInfo::default() }).refused("padding", EINVAL)?;
    file.info_into_bad_address(1).refused("an array out of reach", EFAULT)
}

fn deadline(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    file.set_deadline(&SetDeadline { deadline_ns: 1, pad: 1 }).refused("padding", EINVAL)?;
    timeline.deadline(&file).refused("ask for the deadline that was refused", ENOENT)
}

fn get_deadline(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let file = fence(&timelines[0], 1)?;
    let both = merged(&file, &fence(&timelines[1], 1)?)?;
    let good = GetDeadline { fence_fd: file.as_raw_fd(), ..GetDeadline::default() };
    let ask = |data: GetDeadline| timelines[0].deadline_raw(&mut { data });
    ask(GetDeadline { pad: 1, ..good }).refused("padding", EINVAL)?;
    ask(GetDeadline { deadline_ns: 1, ..good }).refused("a deadline where the answer goes", EINVAL)?;
    ask(GetDeadline { fence_fd: -1, ..good }).refused("fd -1", EINVAL)?;
    ask(GetDeadline { fence_fd: both.as_raw_fd(), ..good }).refused("a fence that is not sw_sync's", EINVAL)
}

fn address(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    for request in [sync_file::MERGE, sync_file::FILE_INFO, sync_file::SET_DEADLINE] {
        ioctl_bad_address(&file, request).refused(&format!("sync file request {request:#x}"), EFAULT)?;
    }
    for request in [sw_sync::CREATE_FENCE, sw_sync::INC, sw_sync::GET_DEADLINE] {
        ioctl_bad_address(&timeline, request).refused(&format!("sw_sync request {request:#x}"), EFAULT)?;
    }
    check_eq!(status(&file)?, 0, "the status after the refusals");
    Ok(())
}

fn request(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    ioctl_bad_address(&file, sw_sync::INC).refused("a sw_sync request on a sync file", ENOTTY)?;
    ioctl_bad_address(&timeline, sync_file::MERGE).refused("a sync file request on sw_sync", ENOTTY)
}
