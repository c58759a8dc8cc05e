//! Jobs and binds with sync objects before and behind them.

use super::case;
use super::device::Xe;
use super::vm::{Memory, Vm};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::pending::Pending;
use crate::submit::{ended, held, over};
use crate::syncobj::Syncobj;
use crate::uapi::xe::Sync;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    case(
        "exec",
        "a job waits for its in-fence, writes, and signals its sync object",
        &["FENCE-NO-TIMEOUT", "FENCE-ONCE", "SCHED-RUNJOB"],
        exec,
    ),
    case(
        "exec-points",
        "a job waits for a point and signals a point",
        &["SYNC-POINT", "FENCE-NO-TIMEOUT"],
        points,
    ),
    case("exec-order", "jobs of one queue run and signal in their order", &["FENCE-ORDER"], order),
    case(
        "bind",
        "a bind waits for its in-fence, and a job behind it sees what it binds",
        &["FENCE-NO-TIMEOUT"],
        bind,
    ),
    case(
        "queue-gone",
        "the fence of a job whose queue is destroyed signals",
        &["FENCE-OWNER", "FENCE-TIME"],
        queue_gone,
    ),
];

fn exec(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let (_batch, at) = vm.store(vm.show(Memory::Bo(&target))?, 0x51)?;
    let queue = vm.queue()?;
    let gate = Pending::new()?;
    let fence = queue.exec_after(at, &gate)?;
    held(&fence, "a job behind a pending fence")?;
    check_eq!(target.map.word(0), 0, "the word that the job is to write, before it may");
    gate.signal()?;
    ended(&fence, "the job")?;
    check_eq!(target.map.word(0), 0x51, "the word that the job wrote");
    Ok(())
}

fn points(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let (_batch, at) = vm.store(vm.show(Memory::Bo(&target))?, 0x52)?;
    let queue = vm.queue()?;
    let (gate, from) = (Pending::new()?, Syncobj::new(&xe.file, false)?);
    from.import(&gate).must("put a fence into a sync object")?;
    let line = Syncobj::new(&xe.file, false)?;
    Syncobj::transfer((&from, 0), (&line, 3), 0).must("make the fence a point")?;
    let syncs = [Sync::wait(line.raw(), 3), Sync::signal(line.raw(), 4)];
    queue.exec(at, &syncs).must("submit a job between two points")?;
    check_eq!(line.submitted_point().must("query")?, 4, "the last point that has a fence");
    check_eq!(line.signalled_point().must("query")?, 0, "the last signalled point before the fence");
    let fence = line.export().must("export the timeline's fence")?;
    held(&fence, "the job's point")?;
    gate.signal()?;
    ended(&fence, "the job's point")?;
    check_eq!(line.signalled_point().must("query")?, 4, "the last signalled point at the end");
    check_eq!(target.map.word(0), 0x52, "the word that the job wrote");
    Ok(())
}

fn order(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let to = vm.show(Memory::Bo(&target))?;
    let queue = vm.queue()?;
    let gate = Pending::new()?;
    let mut fences = Vec::new();
    let mut batches = Vec::new();
    for word in 1..=4 {
        let (batch, at) = vm.store(to, word)?;
        fences.push(queue.exec_after(at, &gate)?);
        batches.push(batch);
    }
    gate.signal()?;
    ended(&fences[3], "the last job")?;
    check!(
        fences.iter().all(|fence| fence.status() == Ok(1)),
        "the last job's fence signalled before another"
    );
    check_eq!(target.map.word(0), 4, "the word that the last job wrote");
    Ok(())
}

fn bind(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let (target, to) = (xe.bo()?, vm.address());
    let (_batch, at) = vm.store(to, 0x53)?;
    let (gate, before) = (Pending::new()?, Syncobj::new(&xe.file, false)?);
    before.import(&gate).must("put a fence into a sync object")?;
    let bound = Syncobj::new(&xe.file, false)?;
    let syncs = [Sync::wait(before.raw(), 0), Sync::signal(bound.raw(), 0)];
    vm.bind(vm.op(Memory::Bo(&target), to), &syncs).must("bind behind a pending fence")?;
    let bound = bound.export().must("export the bind's fence")?;
    let queue = vm.queue()?;
    let job = queue.exec_after(at, &bound)?;
    held(&bound, "a bind behind a pending fence")?;
    held(&job, "a job behind that bind")?;
    gate.signal()?;
    ended(&bound, "the bind")?;
    ended(&job, "the job behind it")?;
    check_eq!(target.map.word(0), 0x53, "the word that the job wrote");
    Ok(())
}

fn queue_gone(ctx: &mut Ctx) -> Tested {
    let xe = Xe::open(ctx.device(0))?;
    let vm = Vm::new(&xe, 0)?;
    let target = xe.bo()?;
    let (_batch, at) = vm.store(vm.show(Memory::Bo(&target))?, 0x54)?;
    let queue = vm.queue()?;
    let gate = Pending::new()?;
    let fence = queue.exec_after(at, &gate)?;
    drop(queue);
    gate.signal()?;
    // guc_exec_queue_kill(): whether the job still ran or was cancelled is the driver's affair; its fence signals.
    let status = over(&fence, "a job whose queue is gone")?;
    ctx.note(format_args!("the fence's status is {status}"));
    let (_next, at) = vm.store(vm.show(Memory::Bo(&target))?, 0x55)?;
    let queue = vm.queue()?;
    ended(&queue.exec_after(at, crate::pending::signalled_fence()?)?, "a job of the next queue")?;
    check_eq!(target.map.word(0), 0x55, "the word that the next queue's job wrote");
    Ok(())
}
