//! A GPU's jobs before and behind a flip: what a compositor's every frame is.

use std::sync::Arc;

use super::implicit::shown_before;
use super::in_fence::{completes, waits};
use crate::case::{Case, Role, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::gpu::{Buffer, Gpu, Queue};
use crate::kms::Stage;
use crate::must::Must;
use crate::pending::Pending;
use crate::submit::{ended, held};
use crate::uapi::sync_file::SyncFile;

const ROLES: &[Role] = &[Role::Scanout, Role::Submitter];

const fn case(name: &'static str, about: &'static str, run: fn(&mut Ctx) -> Tested) -> Case {
    Case::new(super::SUITE, name, about, ROLES, run)
}

/// The cases.
pub(super) const CASES: &[Case] =
    &[
        case("in-fence-job", "a flip waits for another device's job", in_fence).rules(&[
            "ATOM-IN",
            "ATOM-FOREIGN",
            "FENCE-NO-TIMEOUT",
        ]),
        case("out-fence-job", "another device's job waits for a flip's out-fence", out_fence)
            .rules(&["ATOM-OUT", "FENCE-NO-TIMEOUT"]),
        case("implicit-job", "a flip waits for another device's job that writes its buffer", implicit)
            .rules(&["RESV-USAGE", "ATOM-IN", "ATOM-FOREIGN"]),
        case(
            "explicit-job",
            "with an in-fence a flip passes another device's job that writes its buffer",
            explicit,
        )
        .rules(&["ATOM-EXPLICIT"]),
    ];

fn in_fence(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let queue = Gpu::open(ctx.device(1))?.queue()?;
    for framebuffer in [&stage.back, &stage.front] {
        let gate = Pending::new()?;
        let job = queue.job().after(&gate)?.submit()?;
        waits(&stage, stage.in_fence(stage.flip(framebuffer.id()), &job)?, &gate)?;
        check_eq!(job.status(), Ok(1), "the status of the job once the flip behind it is done");
    }
    Ok(())
}

fn out_fence(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let queue = Gpu::open(ctx.device(1))?.queue()?;
    let gate = Pending::new()?;
    let commit = stage.out_fence(stage.in_fence(stage.flip(stage.back.id()), &gate)?);
    let flipped = commit.event(1).nonblock().send().must("queue a flip")?.out_fence()?;
    let job = queue.job().after(&flipped)?.submit()?;
    held(&job, "a job behind a pending flip")?;
    gate.signal()?;
    ended(&job, "the job behind the flip")?;
    check_eq!(flipped.status(), Ok(1), "the out-fence's status once the job behind it is done");
    stage.events().flip(1).map(drop)
}

/// A job that waits for the gate and then writes a buffer. Fields are dropped in their order: what it uses goes after it.
struct Written {
    job: SyncFile,
    gate: Pending,
    _queue: Queue,
    _buffer: Buffer,
    gpu: Arc<Gpu>,
}

/// The stage's back buffer, which another device's job is to write.
fn written_by_job(ctx: &Ctx, stage: &Stage) -> Result<Written, Stop> {
    let gpu = Gpu::open(ctx.device(1))?;
    let buffer = Buffer::import(&gpu, &shown_before(stage)?)?;
    let queue = gpu.queue()?;
    let gate = Pending::new()?;
    let job = queue.job().using(&buffer, true).after(&gate)?.submit()?;
    Ok(Written { job, gate, _queue: queue, _buffer: buffer, gpu })
}

fn implicit(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let Written { job, gate, .. } = &written_by_job(ctx, &stage)?;
    waits(&stage, stage.flip(stage.back.id()), gate)?;
    ended(job, "the job that wrote the buffer")
}

fn explicit(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let Written { job, gate, gpu, .. } = &written_by_job(ctx, &stage)?;
    let mine = queue_free(gpu)?;
    completes(&stage, stage.in_fence(stage.flip(stage.back.id()), &mine)?)?;
    held(job, "the job that nobody had to wait for")?;
    gate.signal()?;
    ended(job, "the job that writes the buffer")
}

/// The fence of a job of another queue, which has ended.
fn queue_free(gpu: &Arc<Gpu>) -> Result<SyncFile, Stop> {
    let job = gpu.queue()?.job().submit()?;
    ended(&job, "another queue's job")?;
    Ok(job)
}
