//! The suite `submit`: jobs of GPUs, what they wait for and what they signal.
//!
//! It runs on amdgpu, i915 and their twins. A job is held back by an in-fence that the case owns, not by a long job, so
//! that real hardware shows the same; what only a twin can do skips there.

mod data;
mod errors_amdgpu;
mod errors_i915;
mod fences;
mod foreign;
mod implicit;
mod order;
mod owner;
mod syncobjs;
mod tour;
mod waits;

use std::sync::Arc;

use crate::case::{Case, Role, Stop, Tested, count, join};
use crate::gpu::Gpu;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

/// Its name.
pub const SUITE: &str = "submit";

const ONE: &[Role] = &[Role::Submitter];
const TWO: &[Role] = &[Role::Submitter, Role::Submitter];

const PARTS: &[&[Case]] = &[
    tour::CASES,
    data::CASES,
    order::CASES,
    fences::CASES,
    syncobjs::CASES,
    waits::CASES,
    implicit::CASES,
    owner::CASES,
    foreign::CASES,
    errors_amdgpu::CASES,
    errors_i915::CASES,
];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

pub(crate) use data::holds;

/// How long a job that nothing holds back may take on a loaded, emulated machine, in milliseconds.
pub(crate) const PATIENCE_MS: u16 = 8000;

/// How long to look whether something happens that must not, in milliseconds.
pub(crate) const GLANCE_MS: u16 = 30;

/// Waits for a job's fence, which must signal without an error.
pub(crate) fn ended(fence: &SyncFile, what: &str) -> Tested {
    over(fence, what)?;
    check_eq!(fence.status(), Ok(1), "the status of {what}");
    Ok(())
}

/// Waits for a job's fence, whatever its status: it.
pub(crate) fn over(fence: &SyncFile, what: &str) -> Result<i32, Stop> {
    check!(fence.wait(PATIENCE_MS).must("poll a job's fence")?, "{what} did not end in {PATIENCE_MS} ms");
    fence.status().must("ask a fence for its status")
}

/// Checks that a job's fence stays pending.
pub(crate) fn held(fence: &SyncFile, what: &str) -> Tested {
    check!(!fence.wait(GLANCE_MS).must("poll a job's fence")?, "{what} did not wait");
    check_eq!(fence.status(), Ok(0), "the status of {what}");
    Ok(())
}

/// The file, where its device has sync objects with timelines.
pub(crate) fn with_timelines(gpu: &Gpu) -> Result<&Arc<DrmFile>, Stop> {
    gpu.file().need(drm::DriverCapability::TimelineSyncObj)?;
    Ok(gpu.file())
}
