//! Changes of the pages while a job uses them.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::mman::MmapAdvise;

use super::{DRIVES, Fixture, ONE, Pages, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::pending::Pending;
use crate::submit::{GLANCE_MS, PATIENCE_MS, ended, held};
use crate::waiter::ends_within;

pub(super) const CASES: &[Case] = &[
    case("munmap", "unmapping pages waits for no more than the job that uses them", |ctx| {
        under_job(ctx, |pages| pages.unmap().map(|()| None), None)
    }),
    case("map-fixed", "mapping new pages over those of a job waits for no more than the job", |ctx| {
        under_job(ctx, |pages| pages.map_over().map(|()| None), Some(0))
    }),
    case("mprotect", "write-protecting a job's pages waits for no more than the job", |ctx| {
        under_job(ctx, |pages| pages.protect(false).map(|()| None), Some(1))
    }),
    case("madvise", "throwing a job's pages away waits for no more than the job", |ctx| {
        under_job(ctx, |pages| pages.advise(MmapAdvise::MADV_DONTNEED).map(|()| None), Some(0))
    }),
    case("mremap", "moving a job's pages waits for no more than the job", |ctx| {
        under_job(ctx, |pages| pages.move_away().map(Some), Some(1))
    }),
    case("close", "a buffer and its pages closed under a job harm nothing", close),
    case("exit", "a process that ends with such a job pending ends when the job does", exit),
];

const fn case(name: &'static str, about: &'static str, run: fn(&mut Ctx) -> Tested) -> Case {
    Case::new(SUITE, name, about, ONE, run).rules(DRIVES)
}

/// A change of pages: the pages, where it moved them.
type Change = fn(&Pages) -> Result<Option<Pages>, Stop>;

/// Submits a job that writes 1 to the pages and is held back by a fence, changes the pages in another thread, signals the
/// fence: then both must end. `left` is what the pages hold then, where any are left: no driver's job may write to pages
/// that came after the change, and each writes to those that it was submitted for, whether the change waited or not.
fn under_job(ctx: &mut Ctx, change: Change, left: Option<u64>) -> Tested {
    let gate = Pending::new()?;
    let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 4)?;
    let pages = Arc::new(pages);
    let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    held(&fence, "a job whose pages are to be changed")?;
    let its = Arc::clone(&pages);
    let changing = ctx.spawn(move || change(&its));
    // From here on no new memory: the change may hold the lock of this process's address space until the job has ended.
    sleep(Duration::from_millis(GLANCE_MS.into()));
    let waited = !changing.is_finished();
    gate.signal()?;
    check!(
        ends_within(&changing, Duration::from_millis(PATIENCE_MS.into())),
        "the change still blocks {PATIENCE_MS} ms after the job could end"
    );
    let moved = changing.join().map_err(|_| Stop::fail("the thread that changed the pages panicked"))??;
    ended(&fence, "the job whose pages were changed")?;
    check!(
        waited || !gpu.waits_in_notifier(),
        "the pages were changed while a job of {} was to write them",
        gpu.name()
    );
    ctx.note(format!("the change {}", if waited { "waited for the job" } else { "did not wait" }));
    match left {
        Some(word) => moved.as_ref().unwrap_or(&pages).holds(word, "the pages after the change and the job"),
        None => Ok(()),
    }
}

fn close(ctx: &mut Ctx) -> Tested {
    let gate = Pending::new()?;
    let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 4)?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    held(&fence, "a job whose buffer is to be closed")?;
    drop(buffer);
    gate.signal()?;
    ended(&fence, "the job whose buffer was closed")?;
    pages.holds(1, "the pages of a closed buffer")?;
    pages.fill(2);
    drop(pages);
    ended(&gpu.queue()?.job().submit()?, "another job")
}

fn exit(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0).clone();
    crate::gpu::Gpu::open(&device)?;
    let gate = Pending::new()?;
    let child = crate::child::Child::spawn(|line| {
        let gpu = crate::gpu::Gpu::open(&device)?;
        let pages = Pages::new(4)?;
        let buffer = super::adopt(&gpu, &pages)?;
        let queue = gpu.queue()?;
        let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
        held(&fence, "a job whose process is to end")?;
        line.send("fence", Some(std::os::fd::AsFd::as_fd(&fence)))?;
        // The kernel takes everything down: nothing is unmapped or closed before.
        std::mem::forget((pages, buffer, queue, gpu));
        Ok(())
    })?;
    let received = child.line.receive_fd();
    let fence = match received {
        Ok(fence) => crate::uapi::sync_file::SyncFile::new(fence),
        Err(silent) => return child.join().and(Err(silent)),
    };
    gate.signal()?;
    child.join()?;
    let status = crate::submit::over(&fence, "the job of a process that ended")?;
    ctx.note(format!("the job of a process that ended has the status {status}"));
    Ok(())
}
