//! Fences of one GPU in front of another one's jobs.

use super::{SUITE, TWO, data::holds, ended, held};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::pending::Pending;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "foreign-fence", "a job waits for another device's job", TWO, fence)
        .rules(&["FENCE-NO-TIMEOUT", "FENCE-TIME"]),
    Case::new(SUITE, "foreign-chain", "jobs of two devices behind each other run in that order", TWO, chain)
        .rules(&["FENCE-NO-TIMEOUT", "FENCE-TIME"]),
];

fn fence(ctx: &mut Ctx) -> Tested {
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let (other, queue) = (there.queue()?, here.queue()?);
    let buffer = here.buffer(PAGE)?;
    let gate = Pending::new()?;
    let first = other.job().after(&gate)?.submit()?;
    let second = queue.job().after(&first)?.fill(&buffer, 9).submit()?;
    held(&second, "a job behind another device's")?;
    gate.signal()?;
    ended(&second, "a job behind another device's that ended")?;
    ended(&first, "the other device's job")?;
    holds(&buffer.map()?, 9, "the buffer")
}

fn chain(ctx: &mut Ctx) -> Tested {
    let gpus = [Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?];
    let queues = [gpus[0].queue()?, gpus[1].queue()?];
    let gate = Pending::new()?;
    let mut last = queues[0].job().after(&gate)?.submit()?;
    for n in 1..10 {
        last = queues[n % 2].job().after(&last)?.submit()?;
    }
    held(&last, "the last job of a chain across devices")?;
    gate.signal()?;
    ended(&last, "the last job of a chain across devices")
}
