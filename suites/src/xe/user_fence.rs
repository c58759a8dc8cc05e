//! Fences that are words in memory: who writes them, and who may wait for what.

use nix::errno::Errno;

use super::device::Xe;
use super::vm::{Memory, Vm, until};
use super::{PATIENCE, case};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::uapi::BAD_ADDRESS;
use crate::uapi::xe::{self as uapi, Sync, WaitUserFence};
use crate::userptr::Pages;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    case(
        "user-fence-bind",
        "a bind writes its user fence once its in-fence has signalled",
        &["FENCE-NO-TIMEOUT"],
        by_bind,
    ),
    case("user-fence-exec", "a job writes its user fence at its end", &["FENCE-NO-TIMEOUT"], by_exec),
    case(
        "user-fence-compare",
        "a wait compares as its operation says, under its mask, and is ETIME otherwise",
        &[],
        compare,
    ),
    case("user-fence-bad", "a wait that cannot be is refused", &[], bad),
];

fn by_bind(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let word = Pages::new(1)?;
    let (gate, before) = (Pending::new()?, Syncobj::new(&xe.file, false)?);
    before.import(&gate).must("put a fence into a sync object")?;
    let syncs = [Sync::wait(before.raw(), 0), Sync::user_fence(word.start(), 7)];
    vm.bind(vm.op(Memory::Bo(&target), vm.address()), &syncs).must("bind behind a pending fence")?;
    let (file, wait) = (std::sync::Arc::clone(&xe), until(word.start(), 7));
    let waiter = Waiter::start(ctx, move || file.wait(&wait))?;
    check!(waiter.blocked()?, "a wait for a user fence ended before that was written");
    check_eq!(word.word(0), 0, "the user fence before the in-fence signalled");
    gate.signal()?;
    waiter.join()?.must("wait for the bind's user fence")?;
    check_eq!(word.word(0), 7, "the user fence");
    Ok(())
}

fn by_exec(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let to = vm.show(Memory::Bo(&target))?;
    let (_batch, at) = vm.store(to, 0x61)?;
    let queue = vm.queue()?;
    // A job's user fence is at an address of the GPU; the process sees it through the buffer's map.
    queue.exec(at, &[Sync::user_fence(to + 8, 9)]).must("submit a job with a user fence")?;
    xe.wait(&until(target.map.address() + 8, 9)).must("wait for the job's user fence")?;
    check_eq!((target.map.word(0), target.map.word(1)), (0x61, 9), "the job's word, and its user fence");
    Ok(())
}

/// A comparison as the header numbers it, its name, and whether it holds.
type Comparison = (u16, &'static str, fn(u64, u64) -> bool);

fn compare(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let word = Pages::new(1)?;
    let ops: [Comparison; 6] = [
        (0, "EQ", |a, b| a == b),
        (1, "NEQ", |a, b| a != b),
        (2, "GT", |a, b| a > b),
        (3, "GTE", |a, b| a >= b),
        (4, "LT", |a, b| a < b),
        (5, "LTE", |a, b| a <= b),
    ];
    for (op, name, holds) in ops {
        for (memory, value, mask) in [(5, 4, u64::MAX), (5, 5, u64::MAX), (5, 6, u64::MAX), (0x1_05, 5, 0xff)]
        {
            word.fill(memory);
            let wait = WaitUserFence { op, value, mask, timeout: 1_000_000, ..until(word.start(), value) };
            let expected = if holds(memory & mask, value & mask) { Ok(()) } else { Err(Errno::ETIME) };
            check_eq!(xe.wait(&wait), expected, "the wait for {memory:#x} {name} {value} under {mask:#x}");
        }
    }
    Ok(())
}

fn bad(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let word = Pages::new(1)?;
    let good = until(word.start(), 0);
    xe.wait(&good).must("wait for what is there")?;
    // xe_wait_user_fence_ioctl() and do_compare().
    for (what, wait, errno) in [
        ("an unknown operation", WaitUserFence { op: uapi::WAIT_LTE + 1, ..good }, Errno::EINVAL),
        ("unknown flags", WaitUserFence { flags: uapi::WAIT_ABSTIME << 2, ..good }, Errno::EINVAL),
        ("an extension", WaitUserFence { extensions: BAD_ADDRESS, ..good }, Errno::EINVAL),
        ("padding", WaitUserFence { pad: 1, ..good }, Errno::EINVAL),
        ("a reserved field", WaitUserFence { reserved: [0, 1], ..good }, Errno::EINVAL),
        ("an address between words", WaitUserFence { addr: good.addr + 4, ..good }, Errno::EINVAL),
        ("an address where nothing is", WaitUserFence { addr: BAD_ADDRESS, ..good }, Errno::EFAULT),
        ("an unknown queue", WaitUserFence { exec_queue_id: 1 << 20, ..good }, Errno::ENOENT),
    ] {
        xe.wait(&wait).refused(&format!("a wait with {what}"), errno)?;
    }
    let never = WaitUserFence { timeout: 0, ..until(word.start(), 1) };
    let began = std::time::Instant::now();
    xe.wait(&never).refused("a wait for nobody without time", Errno::ETIME)?;
    check!(began.elapsed() < PATIENCE, "a wait without time took {:?}", began.elapsed());
    Ok(())
}
