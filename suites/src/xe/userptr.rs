//! Pages of the process, bound without a handle (`xe_userptr_repin_list` and the notifier in `xe_vm.c`).

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::mman::MmapAdvise;

use super::device::{CHUNK, Xe};
use super::vm::{Memory, Queue, Vm};
use super::{PATIENCE, case};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::device::Device;
use crate::pending::{Pending, signalled_fence};
use crate::submit::{ended, held};
use crate::userptr::Pages;
use crate::waiter::ends_within;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    case("userptr", "a job writes pages of the process", &["UPTR-GUARD"], writes),
    case(
        "userptr-restart",
        "a job after the pages were thrown away or mapped anew writes the new ones",
        &["UPTR-RESTART", "UPTR-GUARD"],
        restart,
    ),
    case(
        "userptr-chain",
        "unmapping the pages of a job behind a foreign fence ends when that signals",
        &["UPTR-CHAIN", "UPTR-GUARD", "FENCE-NO-TIMEOUT"],
        chain,
    ),
    case("userptr-gone", "a job over pages that are gone harms nobody", &["UPTR-RESTART"], gone),
];

/// Pages that are bound, and a queue.
struct Fixture {
    vm: Vm,
    queue: Queue,
    pages: Pages,
    at: u64,
}

impl Fixture {
    fn new(device: &Device) -> Result<Fixture, Stop> {
        let vm = Vm::new(&Xe::open(device)?, 0)?;
        let pages = Pages::new(CHUNK / 4096)?;
        let at = vm.show(Memory::Pages(&pages))?;
        Ok(Fixture { queue: vm.queue()?, vm, pages, at })
    }

    /// A job that writes the first word.
    fn works(&self, word: u64, what: &str) -> Tested {
        let (_batch, at) = self.vm.store(self.at, word)?;
        ended(&self.queue.exec_after(at, signalled_fence()?)?, &format!("a job on {what}"))?;
        check_eq!(self.pages.word(0), word, "the word that a job wrote to {what}");
        Ok(())
    }
}

fn writes(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx.device(0))?;
    fixture.works(1, "new pages")?;
    fixture.pages.fill(2);
    fixture.works(3, "pages that the process wrote")?;
    check_eq!(fixture.pages.word(1), 2, "the word beside it");
    Ok(())
}

fn restart(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx.device(0))?;
    fixture.works(1, "new pages")?;
    fixture.pages.advise(MmapAdvise::MADV_DONTNEED)?;
    check_eq!(fixture.pages.word(0), 0, "a page that was thrown away");
    fixture.works(2, "pages after they were thrown away")?;
    fixture.pages.map_over()?;
    check_eq!(fixture.pages.word(0), 0, "a page that was mapped anew");
    fixture.works(3, "pages that were mapped over the old ones")
}

fn chain(ctx: &mut Ctx) -> Tested {
    let Fixture { vm, queue, pages, at } = Fixture::new(ctx.device(0))?;
    let (_batch, batch) = vm.store(at, 4)?;
    // Behind the pages: a gate that a failing case drops must open before they are unmapped.
    let gate = Pending::new()?;
    let fence = queue.exec_after(batch, &gate)?;
    held(&fence, "a job behind a foreign fence")?;
    let early = unmap(ctx, pages, &gate, Duration::from_millis(50))?;
    // vma_userptr_invalidate() waits for the address space's BOOKKEEP fences.
    check!(!early, "the pages went while a job was to write them");
    ended(&fence, "the job on the pages")
}

/// Unmaps pages in a thread, and signals the gate once that has ended or has taken `glance`: whether it ended before the gate
/// opened.
///
/// # Errors
/// Fails where the unmapping fails, or does not end once the gate is open.
pub(super) fn unmap(ctx: &Ctx, pages: Pages, gate: &Pending, glance: Duration) -> Result<bool, Stop> {
    let unmapping = ctx.spawn(move || pages.unmap());
    // From here on no new memory: the unmapping may hold the lock of this process's address space.
    let early = ends_within(&unmapping, glance);
    gate.signal()?;
    check!(
        ends_within(&unmapping, PATIENCE),
        "unmapping still blocks {PATIENCE:?} after the foreign fence signalled"
    );
    unmapping.join().map_err(|_| Stop::fail("the thread that unmapped panicked"))??;
    Ok(early)
}

fn gone(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx.device(0))?;
    fixture.works(1, "new pages")?;
    let (_batch, at) = fixture.vm.store(fixture.at, 2)?;
    fixture.pages.unmap()?;
    // xe_vm_userptr_pin() answers EFAULT for pages that are gone, and leaves the range unbound since 6.10, so that a job that
    // is not about it goes on: one of the two.
    match fixture.queue.exec(at, &[]) {
        Ok(()) | Err(Errno::EFAULT) => {}
        Err(errno) => return Err(Stop::fail(format!("a job over pages that are gone: {errno:?}"))),
    }
    let other = Fixture::new(ctx.device(0))?;
    other.works(3, "pages of another address space")
}
