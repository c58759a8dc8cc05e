//! Owners that go away, and fences that go to other processes.

use std::os::fd::{AsFd, OwnedFd};

use super::{SUITE, fence, merged, status, tick};
use crate::case::{Case, Tested};
use crate::child::Child;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "timeline-closed",
        "the close of a timeline signals its fences with ENOENT",
        &[],
        closed,
    )
    .rules(&["FENCE-OWNER"]),
    Case::new(
        SUITE,
        "timeline-duplicate",
        "a timeline lives until its last descriptor is closed",
        &[],
        duplicate,
    ),
    Case::new(SUITE, "owner-killed", "the fences of a killed process signal with an error", &[], killed)
        .rules(&["FENCE-OWNER"]),
    Case::new(SUITE, "owner-exits", "the fences of a process that ends signal with an error", &[], exits)
        .rules(&["FENCE-OWNER"]),
    Case::new(
        SUITE,
        "owner-killed-timeline-shared",
        "a fence stays pending when its maker dies and another process holds the timeline",
        &[],
        killed_shared,
    ),
    Case::new(
        SUITE,
        "owner-killed-merged",
        "a merged sync file takes the error of a dead owner's fence",
        &[],
        killed_merged,
    )
    .rules(&["FENCE-OWNER"]),
    Case::new(SUITE, "pass-fence", "a sync file works in the process that received it", &[], pass_fence),
    Case::new(
        SUITE,
        "pass-timeline",
        "a timeline may be moved on by the process that received it",
        &[],
        pass_timeline,
    ),
    Case::new(
        SUITE,
        "pass-in-flight",
        "a sync file that nobody has received signals all the same",
        &[],
        in_flight,
    ),
];

/// The error that sw_sync gives the fences of a closed timeline.
const GONE: i32 = -libc::ENOENT;

fn closed(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let (done, pending) = (fence(&timeline, 1)?, fence(&timeline, 2)?);
    tick(&timeline, 1)?;
    drop(timeline);
    check_eq!(status(&done)?, 1, "the status of the fence that had signalled");
    check_eq!(status(&pending)?, GONE, "the status of the fence that was pending");
    check!(pending.wait(0).must("poll")?, "a failed fence is not readable");
    Ok(())
}

fn duplicate(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let again = timeline.try_clone().must("duplicate a timeline")?;
    let file = fence(&timeline, 1)?;
    drop(timeline);
    check_eq!(status(&file)?, 0, "the status with one descriptor left");
    tick(&again, 1)?;
    check_eq!(status(&file)?, 1, "the status after the signal through it");
    Ok(())
}

/// A process that makes a timeline, hands out one of its fences and lives until it is told to end.
fn owner() -> Result<(Child, SyncFile), crate::Stop> {
    let child = Child::spawn(|line| {
        let timeline = Timeline::new()?;
        line.send("fence", Some(fence(&timeline, 1)?.as_fd()))?;
        line.receive().map(drop)
    })?;
    // Where the other process has no sw_sync, neither has this one, and this one's answer says so.
    drop(Timeline::new()?);
    let file = SyncFile::new(child.line.receive_fd()?);
    Ok((child, file))
}

fn killed(_: &mut Ctx) -> Tested {
    let (child, file) = owner()?;
    check_eq!(status(&file)?, 0, "the status while the owner lives");
    child.kill()?;
    check_eq!(status(&file)?, GONE, "the status after the owner was killed");
    Ok(())
}

fn exits(_: &mut Ctx) -> Tested {
    let (child, file) = owner()?;
    child.line.send("end", None)?;
    child.join()?;
    check_eq!(status(&file)?, GONE, "the status after the owner's end");
    Ok(())
}

fn killed_shared(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let child = Child::spawn(|line| {
        line.send("fence", Some(fence(&timeline, 1)?.as_fd()))?;
        line.receive().map(drop)
    })?;
    let file = SyncFile::new(child.line.receive_fd()?);
    child.kill()?;
    check_eq!(status(&file)?, 0, "the status after the fence's maker was killed");
    tick(&timeline, 1)?;
    check_eq!(status(&file)?, 1, "the status after the signal");
    Ok(())
}

fn killed_merged(_: &mut Ctx) -> Tested {
    let (child, theirs) = owner()?;
    let timeline = Timeline::new()?;
    let both = merged(&theirs, &fence(&timeline, 1)?)?;
    check!(!both.wait(0).must("poll")?, "two pending fences are readable");
    child.kill()?;
    check_eq!(status(&both)?, 0, "the status, the other owner's fence being pending");
    tick(&timeline, 1)?;
    check!(both.wait(10_000).must("poll")?, "the whole does not signal");
    check_eq!(status(&both)?, GONE, "the status after both");
    Ok(())
}

fn pass_fence(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let child = Child::spawn(|line| {
        let file = SyncFile::new(line.receive_fd()?);
        line.send("waiting", None)?;
        check!(file.wait(10_000).must("poll")?, "the signal did not reach the other process");
        check_eq!(status(&file)?, 1, "the status in the other process");
        Ok(())
    })?;
    child.line.send("fence", Some(fence(&timeline, 1)?.as_fd()))?;
    child.line.receive()?;
    tick(&timeline, 1)?;
    child.join()
}

fn pass_timeline(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let child = Child::spawn(|line| tick(&Timeline::from(line.receive_fd()?), 1))?;
    child.line.send("timeline", Some(timeline.as_fd()))?;
    child.join()?;
    check_eq!(status(&file)?, 1, "the status after the other process moved the timeline on");
    Ok(())
}

fn in_flight(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let kept = file.try_clone().must("duplicate a sync file")?;
    let start = Timeline::new()?;
    let started = fence(&start, 1)?;
    let child = Child::spawn(|line| {
        check!(started.wait(10_000).must("poll")?, "the other process was never told to begin");
        let file = SyncFile::new(line.receive_fd()?);
        check_eq!(status(&file)?, 1, "the status on arrival");
        Ok(())
    })?;
    let fd = OwnedFd::from(file);
    child.line.send("fence", Some(fd.as_fd()))?;
    drop(fd);
    tick(&timeline, 1)?;
    check_eq!(status(&kept)?, 1, "the status here");
    // The fence has signalled on its way, before the other process takes it out of the socket.
    tick(&start, 1)?;
    child.join()
}
