//! A job on one side, the CPU on the other.

use super::{DRIVES, EXPORT, IMPORT, SUITE};
use crate::buffer::{Access, Exporter, Gem};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Buffer, Gpu, PAGE};
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::submit::{ended, held, holds};
use std::sync::Arc;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "import-job",
        "the exporter's side shows what the importer's job wrote",
        IMPORT,
        on_import,
    )
    .rules(DRIVES),
    Case::new(
        SUITE,
        "import-job-waits",
        "the importer's job waits for a writer in the exporter's buffer",
        IMPORT,
        waits,
    )
    .rules(&["RESV-USAGE", "FENCE-NO-TIMEOUT"]),
    Case::new(
        SUITE,
        "export-job",
        "the importer's side shows what the exporter's job wrote",
        EXPORT,
        on_export,
    )
    .rules(DRIVES),
    Case::new(
        SUITE,
        "export-close",
        "a job on an exported buffer ends whoever closes it first",
        EXPORT,
        close,
    )
    .rules(DRIVES),
];

fn on_import(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let gpu = Gpu::open(ctx.device(1))?;
    let queue = gpu.queue()?;
    let buffer = Buffer::import(&gpu, &made.dmabuf)?;
    ended(&queue.job().fill(&buffer, 11).submit()?, "a job on an imported buffer")?;
    made.dmabuf.begin(Access::Read).must("begin an access")?;
    holds(&made.dmabuf.map()?, 11, "the exporter's side")?;
    made.dmabuf.end(Access::Read).must("end an access")?;
    drop(buffer);
    ended(&queue.job().submit()?, "a job after the import was closed")
}

fn waits(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let gpu = Gpu::open(ctx.device(1))?;
    let queue = gpu.queue()?;
    let buffer = Buffer::import(&gpu, &made.dmabuf)?;
    let writer = Pending::new()?;
    made.dmabuf.import_fence(Access::Write, &writer)?;
    let fence = queue.job().fill(&buffer, 12).submit()?;
    held(&fence, "a job on a buffer with a foreign writer")?;
    writer.signal()?;
    ended(&fence, "the job whose writer ended")
}

/// The importer's handle of the GPU's buffer.
fn import(ctx: &Ctx, buffer: &Buffer) -> Result<Gem, Stop> {
    let card = Arc::new(DrmFile::any(ctx.device(1))?);
    let name = ctx.device(1).name.clone();
    Gem::import(&card, &buffer.export()?)
        .map_err(|errno| Stop::skip(format!("{name} does not import this buffer: {errno}")))
}

fn on_export(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(4 * PAGE)?;
    let imported = import(ctx, &buffer)?;
    ended(&queue.job().fill(&buffer, 13).submit()?, "a job on an exported buffer")?;
    let theirs = imported.export()?;
    crate::check!(theirs.ready(Access::Write, Duration::from_secs(8))?, "the buffer stayed busy");
    holds(&theirs.map()?, 13, "the importer's side")
}

fn close(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    for importer_first in [true, false] {
        let gate = Pending::new()?;
        let buffer = gpu.buffer(4 * PAGE)?;
        let imported = import(ctx, &buffer)?;
        let dmabuf = buffer.export()?;
        let fence = queue.job().after(&gate)?.fill(&buffer, 14).submit()?;
        if importer_first {
            drop(imported);
            drop(buffer);
        } else {
            drop(buffer);
            drop(imported);
        }
        held(&fence, "a job on closed buffers")?;
        gate.signal()?;
        ended(&fence, "a job on closed buffers")?;
        holds(&dmabuf.map()?, 14, "the dma-buf that is left")?;
    }
    Ok(())
}
