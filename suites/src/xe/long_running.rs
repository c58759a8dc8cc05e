//! Work that may last for ever: it has no dma-fence at its end, or the memory manager would wait for it.

use nix::errno::Errno;

use super::case;
use super::device::Xe;
use super::vm::{Memory, Vm, until};
use crate::buffer::Access;
use crate::case::{Case, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::uapi::xe::{Sync, VM_FAULT_MODE, VM_LR_MODE};

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
        "lr-no-reservation",
        "long-running work puts no fence into the buffers that it uses",
        NO_FENCE,
        no_reservation,
    ),
    case(
        "fault-no-reservation",
        "work whose page faults are served puts no fence into the buffers that it uses",
        NO_FENCE,
        fault_no_reservation,
    ),
];

/// The kinds of address space.
const LONG: u32 = VM_LR_MODE;
const FAULTING: u32 = VM_LR_MODE | VM_FAULT_MODE;

fn no_syncobj(ctx: &mut Ctx) -> Tested {
    signals_none(ctx, LONG)
}

fn fault_no_syncobj(ctx: &mut Ctx) -> Tested {
    signals_none(ctx, FAULTING)
}

fn no_reservation(ctx: &mut Ctx) -> Tested {
    leaves_no_fence(ctx, LONG)
}

fn fault_no_reservation(ctx: &mut Ctx) -> Tested {
    leaves_no_fence(ctx, FAULTING)
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

/// Held back by a fence, it is as long as any: nobody who shares its buffer may be made to wait for it.
fn leaves_no_fence(ctx: &Ctx, kind: u32) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, kind)?;
    let target = xe.bo()?;
    let to = vm.show(Memory::Bo(&target))?;
    let (_batch, at) = vm.store(to, 0x72)?;
    let queue = vm.queue()?;
    let dmabuf = target.gem.export()?;
    let (gate, before) = (Pending::new()?, Syncobj::new(&xe.file, false)?);
    before.import(&gate).must("put a fence into a sync object")?;
    let syncs = [Sync::wait(before.raw(), 0), Sync::user_fence(to + 8, 1)];
    queue.exec(at, &syncs).must("submit long-running work behind a fence")?;
    for access in [Access::Read, Access::Write] {
        let fences = dmabuf.export_fences(access)?;
        check_eq!(
            fences.status(),
            Ok(1),
            "the fences that a {access:?} must wait for while the work has not begun"
        );
    }
    check_eq!(target.map.word(0), 0, "the word that the work is to write, before it may");
    gate.signal()?;
    xe.wait(&until(target.map.address() + 8, 1)).must("wait for its user fence")?;
    check_eq!(target.map.word(0), 0x72, "the word that it wrote");
    Ok(())
}
