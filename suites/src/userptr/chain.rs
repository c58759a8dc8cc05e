//! A device's fence in front of another device's job on a process's pages, from the discussion of the series (Daniel
//! Vetter and Jason Gunthorpe): unmapping the pages then waits for the foreign device, and must end when that does.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use super::{Fixture, SUITE};
use crate::case::{Case, Role, Stop, Tested};
use crate::check;
use crate::child::Child;
use crate::ctx::Ctx;
use crate::gpu::Gpu;
use crate::pending::Pending;
use crate::submit::{GLANCE_MS, PATIENCE_MS, ended, held};
use crate::waiter::ends_within;

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "chain",
        "unmapping a job's pages ends when the other device's job before it does",
        PAIR,
        chain,
    )
    .rules(&["UPTR-CHAIN", "FENCE-NO-TIMEOUT", "UPTR-ORDER"]),
    Case::new(
        SUITE,
        "chain-others",
        "while such an unmapping waits the foreign device goes on, and everybody when it ends",
        PAIR,
        others,
    )
    .rules(&["UPTR-CHAIN"]),
];

/// The device with the pages, then the one that it waits for.
const PAIR: &[Role] = &[Role::Userptr, Role::Submitter];

fn chain(ctx: &mut Ctx) -> Tested {
    let gate = Pending::new()?;
    let foreign = Gpu::open(ctx.device(1))?.queue()?;
    let first = foreign.job().after(&gate)?.submit()?;
    let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 4)?;
    let fence = queue.job().after(&first)?.fill(&buffer, 1).submit()?;
    held(&fence, "a job behind a foreign one")?;
    let pages = Arc::new(pages);
    let its = Arc::clone(&pages);
    let unmapping = ctx.spawn(move || its.unmap());
    // From here on no new memory: the unmapping may hold the lock of this process's address space.
    sleep(Duration::from_millis(GLANCE_MS.into()));
    let waited = !unmapping.is_finished();
    gate.signal()?;
    check!(
        ends_within(&unmapping, Duration::from_millis(PATIENCE_MS.into())),
        "unmapping still blocks {PATIENCE_MS} ms after the foreign job could end"
    );
    unmapping.join().map_err(|_| Stop::fail("the thread that unmapped panicked"))??;
    ended(&first, "the foreign job")?;
    ended(&fence, "the job on the pages")?;
    check!(
        waited || !gpu.waits_in_notifier(),
        "the pages were unmapped while a job of {} was to write them",
        gpu.name()
    );
    ctx.note(format!("unmapping {}", if waited { "waited for both jobs" } else { "did not wait" }));
    Ok(())
}

fn others(ctx: &mut Ctx) -> Tested {
    let gate = Pending::new()?;
    let there = Gpu::open(ctx.device(1))?;
    let foreign = there.queue()?;
    let first = foreign.job().after(&gate)?.submit()?;
    let child = Child::spawn(|line| {
        let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 4)?;
        let fence = queue.job().after(&first)?.fill(&buffer, 1).submit()?;
        held(&fence, "a job behind a foreign one")?;
        line.send("unmapping", None)?;
        pages.unmap()?;
        let pending = fence.status() == Ok(0);
        check!(!pending || !gpu.waits_in_notifier(), "unmapping did not wait for the job of {}", gpu.name());
        ended(&fence, "the job on the pages")
    })?;
    if child.line.receive().is_err() {
        return child.join();
    }
    sleep(Duration::from_millis(GLANCE_MS.into()));
    ended(&there.queue()?.job().submit()?, "another queue's job on the foreign device")?;
    // The device's notifier waits under the lock that each submission takes (amdgpu_hmm_invalidate_gfx() and
    // amdgpu_cs_submit(), the twins alike): this one may wait as long, and no longer.
    let other = Gpu::open(ctx.device(0))?.queue()?;
    let submitting = ctx.spawn(move || other.job().submit());
    sleep(Duration::from_millis(GLANCE_MS.into()));
    let waited = !submitting.is_finished();
    held(&first, "the foreign job, until now")?;
    gate.signal()?;
    check!(
        ends_within(&submitting, Duration::from_millis(PATIENCE_MS.into())),
        "another process's job cannot be submitted {PATIENCE_MS} ms after the foreign job could end"
    );
    let fence = submitting.join().map_err(|_| Stop::fail("the thread that submitted panicked"))??;
    ended(&fence, "another process's job on the device with the pages")?;
    ctx.note(format!("its submission {}", if waited { "waited for the unmapping" } else { "did not wait" }));
    child.join()?;
    ended(&first, "the foreign job")
}
