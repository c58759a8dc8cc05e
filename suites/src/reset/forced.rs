//! Resets by debugfs, while jobs run and wait.

use super::{DRIVES, ONE, SUITE, settled};
use crate::case::{Case, Role, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Controls, Gpu, PAGE};
use crate::kms::Stage;
use crate::must::Must;
use crate::pending::Pending;
use crate::submit::{ended, holds};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "forced", "a GPU that is reset by debugfs works again", ONE, forced)
        .rules(DRIVES)
        .budget_s(60),
    Case::new(SUITE, "forced-modeset", "a reset that restores displays leaves them usable", DISPLAY, modeset)
        .rules(DRIVES)
        .budget_s(60),
];

const DISPLAY: &[Role] = &[Role::AmdgpuDevice];

fn forced(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let controls = Controls::of(&gpu, &ctx.device(0).driver)?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let waiting = queue.job().after(&gate)?.submit()?;
    controls.reset()?;
    gate.signal()?;
    let status = settled(&waiting, "a job that waited during the reset")?;
    ctx.note(format!("the job that waited during the reset has the status {status}"));
    let buffer = gpu.buffer(PAGE)?;
    ended(&gpu.queue()?.job().fill(&buffer, 31).submit()?, "a job after the reset")?;
    holds(&buffer.map()?, 31, "the buffer of a job after the reset")
}

fn modeset(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let gpu = Gpu::open(ctx.device(0))?;
    let controls = Controls::of(&gpu, &ctx.device(0).driver)?;
    controls.reset_with_modeset()?;
    stage.flip(stage.back.id()).send().must("flip after the reset")?;
    ended(&gpu.queue()?.job().submit()?, "a job after the reset")
}
