//! Sync objects and timeline points in front of jobs and behind them.

use super::{ONE, SUITE, data::holds, ended, held, with_timelines};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "syncobj-in", "a job waits for a sync object's fence", ONE, wait),
    Case::new(
        SUITE,
        "syncobj-in-none",
        "a job behind a sync object without a fence is refused",
        ONE,
        wait_for_none,
    )
    .rules(&["SYNC-NULL"]),
    Case::new(
        SUITE,
        "syncobj-out",
        "a job puts its fence into a sync object, in place of what was there",
        ONE,
        signal,
    )
    .rules(&["SYNC-REPLACE"]),
    Case::new(SUITE, "point-in", "a job waits for a timeline point", ONE, wait_point).rules(&["SYNC-POINT"]),
    Case::new(SUITE, "point-out", "a job's fence becomes a timeline point", ONE, signal_point)
        .rules(&["SYNC-POINT"]),
    Case::new(
        SUITE,
        "points",
        "a timeline's points signal in their order, whichever queue's jobs they are",
        ONE,
        points,
    )
    .rules(&["SYNC-POINT", "FENCE-ORDER"]),
    Case::new(
        SUITE,
        "point-in-unsubmitted",
        "a job behind a point that nobody submitted is refused",
        ONE,
        unsubmitted,
    )
    .rules(&["SYNC-SUBMITTED"]),
];

/// A sync object that holds a pending fence.
fn holding(gpu: &Gpu, gate: &Pending) -> Result<Syncobj, Stop> {
    let object = Syncobj::new(gpu.file(), false)?;
    object.import(gate).must("import a sync file")?;
    Ok(object)
}

fn wait(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let object = holding(&gpu, &gate)?;
    let fence = queue.job().wait(&object, 0).submit()?;
    held(&fence, "a job behind a sync object")?;
    // The job took the fence of that moment.
    object.signal().must("signal a sync object")?;
    held(&fence, "a job whose sync object was given another fence")?;
    gate.signal()?;
    ended(&fence, "a job whose sync object's fence signalled")
}

fn wait_for_none(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let object = Syncobj::new(gpu.file(), false)?;
    let answer = queue.job().wait(&object, 0).try_submit()?;
    answer.refused("submit a job behind an empty sync object", nix::errno::Errno::EINVAL)?;
    ended(&queue.job().submit()?, "a job after a refused one")
}

fn signal(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let (gate, earlier) = (Pending::new()?, Pending::new()?);
    let object = holding(&gpu, &earlier)?;
    let fence = queue.job().after(&gate)?.signal(&object, 0).submit()?;
    earlier.signal()?;
    check!(!object.is_signalled()?, "the job's fence did not take the place of the earlier one");
    gate.signal()?;
    ended(&object.export().must("export a sync object's fence")?, "the job by way of its sync object")?;
    check_eq!(fence.status(), Ok(1), "the status of the job's own fence");
    Ok(())
}

fn wait_point(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let timeline = Syncobj::new(with_timelines(&gpu)?, false)?;
    let gate = Pending::new()?;
    Syncobj::transfer((&holding(&gpu, &gate)?, 0), (&timeline, 3), 0).must("submit a point")?;
    let queue = gpu.queue()?;
    let fence = queue.job().wait(&timeline, 3).submit()?;
    held(&fence, "a job behind a point")?;
    gate.signal()?;
    ended(&fence, "a job whose point signalled")
}

fn signal_point(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let timeline = Syncobj::new(with_timelines(&gpu)?, false)?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.signal(&timeline, 7).submit()?;
    check_eq!(timeline.submitted_point().must("query a timeline")?, 7, "the last submitted point");
    check_eq!(timeline.signalled_point().must("query a timeline")?, 0, "the last signalled point");
    gate.signal()?;
    ended(&fence, "the job")?;
    check_eq!(timeline.signalled_point().must("query a timeline")?, 7, "the last signalled point");
    Ok(())
}

fn points(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let timeline = Syncobj::new(with_timelines(&gpu)?, false)?;
    let queues = [gpu.queue()?, gpu.queue()?];
    let buffer = gpu.buffer(PAGE)?;
    let gate = Pending::new()?;
    queues[0].job().after(&gate)?.fill(&buffer, 1).signal(&timeline, 1).submit()?;
    let mut last = None;
    for point in 2..=6u64 {
        let job = queues[point as usize % 2].job().wait(&timeline, point - 1);
        last = Some(job.fill(&buffer, point).signal(&timeline, point).submit()?);
    }
    check_eq!(timeline.signalled_point().must("query a timeline")?, 0, "the last signalled point");
    gate.signal()?;
    if let Some(last) = last {
        ended(&last, "the last job of a timeline")?;
    }
    check_eq!(timeline.signalled_point().must("query a timeline")?, 6, "the last signalled point");
    holds(&buffer.map()?, 6, "the buffer that a timeline's jobs filled")
}

fn unsubmitted(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let timeline = Syncobj::new(with_timelines(&gpu)?, false)?;
    let queue = gpu.queue()?;
    let answer = queue.job().wait(&timeline, 9).try_submit()?;
    answer.refused("submit a job behind a point that nobody submitted", nix::errno::Errno::EINVAL)?;
    timeline.signal_point(9).must("signal a point")?;
    ended(&queue.job().wait(&timeline, 9).submit()?, "a job behind a signalled point")
}
