//! FILE_INFO and SET_DEADLINE: what a sync file says of its fences, and what may be said to them.

use nix::errno::Errno::{EINVAL, ENOENT};
use nix::time::{ClockId, clock_gettime};

use super::{SUITE, fence, members, merged, status, tick};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::{FenceInfo, FileInfo, RawFenceInfo, SetDeadline, SyncFile};
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "info", "FILE_INFO names driver, timeline and status of the fence", &[], info),
    Case::new(
        SUITE,
        "info-name",
        "an unmerged sync file is named driver-timeline<context>-<seqno>",
        &[],
        name,
    ),
    Case::new(SUITE, "info-count", "FILE_INFO without room tells how many fences there are", &[], count),
    Case::new(SUITE, "info-room", "FILE_INFO takes more room than it needs and refuses less", &[], room),
    Case::new(
        SUITE,
        "info-timestamp",
        "the timestamp is 0 while pending, then the time of the signal",
        &[],
        timestamp,
    ),
    Case::new(
        SUITE,
        "deadline",
        "a deadline is a hint: it reaches the fence and signals nothing",
        &[],
        deadline,
    )
    .rules(&["FENCE-DEADLINE"]),
    Case::new(SUITE, "deadline-earliest", "of several deadlines the earliest stays", &[], earliest)
        .rules(&["FENCE-DEADLINE"]),
    Case::new(
        SUITE,
        "deadline-merged",
        "a deadline on a merged sync file reaches each of its fences",
        &[],
        deadline_merged,
    )
    .rules(&["FENCE-DEADLINE"]),
    Case::new(
        SUITE,
        "deadline-signalled",
        "a deadline on a signalled fence changes nothing",
        &[],
        deadline_signalled,
    )
    .rules(&["FENCE-DEADLINE", "FENCE-ONCE"]),
];

/// The one fence of a sync file that was never merged.
pub(super) fn only_fence(file: &SyncFile) -> Result<FenceInfo, Stop> {
    let mut fences = file.info().must("read a sync file's info")?.fences;
    check_eq!(fences.len(), 1, "the number of fences");
    Ok(fences.remove(0))
}

fn now_ns() -> Result<u64, Stop> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).must("read the monotonic clock")?;
    Ok((now.tv_sec() * 1_000_000_000 + now.tv_nsec()) as u64)
}

fn info(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let comm = std::fs::read_to_string("/proc/thread-self/comm").must("read this thread's name")?;
    let found = only_fence(&file)?;
    check_eq!(found.driver, "sw_sync", "the driver");
    check_eq!(found.timeline, comm.trim_end(), "the timeline, which sw_sync names after its opener");
    check_eq!(found.status, 0, "the status");
    tick(&timeline, 1)?;
    check_eq!(only_fence(&file)?.status, 1, "the status after the signal");
    Ok(())
}

fn name(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 42)?;
    let found = file.info().must("read a sync file's info")?;
    let prefix = format!("sw_sync-{}", found.fences[0].timeline);
    let rest = found.name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("-42"));
    let context = rest.is_some_and(|c| !c.is_empty() && c.bytes().all(|b| b.is_ascii_digit()));
    check!(context, "the name {:?} is not {prefix}<context>-42", found.name);
    Ok(())
}

fn count(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let (a, b) = (fence(&timelines[0], 1)?, fence(&timelines[1], 1)?);
    check_eq!(members(&a)?, 1, "the number of fences of one");
    check_eq!(members(&merged(&a, &b)?)?, 2, "the number of fences of two");
    Ok(())
}

fn room(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let both = merged(&fence(&timelines[0], 1)?, &fence(&timelines[1], 1)?)?;
    let mut info = FileInfo::default();
    let mut fences = [RawFenceInfo { status: 4711, ..RawFenceInfo::default() }; 5];
    both.info_into(&mut info, &mut fences).must("read the info into too much room")?;
    check_eq!(info.num_fences, 2, "the number of fences");
    check!(fences[..2].iter().all(|f| f.status == 0), "the fences that are there were not written");
    check!(fences[2..].iter().all(|f| f.status == 4711), "the room behind the last fence was written");
    both.info_into(&mut FileInfo::default(), &mut fences[..1])
        .refused("read two fences into room for one", EINVAL)
}

fn timestamp(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    check_eq!(only_fence(&file)?.timestamp_ns, 0, "the timestamp of a pending fence");
    let before = now_ns()?;
    tick(&timeline, 1)?;
    let after = now_ns()?;
    let found = only_fence(&file)?.timestamp_ns;
    check!((before..=after).contains(&found), "the timestamp {found} is not between {before} and {after}");
    Ok(())
}

fn set(file: &SyncFile, deadline_ns: u64) -> Tested {
    file.set_deadline(&SetDeadline { deadline_ns, pad: 0 }).must("set a deadline")
}

/// 1 ns after boot: long gone, and still only a hint.
const LONG_AGO: u64 = 1;

fn deadline(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    timeline.deadline(&file).refused("ask for a deadline that nobody set", ENOENT)?;
    set(&file, LONG_AGO)?;
    check_eq!(timeline.deadline(&file), Ok(LONG_AGO), "the deadline");
    check_eq!(status(&file)?, 0, "the status after the deadline");
    tick(&timeline, 1)?;
    check_eq!(status(&file)?, 1, "the status after the signal");
    Ok(())
}

fn earliest(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    for (deadline_ns, expected) in [(500, 500), (900, 500), (300, 300), (u64::from(u32::MAX), 300)] {
        set(&file, deadline_ns)?;
        check_eq!(timeline.deadline(&file), Ok(expected), "the deadline after {deadline_ns}");
    }
    Ok(())
}

fn deadline_merged(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let (a, b) = (fence(&timelines[0], 1)?, fence(&timelines[1], 1)?);
    set(&merged(&a, &b)?, 700)?;
    for (timeline, file) in timelines.iter().zip([&a, &b]) {
        check_eq!(timeline.deadline(file), Ok(700), "the deadline on a part");
    }
    Ok(())
}

fn deadline_signalled(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    tick(&timeline, 1)?;
    let before = only_fence(&file)?;
    set(&file, LONG_AGO)?;
    check_eq!(only_fence(&file)?, before, "the fence after the deadline");
    Ok(())
}
