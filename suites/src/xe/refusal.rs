//! Calls that make no sense (`xe_sync_entry_parse()`, `xe_exec_ioctl()`, `vm_bind_ioctl_check_args()`,
//! `xe_vm_create_ioctl()`).

use nix::errno::Errno;

use super::case;
use super::device::{CHUNK, Xe};
use super::vm::{Memory, Vm, create};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::syncobj::Syncobj;
use crate::uapi::xe::{self as uapi, SYNC_SIGNAL, Sync, VM_FAULT_MODE, VmBindOp};
use crate::userptr::Pages;

pub(super) const CASES: &[Case] = &[
    case("bad-sync", "a job and a bind refuse each kind of bad sync entry with its errno", &[], syncs),
    case("bad-bind", "a bind refuses each kind of bad range with its errno", &[], binds),
    case(
        "bad-vm",
        "an address space that serves page faults is one for long-running work",
        &["LR-NOFENCE"],
        kinds,
    ),
];

fn syncs(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let (_batch, at) = vm.store(vm.show(Memory::Bo(&target))?, 1)?;
    let queue = vm.queue()?;
    let empty = Syncobj::new(&xe.file, false)?;
    let good = Sync::signal(empty.raw(), 0);
    for (what, sync, errno) in [
        ("an unknown type", Sync { r#type: uapi::SYNC_USER_FENCE + 1, ..good }, Errno::EINVAL),
        ("unknown flags", Sync { flags: SYNC_SIGNAL << 1, ..good }, Errno::EINVAL),
        ("a reserved field", Sync { reserved: [0, 1], ..good }, Errno::EINVAL),
        ("an unknown handle", Sync::signal(1 << 20, 0), Errno::ENOENT),
        ("a handle of more than 32 bits", Sync { addr: good.addr | 1 << 32, ..good }, Errno::EINVAL),
        ("a wait for no fence", Sync::wait(empty.raw(), 0), Errno::EINVAL),
        ("a timeline's point 0", Sync { r#type: uapi::SYNC_TIMELINE, ..good }, Errno::EINVAL),
        ("a wait for a user fence", Sync { flags: 0, ..Sync::user_fence(0, 1) }, Errno::EOPNOTSUPP),
        ("a user fence between words", Sync::user_fence(4, 1), Errno::EINVAL),
    ] {
        queue.exec(at, &[sync]).refused(&format!("a job with {what}"), errno)?;
        let op = vm.op(Memory::Bo(&target), vm.address());
        vm.bind(op, &[sync]).refused(&format!("a bind with {what}"), errno)?;
    }
    empty.must_be_empty()
}

fn binds(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let (target, pages) = (xe.bo()?, Pages::new(CHUNK / 4096)?);
    let (bo, userptr) =
        (vm.op(Memory::Bo(&target), vm.address()), vm.op(Memory::Pages(&pages), vm.address()));
    for (what, op, errno) in [
        ("no range", VmBindOp { range: 0, ..bo }, Errno::EINVAL),
        ("an address between pages", VmBindOp { addr: bo.addr + 8, ..bo }, Errno::EINVAL),
        ("more than the buffer has", VmBindOp { range: bo.range * 2, ..bo }, Errno::EINVAL),
        ("an unknown buffer", VmBindOp { obj: 1 << 20, ..bo }, Errno::ENOENT),
        ("no buffer", VmBindOp { obj: 0, ..bo }, Errno::EINVAL),
        ("an unknown operation", VmBindOp { op: 99, ..bo }, Errno::EINVAL),
        ("unknown flags", VmBindOp { flags: 1 << 30, ..bo }, Errno::EINVAL),
        ("pages and a buffer", VmBindOp { obj: bo.obj, ..userptr }, Errno::EINVAL),
        ("pages between pages", VmBindOp { obj_offset: pages.start() + 8, ..userptr }, Errno::EINVAL),
    ] {
        vm.bind(op, &[]).refused(&format!("a bind of {what}"), errno)?;
    }
    Ok(())
}

fn kinds(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    // A page fault may last as long as user space likes, so what may fault has no dma-fence.
    create(&xe, VM_FAULT_MODE).refused("page faults without long-running mode", Errno::EINVAL)?;
    create(&xe, 1 << 30).refused("unknown flags", Errno::EINVAL)
}
