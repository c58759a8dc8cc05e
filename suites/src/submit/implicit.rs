//! Jobs in the reservations of the buffers that they use.

use super::{ONE, SUITE, data::holds, ended, held};
use crate::buffer::Access;
use crate::case::{Case, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::pending::Pending;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "implicit-write", "a shared buffer is busy while a job writes it", ONE, write)
        .rules(&["BUF-SYNCFILE", "RESV-USAGE"]),
    Case::new(SUITE, "implicit-wait", "a job waits for the writers of a shared buffer", ONE, wait)
        .rules(&["RESV-USAGE", "FENCE-NO-TIMEOUT"]),
    Case::new(SUITE, "close-busy", "buffers and queues closed under a job harm nothing", ONE, close_busy)
        .rules(&["FENCE-LEAK", "FENCE-TIME"]),
];

fn write(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let dmabuf = buffer.export()?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 3).submit()?;
    check!(
        !dmabuf.ready(Access::Write, Duration::ZERO)?,
        "the buffer is not busy while a job is to write it"
    );
    let exported = dmabuf.export_fences(Access::Write)?;
    held(&exported, "the fence in the buffer's reservation")?;
    gate.signal()?;
    ended(&exported, "the fence in the buffer's reservation")?;
    ended(&fence, "the job")?;
    check!(dmabuf.ready(Access::Write, Duration::from_secs(8))?, "the buffer stayed busy after its job");
    holds(&dmabuf.map()?, 3, "the buffer by way of its dma-buf")
}

fn wait(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let dmabuf = buffer.export()?;
    let writer = Pending::new()?;
    dmabuf.import_fence(Access::Write, &writer)?;
    let fence = queue.job().fill(&buffer, 4).submit()?;
    held(&fence, "a job whose buffer has a foreign writer")?;
    writer.signal()?;
    ended(&fence, "a job whose buffer's writer ended")?;
    holds(&buffer.map()?, 4, "the buffer")
}

fn close_busy(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let gate = Pending::new()?;
    let beside = gpu.buffer(PAGE)?;
    let fence = {
        let queue = gpu.queue()?;
        let buffer = gpu.buffer(PAGE)?;
        let fence = queue.job().after(&gate)?.fill(&buffer, 6).using(&beside, false).submit()?;
        held(&fence, "a job behind a pending fence")?;
        fence
    };
    gate.signal()?;
    let status = super::over(&fence, "a job whose queue and buffers are closed")?;
    ctx.note(format!("the job of a closed queue has the status {status}"));
    holds(&beside.map()?, 0, "a buffer that the job only read")?;
    ended(&gpu.queue()?.job().fill(&beside, 1).submit()?, "a job of a new queue")
}
