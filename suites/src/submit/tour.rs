//! A tour of all ordinary ways to submit: what a fault anywhere on them is provoked by.

use super::{ONE, SUITE, data::holds, ended, held};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::uapi::sync_file::SyncFile;
use crate::userptr::Pages;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[Case::new(
    SUITE,
    "tour",
    "jobs of every ordinary kind, one behind the other, all end and do their work",
    ONE,
    tour,
)
.rules(&[
    "FENCE-TIME",
    "FENCE-ORDER",
    "FENCE-LEAK",
    "FENCE-IRQ-LOCK",
    "FENCE-CB",
    "SIG-RECLAIM",
    "SIG-NOTIFIER",
    "SIG-ALLOWED",
    "SIG-RESV",
    "SIG-MMAP",
    "SIG-TAINTED",
    "SIG-FLUSH",
    "SIG-BALANCE",
    "SIG-RUNJOB",
    "SCHED-RUNJOB",
    "UPTR-NOALLOC",
    "UPTR-ORDER",
    "RESV-CTX",
    "RESV-CTX-LIFE",
    "RESV-MODESET",
])
.budget_s(40)];

fn tour(ctx: &mut Ctx) -> Tested {
    let gate = Pending::new()?;
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let pages = Pages::new(2)?;
    let own =
        gpu.bind(gpu.userptr(pages.start(), pages.size(), false).must("adopt pages")?, pages.size(), true)?;

    // Behind a sync file, into a sync object; behind that, onto the process's pages.
    let object = Syncobj::new(gpu.file(), false)?;
    let first = queue.job().after(&gate)?.fill(&buffer, 1).signal(&object, 0).submit()?;
    let second = queue.job().wait(&object, 0).fill(&own, 2).submit()?;
    held(&first, "a job behind a pending fence")?;
    gate.signal()?;
    ended(&first, "the job behind a sync file")?;
    ended(&second, "the job on the process's pages")?;
    ended(&object.export().must("export a sync object's fence")?, "the job by way of its sync object")?;
    holds(&buffer.map()?, 1, "the buffer")?;
    pages.holds(2, "the process's pages")?;

    // From point to point, another queue's turn each time.
    let timeline = Syncobj::new(super::with_timelines(&gpu)?, true)?;
    let other = gpu.queue()?;
    let mut last: Option<SyncFile> = None;
    for point in 1..=4u64 {
        let job = if point % 2 == 0 { queue.job() } else { other.job() };
        let job = if point > 1 { job.wait(&timeline, point - 1) } else { job };
        last = Some(job.fill(&buffer, point).signal(&timeline, point).submit()?);
    }
    if let Some(last) = &last {
        ended(last, "the last point's job")?;
    }
    check_eq!(timeline.signalled_point().must("query a timeline")?, 4, "the last signalled point");
    holds(&buffer.map()?, 4, "the buffer")?;

    // New memory and a new context, as a driver that ran for a while needs them.
    let (more, again) = (gpu.buffer(4 * PAGE)?, gpu.queue()?);
    ended(&again.job().fill(&more, 5).using(&own, false).submit()?, "a job of a new queue")?;
    check!(more.map()?.other_than(5).is_none(), "the new buffer does not hold what the job wrote");
    Ok(())
}
