//! A job that never ends by itself, on the GPU that it hangs.

use nix::errno::Errno;

use super::{ONE, SUITE, failed, settled};
use crate::case::{Case, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE, Queue};
use crate::must::Must;
use crate::submit::{ended, holds};

pub(super) const CASES: &[Case] = &[
    case("hang", "a hung job's fence signals with an error, and the GPU works again", hang),
    case(
        "hang-queue",
        "the jobs behind a hung one end too, and its queue is refused once it hung often enough for its driver",
        queue,
    ),
    case("hang-others", "a hung job takes no other queue's jobs with it for good", others),
    case("hang-twice", "a GPU that hung once may hang again", twice),
];

const fn case(name: &'static str, about: &'static str, run: fn(&mut Ctx) -> Tested) -> Case {
    Case::new(SUITE, name, about, ONE, run)
        .rules(&["SCHED-ERROR", "FENCE-TIME", "SCHED-TDR-ALLOC", "SCHED-TDR-MODESET", "SCHED-RESET-SEM"])
        .budget_s(90)
}

fn hang(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let fence = queue.job().hang().submit()?;
    let status = failed(&fence, "a hung job")?;
    ctx.note(format!("the hung job's fence has the error {:?}", Errno::from_raw(-status)));
    let buffer = gpu.buffer(PAGE)?;
    let after = gpu.queue()?;
    ended(&after.job().fill(&buffer, 21).submit()?, "a job after the reset")?;
    holds(&buffer.map()?, 21, "the buffer of a job after the reset")
}

fn queue(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let hung = queue.job().hang().submit()?;
    let behind: Vec<_> = (0..3).map(|_| queue.job().submit()).collect::<Result<_, _>>()?;
    failed(&hung, "a hung job")?;
    for fence in &behind {
        settled(fence, "a job behind a hung one")?;
    }
    check!(queue.is_guilty()?, "the driver does not say that this queue hung the GPU");
    // amdgpu_cs_parser_init(): ECANCELED for a guilty context. i915 bans a context at the third hang in two minutes
    // (mark_guilty() in gt/intel_reset.c): EIO.
    let mut hangs = 1;
    while ctx.device(0).driver == "i915" && hangs < 3 {
        failed(&queue.job().hang().submit()?, "a hung job")?;
        hangs += 1;
    }
    let refused = queue
        .job()
        .try_submit()?
        .refused_with("submit to a queue that hung", &[Errno::ECANCELED, Errno::EIO])?;
    ctx.note(format!("the queue is refused with {refused:?} after {hangs} hangs"));
    let innocent = gpu.queue()?;
    ended(&innocent.job().submit()?, "another queue's job")?;
    check!(!innocent.is_guilty()?, "the driver says that an innocent queue hung the GPU");
    Ok(())
}

fn others(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let (bad, good) = (gpu.queue()?, gpu.queue()?);
    let buffer = gpu.buffer(PAGE)?;
    let hung = bad.job().hang().submit()?;
    let fence = good.job().fill(&buffer, 22).submit()?;
    failed(&hung, "a hung job")?;
    let status = settled(&fence, "another queue's job")?;
    ctx.note(format!("another queue's job that was pending has the status {status}"));
    check!(!good.is_guilty()?, "the driver says that an innocent queue hung the GPU");
    let next = if status == 1 {
        holds(&buffer.map()?, 22, "the buffer of another queue's job")?;
        good
    } else {
        lost(&good, status)?;
        gpu.queue()?
    };
    ended(&next.job().fill(&buffer, 23).submit()?, "the next job of who hung nothing")?;
    holds(&buffer.map()?, 23, "the buffer of the next job of who hung nothing")
}

/// A queue that lost a job to the reset: it works, or hands out that job's error until user space makes another, as
/// amdgpu_ctx_get_entity() does (drm_sched_entity_error(), drivers/gpu/drm/scheduler/sched_entity.c).
fn lost(queue: &Queue, status: i32) -> Tested {
    match queue.job().try_submit()? {
        Ok(fence) => ended(&fence, "the next job of a queue that lost one"),
        refused => refused.refused("submit to a queue that lost a job", Errno::from_raw(-status)),
    }
}

fn twice(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    for _ in 0..2 {
        let queue = gpu.queue()?;
        failed(&queue.job().hang().submit()?, "a hung job")?;
        check!(queue.is_guilty()?, "the driver does not say that this queue hung the GPU");
    }
    ended(&gpu.queue()?.job().submit()?, "a job after two resets")
}
