//! Jobs of two GPUs on one buffer.

use super::{DRIVES, PAIR, SUITE};
use crate::buffer::Access;
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Buffer, Gpu, PAGE};
use crate::pending::Pending;
use crate::submit::{ended, held, holds};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "job-after-job",
        "a job waits for another device's job that writes the same buffer",
        PAIR,
        after,
    )
    .rules(&["RESV-USAGE", "BUF-SYNCFILE", "FENCE-NO-TIMEOUT"]),
    Case::new(SUITE, "back-and-forth", "two devices' jobs write a buffer in turn", PAIR, turns).rules(DRIVES),
    Case::new(
        SUITE,
        "import-busy",
        "importing a buffer with jobs pending waits for nobody",
        PAIR,
        import_busy,
    )
    .rules(DRIVES),
];

fn after(ctx: &mut Ctx) -> Tested {
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let theirs = there.buffer(PAGE)?;
    let dmabuf = theirs.export()?;
    let ours = Buffer::import(&here, &dmabuf)?;
    let (first_queue, second_queue) = (there.queue()?, here.queue()?);
    let gate = Pending::new()?;
    let first = first_queue.job().after(&gate)?.fill(&theirs, 1).submit()?;
    let second = second_queue.job().fill(&ours, 2).submit()?;
    held(&second, "a job behind another device's writer")?;
    held(&dmabuf.export_fences(Access::Read)?, "the fences in the buffer's reservation")?;
    gate.signal()?;
    ended(&first, "the first device's job")?;
    ended(&second, "the second device's job")?;
    holds(&theirs.map()?, 2, "the buffer that both wrote")
}

fn turns(ctx: &mut Ctx) -> Tested {
    let gpus = [Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?];
    let theirs = gpus[0].buffer(PAGE)?;
    let ours = Buffer::import(&gpus[1], &theirs.export()?)?;
    let buffers = [&theirs, &ours];
    let queues = [gpus[0].queue()?, gpus[1].queue()?];
    let mut last = None;
    for n in 0..12 {
        last = Some(queues[n % 2].job().fill(buffers[n % 2], n as u64 + 1).submit()?);
    }
    if let Some(last) = last {
        ended(&last, "the last of the jobs in turn")?;
    }
    holds(&theirs.map()?, 12, "the buffer that jobs wrote in turn")
}

fn import_busy(ctx: &mut Ctx) -> Tested {
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let theirs = there.buffer(PAGE)?;
    let queue = there.queue()?;
    let gate = Pending::new()?;
    let first = queue.job().after(&gate)?.fill(&theirs, 1).submit()?;
    let ours = Buffer::import(&here, &theirs.export()?)?;
    held(&first, "the job that was pending at the import")?;
    let second = here.queue()?;
    let behind = second.job().fill(&ours, 2).submit()?;
    gate.signal()?;
    ended(&first, "the job that was pending at the import")?;
    ended(&behind, "the importer's job")?;
    holds(&theirs.map()?, 2, "the buffer")
}
