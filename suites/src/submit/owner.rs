//! Owners that go away with jobs pending.

use std::os::fd::{AsFd, OwnedFd};

use super::{ONE, SUITE, ended, over};
use crate::case::{Case, Tested};
use crate::check;
use crate::child::Child;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::sync_file::SyncFile;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "owner-killed", "the jobs of a killed process end, and others go on", ONE, killed)
        .rules(&["FENCE-OWNER", "FENCE-TIME"]),
    Case::new(
        SUITE,
        "owner-killed-running",
        "a job that runs when its process is killed ends",
        ONE,
        killed_running,
    )
    .rules(&["FENCE-OWNER", "FENCE-TIME"]),
    Case::new(SUITE, "owner-passes", "a job's fence works in another process", ONE, passes),
];

/// Submits a job in another process and has it killed when the fence is here: the fence.
fn orphan(ctx: &Ctx, gate: Option<&Pending>) -> Result<SyncFile, crate::Stop> {
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

fn killed(ctx: &mut Ctx) -> Tested {
    Gpu::open(ctx.device(0))?;
    let gate = Pending::new()?;
    let fence = orphan(ctx, Some(&gate))?;
    gate.signal()?;
    let status = over(&fence, "a dead process's job whose in-fence signalled")?;
    ctx.note(format!("the job of a killed process has the status {status}"));
    check!(status != 0, "a fence that ended is pending");
    ended(&Gpu::open(ctx.device(0))?.queue()?.job().submit()?, "another process's job")
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
