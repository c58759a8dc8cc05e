//! The order of a queue's jobs, and that queues do not hold each other up.

use super::{ONE, SUITE, data::holds, ended, held};
use crate::case::{Case, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "order", "the jobs of a queue end in their order", ONE, order)
        .rules(&["FENCE-ORDER", "FENCE-ONCE"]),
    Case::new(SUITE, "order-queues", "a queue does not wait for another one's jobs", ONE, queues)
        .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "order-overwrite", "of two jobs of a queue the later one's words stay", ONE, overwrite)
        .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "status", "a fence is pending, then signalled, and stays so", ONE, status)
        .rules(&["FENCE-ONCE"]),
];

fn order(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let first = queue.job().after(&gate)?.submit()?;
    let later: Vec<_> = (0..4).map(|_| queue.job().submit()).collect::<Result<_, _>>()?;
    held(&first, "a job behind a pending fence")?;
    for (n, fence) in later.iter().enumerate() {
        check_eq!(fence.status(), Ok(0), "the status of job {} of a queue whose first job waits", n + 2);
    }
    gate.signal()?;
    // Whoever sees a later one signalled must see all earlier ones so.
    for fence in later.iter().rev() {
        ended(fence, "a later job")?;
        check_eq!(first.status(), Ok(1), "the status of the first job when a later one has ended");
    }
    Ok(())
}

fn queues(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let (waiting, free) = (gpu.queue()?, gpu.queue()?);
    let gate = Pending::new()?;
    let stuck = waiting.job().after(&gate)?.submit()?;
    ended(&free.job().submit()?, "a job of the other queue")?;
    held(&stuck, "a job behind a pending fence")?;
    gate.signal()?;
    ended(&stuck, "the job whose fence signalled")
}

fn overwrite(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let gate = Pending::new()?;
    queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    let last = queue.job().fill(&buffer, 2).submit()?;
    held(&last, "a job behind one that waits")?;
    holds(&buffer.map()?, 0, "the buffer of jobs that wait")?;
    gate.signal()?;
    ended(&last, "the later job")?;
    holds(&buffer.map()?, 2, "the buffer that two jobs filled")
}

fn status(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.submit()?;
    let mut seen = vec![fence.status().must("ask a fence for its status")?];
    gate.signal()?;
    ended(&fence, "the job")?;
    let info = fence.info().must("ask a sync file for its fences")?;
    for _ in 0..100 {
        seen.push(fence.status().must("ask a fence for its status")?);
    }
    seen.dedup();
    check_eq!(seen, [0, 1], "the statuses that the fence went through");
    check_eq!(fence.info().must("ask again")?.fences, info.fences, "the fences and times of a signalled job");
    Ok(())
}
