//! Work that may last for ever: it has no dma-fence at its end, or the memory manager would wait for it.

use std::time::Duration;

use nix::errno::Errno;

use super::device::{CHUNK, Xe};
use super::userptr::unmap;
use super::vm::{Memory, Vm, until};
use super::{PATIENCE, case};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::uapi::xe::{Sync, VM_FAULT_MODE, VM_LR_MODE, WaitUserFence};
use crate::userptr::Pages;
use crate::{check, check_eq};

const NO_FENCE: &[&str] = &["LR-NOFENCE"];

pub(super) const CASES: &[Case] = &[
    case("lr-no-syncobj", "long-running work signals no sync object", NO_FENCE, no_syncobj),
    case(
        "fault-no-syncobj",
        "work whose page faults are served signals no sync object",
        NO_FENCE,
        fault_no_syncobj,
    ),
    case(
        "lr-unmap",
        "pages bound for long-running work are unmapped while that has not ended",
        NO_FENCE,
        long_unmap,
    ),
    case(
        "fault-unmap",
        "pages bound for work whose page faults are served are unmapped while that has not ended",
        NO_FENCE,
        fault_unmap,
    ),
];

/// The kinds of address space.
const LONG: u32 = VM_LR_MODE;
const FAULTING: u32 = VM_LR_MODE | VM_FAULT_MODE;
/// How long it is watched that work does not begin.
const GLANCE: Duration = Duration::from_millis(50);

fn no_syncobj(ctx: &mut Ctx) -> Tested {
    signals_none(ctx, LONG)
}

fn fault_no_syncobj(ctx: &mut Ctx) -> Tested {
    signals_none(ctx, FAULTING)
}

fn long_unmap(ctx: &mut Ctx) -> Tested {
    holds_no_pages(ctx, LONG)
}

fn fault_unmap(ctx: &mut Ctx) -> Tested {
    holds_no_pages(ctx, FAULTING)
}

fn signals_none(ctx: &Ctx, kind: u32) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, kind)?;
    let target = xe.bo()?;
    let to = vm.show(Memory::Bo(&target))?;
    let (_batch, at) = vm.store(to, 0x71)?;
    let queue = vm.queue()?;
    let done = Syncobj::new(&xe.file, false)?;
    for point in [0, 1] {
        let signal = [Sync::signal(done.raw(), point)];
        // xe_sync_entry_parse(): in_lr_mode.
        queue
            .exec(at, &signal)
            .refused("a long-running job that signals a sync object", Errno::EOPNOTSUPP)?;
        let again = vm.op(Memory::Bo(&target), vm.address());
        vm.bind(again, &signal).refused("a bind for it that signals a sync object", Errno::EOPNOTSUPP)?;
    }
    done.must_be_empty()?;
    check_eq!(target.map.word(0), 0, "the word that the refused jobs were to write");
    queue.exec(at, &[Sync::user_fence(to + 8, 1)]).must("submit it with a user fence")?;
    xe.wait(&until(target.map.address() + 8, 1)).must("wait for its user fence")?;
    check_eq!(target.map.word(0), 0x71, "the word that it wrote");
    Ok(())
}

/// Held back by a fence, work is as long as any, and nobody who takes pages back may be made to wait for it. A job with a
/// fence is waited for (vma_userptr_invalidate()), as `userptr-chain` shows; here the queue is preempted, or the pages are
/// taken from under it. No buffer tells that: xe adds its jobs' fences as BOOKKEEP, which no sync file exports.
fn holds_no_pages(ctx: &Ctx, kind: u32) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, kind)?;
    let (target, pages) = (xe.bo()?, Pages::new(CHUNK / 4096)?);
    let (to, page) = (vm.show(Memory::Bo(&target))?, vm.show(Memory::Pages(&pages))?);
    let ((_first, first), (_second, second)) = (vm.store(page, 0x72)?, vm.store(to, 0x73)?);
    let queue = vm.queue()?;
    let ended = |value| until(target.map.address() + 8, value);
    // The device has used the pages: where faults are served, they are bound only then.
    queue.exec(first, &[Sync::user_fence(to + 8, 1)]).must("submit work on the pages")?;
    xe.wait(&ended(1)).must("wait for its user fence")?;
    check_eq!(pages.word(0), 0x72, "the word that it wrote to the pages");
    let (gate, before) = (Pending::new()?, Syncobj::new(&xe.file, false)?);
    before.import(&gate).must("put a fence into a sync object")?;
    let syncs = [Sync::wait(before.raw(), 0), Sync::user_fence(to + 8, 2)];
    queue.exec(second, &syncs).must("submit long-running work behind a fence")?;
    let glance = WaitUserFence { timeout: GLANCE.as_nanos() as i64, ..ended(2) };
    xe.wait(&glance).refused("a short wait for work behind a pending fence", Errno::ETIME)?;
    let early = unmap(ctx, pages, &gate, PATIENCE)?;
    check!(early, "unmapping pages took {PATIENCE:?} and more: it waits for work that may last for ever");
    xe.wait(&ended(2)).must("wait for its user fence once the fence before it has signalled")?;
    check_eq!(target.map.word(0), 0x73, "the word that it wrote");
    Ok(())
}
