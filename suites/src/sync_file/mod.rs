//! Suite `sync-file`: fences behind file descriptors, made with sw_sync, without any device.

mod crowd;
mod errors;
mod info;
mod merge;
mod owner;
mod poll;
mod timeline;

use crate::case::{Case, Stop, count, join};
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;

/// The suite's name.
pub const SUITE: &str = "sync-file";

const PARTS: &[&[Case]] =
    &[timeline::CASES, info::CASES, merge::CASES, poll::CASES, owner::CASES, crowd::CASES, errors::CASES];

/// The cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

/// A fence of `timeline`.
fn fence(timeline: &Timeline, seqno: u32) -> Result<SyncFile, Stop> {
    timeline.fence(seqno).must("create a sw_sync fence")
}

/// Moves `timeline` on.
fn tick(timeline: &Timeline, steps: u32) -> Result<(), Stop> {
    timeline.inc(steps).must("move the timeline on")
}

/// 0 pending, 1 signalled, negative errno failed.
fn status(file: &SyncFile) -> Result<i32, Stop> {
    file.status().must("read a sync file's status")
}

/// A merge that must succeed.
fn merged(a: &SyncFile, b: &SyncFile) -> Result<SyncFile, Stop> {
    a.merge(b, "merged").must("merge two sync files")
}

/// How many fences are in a sync file.
fn members(file: &SyncFile) -> Result<u32, Stop> {
    Ok(file.summary().must("read a sync file's info")?.num_fences)
}
