//! Others that wait for a GPU that hangs: another GPU's job, a flip, a reader of a shared buffer, a process's pages.

use std::time::Duration;

use super::{SUITE, failed, settled};
use crate::buffer::Access;
use crate::case::{Case, Role, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE, RESET_PATIENCE};
use crate::kms::Stage;
use crate::must::Must;
use crate::submit::{ended, held};

pub(super) const CASES: &[Case] = &[
    case(
        "foreign-job",
        "another device's job behind a hung one ends",
        &[Role::Submitter, Role::Submitter],
        job,
    ),
    case("foreign-flip", "a flip behind a hung job completes", &[Role::Submitter, Role::Scanout], flip),
    case("foreign-buffer", "a buffer that a hung job was to write becomes ready", &[Role::Submitter], buffer),
];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run)
        .rules(&["RESET-FOREIGN", "SCHED-ERROR", "FENCE-TIME", "FENCE-NO-TIMEOUT"])
        .budget_s(90)
}

fn job(ctx: &mut Ctx) -> Tested {
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let (bad, queue) = (there.queue()?, here.queue()?);
    let hung = bad.job().hang().submit()?;
    let behind = queue.job().after(&hung)?.submit()?;
    held(&hung, "a hung job")?;
    held(&behind, "a job behind another device's hung one")?;
    failed(&hung, "a hung job")?;
    let status = settled(&behind, "a job behind another device's hung one")?;
    ctx.note(format!("the job behind it has the status {status}"));
    ended(&queue.job().submit()?, "the queue's next job")
}

fn flip(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    gpu.need_twin("jobs that hang")?;
    let stage = Stage::lit(ctx.device(1))?;
    let mut events = stage.events();
    let queue = gpu.queue()?;
    let hung = queue.job().hang().submit()?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &hung)?;
    commit.event(1).nonblock().send().must("queue a flip behind a hung job")?;
    events.none()?;
    failed(&hung, "a hung job")?;
    events.flip(1)?;
    stage.flip(stage.front.id()).send().must("flip after the reset").map(drop)
}

fn buffer(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let dmabuf = buffer.export()?;
    let hung = queue.job().hang().using(&buffer, true).submit()?;
    check!(!dmabuf.ready(Access::Read, Duration::ZERO)?, "a buffer that a job is to write is ready");
    let exported = dmabuf.export_fences(Access::Read)?;
    check!(dmabuf.ready(Access::Read, RESET_PATIENCE)?, "the buffer of a hung job stayed busy");
    failed(&exported, "the hung job by way of its buffer")?;
    failed(&hung, "the hung job").map(drop)
}
