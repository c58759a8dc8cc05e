//! A job that never ends by itself.

use super::LASTS;
use super::expect::{End, Expect, On, Owner, Verdict};
use super::stuck::{queue, recovers, worker_on};
use crate::case::Tested;
use crate::check;
use crate::ctx::Ctx;
use crate::gpu::{Controls, Gpu};
use crate::kms::Stage;
use crate::reset::settled;
use crate::submit::ended;

pub(super) fn lost(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(1);
    let gpu = Gpu::open(device)?;
    gpu.need_twin("jobs that hang")?;
    // The twin's own second is over before anybody has looked.
    let _limit = Controls::of(&gpu, &device.driver)?.job_timeout(LASTS)?;
    let stage = Stage::lit(ctx.device(0))?;
    let jobs = gpu.queue()?;
    let job = jobs.job().hang().submit()?;
    queue(stage.in_fence(stage.flip(stage.back.id()), &job)?)?;
    let stuck = vec![worker_on(On::fence(&job, Owner::Device(device.name.clone()))?)?];
    Expect { hang: "H11".into(), verdict: Verdict::Pending, stuck, ends: End::Driver }.say(ctx)?;
    let status = settled(&job, "the lost job")?;
    check!(status < 0, "the lost job's fence has the status {status}, and no error");
    recovers(&stage)?;
    ended(&gpu.queue()?.job().submit()?, "the next job")
}
