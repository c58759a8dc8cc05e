//! Owners that go away with jobs pending.

use std::os::fd::{AsFd, OwnedFd};

use super::{ONE, SUITE, ended, over};
use crate::case::{Case, Role, Stop, Tested};
use crate::check;
use crate::child::Child;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::sync_file::SyncFile;

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "owner-killed",
        "the waiting jobs of a killed process end with an error, and others go on",
        &[Role::AmdgpuDevice],
        killed,
    )
    .rules(&["FENCE-OWNER", "FENCE-TIME"]),
    Case::new(
        SUITE,
        "owner-killed-persistent",
        "the waiting jobs of a killed process end where its context outlives it, and others go on",
        &[Role::I915Device],
        |ctx| orphaned(ctx).map(drop),
    )
    .rules(&["FENCE-TIME"]),
    Case::new(
        SUITE,
        "owner-killed-running",
        "a job that runs when its process is killed ends",
        ONE,
        killed_running,
    )
    .rules(&["FENCE-TIME"]),
    Case::new(SUITE, "owner-passes", "a job's fence works in another process", ONE, passes),
];

/// Submits a job in another process and has it killed when the fence is here: the fence.
fn orphan(ctx: &Ctx, gate: Option<&Pending>) -> Result<SyncFile, Stop> {
    let device = ctx.device(0).clone();
    let gate: Option<OwnedFd> =
        gate.map(|gate| gate.as_fd().try_clone_to_owned()).transpose().must("duplicate a fence")?;
    let child = Child::spawn(move |line| {
        let gpu = Gpu::open(&device)?;
        let queue = gpu.queue()?;
        let buffer = gpu.buffer(PAGE)?;
        let job = queue.job().fill(&buffer, 1);
        let job = match &gate {
            Some(gate) => job.after(gate)?,
            None => job.delay(std::time::Duration::from_millis(300)),
        };
        let fence = job.submit()?;
        line.send("fence", Some(fence.as_fd()))?;
        line.receive().map(drop)
    })?;
    let received = child.line.receive_fd();
    match received {
        Ok(fence) => child.kill().map(|()| SyncFile::new(fence)),
        // What the child says of itself tells more than that nothing came.
        Err(silent) => child.join().and(Err(silent)),
    }
}

/// drm_sched_entity_flush() drops what a killed process has queued, with ESRCH.
fn killed(ctx: &mut Ctx) -> Tested {
    let status = orphaned(ctx)?;
    check!(status < 0, "a killed process's waiting job has the status {status}, and no error");
    Ok(())
}

/// Kills a process whose job waits for a fence, and signals that: the job's status. i915's contexts are persistent unless
/// their owner says otherwise (`proto_context_set_persistence()` in gem/i915_gem_context.c): there the job may run.
fn orphaned(ctx: &mut Ctx) -> Result<i32, Stop> {
    Gpu::open(ctx.device(0))?;
    let gate = Pending::new()?;
    let fence = orphan(ctx, Some(&gate))?;
    gate.signal()?;
    let status = over(&fence, "a dead process's job whose in-fence signalled")?;
    ctx.note(format!("the job of a killed process has the status {status}"));
    ended(&Gpu::open(ctx.device(0))?.queue()?.job().submit()?, "another process's job")?;
    Ok(status)
}

fn killed_running(ctx: &mut Ctx) -> Tested {
    Gpu::open(ctx.device(0))?.need_twin("jobs that take their time")?;
    let fence = orphan(ctx, None)?;
    let status = over(&fence, "a dead process's job that was running")?;
    ctx.note(format!("the job of a killed process has the status {status}"));
    ended(&Gpu::open(ctx.device(0))?.queue()?.job().submit()?, "another process's job")
}

fn passes(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let child = Child::spawn(|line| {
        let fence = SyncFile::new(line.receive_fd()?);
        ended(&fence, "the parent's job")
    })?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.submit()?;
    child.line.send("fence", Some(fence.as_fd()))?;
    gate.signal()?;
    child.join()
}
