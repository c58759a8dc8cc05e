//! Signalling sections that exist only by an annotation that mainline does not carry.
//!
//! The series of May 2020 ("dma-fence lockdep annotations, round 2") put `dma_fence_begin_signalling()` into the atomic
//! helpers, the scheduler, the vblank code and two drivers. Mainline took the core and not these, so a report from
//! inside one of these sections is labelled with the patch and is no plain kernel bug.

use serde::Serialize;

use crate::frame::Frame;
use crate::report::Report;
use crate::rules::Role;

/// What is known about the kernel that printed the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// Nothing: a section in one of the functions below is labelled.
    #[default]
    Unknown,
    /// It carries none of these annotations: nothing is labelled.
    Stock,
    /// It carries them: what they show is labelled.
    Annotated,
}

/// The annotation behind a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// Number in the series.
    pub patch: &'static str,
    /// Title of the patch.
    pub title: &'static str,
    /// The function that begins the section.
    pub function: &'static str,
}

/// (patch, title, functions that begin the section)
const SERIES: &[(&str, &str, &[&str])] = &[
    (
        "05",
        "drm/vblank: annotate with dma-fence signalling section",
        &["drm_handle_vblank", "drm_crtc_handle_vblank"],
    ),
    (
        "06",
        "drm/atomic-helper: add dma-fence annotations",
        &[
            "commit_tail",
            "commit_work",
            "drm_atomic_helper_commit",
            "drm_atomic_helper_commit_tail",
            "drm_atomic_helper_commit_tail_rpm",
            "drm_atomic_helper_async_commit",
        ],
    ),
    (
        "07",
        "drm/amdgpu: add dma-fence annotations to atomic commit path",
        &["amdgpu_dm_atomic_commit_tail", "amdgpu_dm_atomic_commit"],
    ),
    (
        "08",
        "drm/scheduler: use dma-fence annotations in main thread",
        &["drm_sched_main", "drm_sched_run_job_work"],
    ),
    ("09", "drm/amdgpu: use dma-fence annotations in cs_submit()", &["amdgpu_cs_submit", "amdgpu_cs_ioctl"]),
    ("13", "drm/scheduler: use dma-fence annotations in tdr work", &["drm_sched_job_timedout"]),
    ("14", "drm/amdgpu: use dma-fence annotations for gpu reset code", &["amdgpu_device_gpu_recover"]),
    ("17", "drm/i915: annotate dma_fence_work", &["fence_work", "dma_fence_work_work"]),
];

/// Finds the annotation behind a report that has `dma_fence_map` held or in its chain.
pub(crate) fn find(report: &Report, kernel: Kernel) -> Option<Annotation> {
    if kernel == Kernel::Stock {
        return None;
    }
    begins(report).find_map(|frame| of_function(&frame.function))
}

/// The annotation whose section begins in this function.
pub(crate) fn of_function(name: &str) -> Option<Annotation> {
    SERIES.iter().find_map(|(patch, title, functions)| {
        let function = functions.iter().find(|function| **function == name)?;
        Some(Annotation { patch, title, function })
    })
}

/// The frames that began a signalling section, the most certain first: where the reporting task took
/// `dma_fence_map`, then where the chain's traces did.
fn begins(report: &Report) -> impl Iterator<Item = &Frame> {
    let details = &report.details;
    let held = details.holding.iter().chain(details.held.iter().flat_map(|held| &held.locks));
    let at =
        held.filter(|lock| Role::of(&lock.class) == Role::Signalling).filter_map(|lock| lock.at.as_ref());
    let links = details.links.iter().filter(|link| Role::of(&link.lock.class) == Role::Signalling);
    let traces = links.filter_map(|link| after_begin(&link.frames));
    at.chain(traces)
}

/// The caller of `dma_fence_begin_signalling()`.
fn after_begin(frames: &[Frame]) -> Option<&Frame> {
    let begin = frames.iter().position(|frame| frame.function == "dma_fence_begin_signalling")?;
    frames[begin + 1..].iter().find(|frame| !frame.unreliable)
}
