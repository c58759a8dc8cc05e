//! What the cases that hang commits share.

use super::LASTS;
use super::expect::{On, Owner, Stuck};
use crate::atomic;
use crate::case::{Stop, Tested};
use crate::kms::{Commit, Stage};
use crate::must::Must;
use crate::pending::Pending;
use crate::tasks::kernel_threads_in;

/// Where the worker of a commit sleeps (`drivers/gpu/drm/drm_atomic_helper.c`).
pub(super) const WAITS_FOR_FENCES: &str = "drm_atomic_helper_wait_for_fences";
/// The class of a CRTC's modeset lock.
pub(super) const CRTC_LOCK: &str = "crtc_ww_class_mutex";

/// A fence that lasts as long as the hangs do.
pub(super) fn fence() -> Result<Pending, Stop> {
    Pending::lasting(LASTS)
}

/// Queues a commit that will hang.
pub(super) fn queue(commit: Commit) -> Tested {
    commit.event(1).nonblock().send().must("queue a commit").map(drop)
}

/// The one worker that is stuck in a commit, on that fence of ours.
pub(super) fn worker(fence: &Pending) -> Result<Stuck, Stop> {
    worker_on(On::fence(fence.fence(), Owner::this_process())?)
}

/// The one worker that is stuck in a commit.
pub(super) fn worker_on(on: On) -> Result<Stuck, Stop> {
    let found = kernel_threads_in(WAITS_FOR_FENCES, 1)?;
    Ok(Stuck::worker(&found[0], WAITS_FOR_FENCES, on))
}

/// Checks that the queued commit comes to its end, and that the device takes another.
pub(super) fn recovers(stage: &Stage) -> Tested {
    stage.events().flip(1)?;
    works(stage)
}

/// Checks that the device takes a commit.
pub(super) fn works(stage: &Stage) -> Tested {
    atomic::completes(stage, stage.on(stage.front.id()))
}
