//! Sync files in front of jobs and behind them.

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::{ONE, SUITE, data::holds, ended, held, over};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::{Pending, signalled_fence};
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SetDeadline;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "in-fence", "a job waits for its in-fence and runs then", ONE, in_fence).rules(&[
        "FENCE-NO-TIMEOUT",
        "SIG-RUNJOB",
        "FENCE-CB",
    ]),
    Case::new(SUITE, "in-fence-signalled", "a signalled in-fence holds no job up", ONE, signalled),
    Case::new(SUITE, "in-fence-two", "a job waits for all of a merged in-fence", ONE, two),
    Case::new(SUITE, "in-fence-error", "a job behind a failed fence ends", ONE, failed)
        .rules(&["FENCE-OWNER", "FENCE-TIME"]),
    Case::new(SUITE, "in-fence-long", "a job does not give up on its in-fence", ONE, long)
        .rules(&["FENCE-NO-TIMEOUT"])
        .budget_s(40),
    Case::new(SUITE, "in-fence-bad", "an fd that is no sync file is refused", ONE, bad),
    Case::new(SUITE, "chain", "jobs of two queues behind each other's fences run in that order", ONE, chain)
        .rules(&["FENCE-TIME"]),
    Case::new(SUITE, "deadline", "a deadline changes no fence", ONE, deadline).rules(&["FENCE-DEADLINE"]),
];

fn in_fence(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 5).submit()?;
    held(&fence, "a job behind a pending fence")?;
    holds(&buffer.map()?, 0, "the buffer of a job that waits")?;
    gate.signal()?;
    ended(&fence, "the job whose fence signalled")?;
    holds(&buffer.map()?, 5, "the buffer of a job that ended")
}

fn signalled(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    ended(&queue.job().after(signalled_fence()?)?.submit()?, "a job behind a signalled fence")
}

fn two(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    let gates = [Pending::new()?, Pending::new()?];
    let fence = queue.job().after(&gates[0])?.after(&gates[1])?.submit()?;
    gates[1].signal()?;
    held(&fence, "a job one of whose two fences is pending")?;
    gates[0].signal()?;
    ended(&fence, "a job whose two fences signalled")
}

fn failed(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    let timeline = Timeline::new()?;
    let gate = timeline.fence(1).must("make a sw_sync fence")?;
    let fence = queue.job().after(&gate)?.submit()?;
    held(&fence, "a job behind a pending fence")?;
    drop(timeline);
    check!(gate.status().is_ok_and(|status| status < 0), "the closed timeline's fence has no error");
    let status = over(&fence, "a job behind a failed fence")?;
    ctx.note(format!("behind a fence with an error the job's fence has the status {status}"));
    ended(&queue.job().submit()?, "the next job of the queue")
}

fn long(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    // Longer than any driver gives its own job, and no fault of this one.
    let gate = Pending::lasting(std::time::Duration::from_secs(30))?;
    let fence = queue.job().after(&gate)?.submit()?;
    check!(!fence.wait(12_000).must("poll a job's fence")?, "the job gave up on its in-fence");
    gate.signal()?;
    ended(&fence, "the job whose fence signalled late")
}

fn bad(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    let memfd = memfd_create("no sync file", MFdFlags::MFD_CLOEXEC).must("create a memfd")?;
    // Both drivers look the fd up by sync_file_get_fence(), and say EINVAL where it finds none.
    queue
        .job()
        .after(&memfd)?
        .try_submit()?
        .refused("submit a job behind a memfd", nix::errno::Errno::EINVAL)?;
    ended(&queue.job().submit()?, "a job after a refused one")
}

fn chain(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queues = [gpu.queue()?, gpu.queue()?];
    let buffer = gpu.buffer(PAGE)?;
    let gate = Pending::new()?;
    let mut last = queues[0].job().after(&gate)?.fill(&buffer, 1).submit()?;
    for n in 2..=8 {
        last = queues[n % 2].job().after(&last)?.fill(&buffer, n as u64).submit()?;
    }
    held(&last, "the last job of a chain that has not begun")?;
    gate.signal()?;
    ended(&last, "the last job of a chain")?;
    holds(&buffer.map()?, 8, "the buffer that a chain of jobs filled")
}

fn deadline(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.submit()?;
    for deadline_ns in [0, 1, u64::MAX] {
        let data = SetDeadline { deadline_ns, pad: 0 };
        fence.set_deadline(&data).must(&format!("set the deadline {deadline_ns}"))?;
        check_eq!(fence.status(), Ok(0), "the status after a deadline of {deadline_ns} ns");
    }
    held(&fence, "a job whose deadline is long past")?;
    gate.signal()?;
    ended(&fence, "a job with a deadline")
}
