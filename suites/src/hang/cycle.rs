//! Circles of fences across two devices. Lockdep sees nothing of them: no lock is part of it.

use super::expect::{End, Expect, On, Owner, Stuck, Verdict};
use super::stuck::{WAITS_FOR_FENCES, fence, recovers};
use crate::atomic;
use crate::buffer::Access;
use crate::case::{Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::kms::{Commit, Stage};
use crate::must::Must;
use crate::pending::Pending;
use crate::tasks::kernel_threads_in;
use crate::uapi::sync_file::SyncFile;
use crate::waiter::Waiter;

/// The first device's commit waits for our fence, the second's for the first one; we wait for the second before we signal.
struct Circle {
    ours: Waiter<nix::Result<bool>>,
    first: SyncFile,
    second: SyncFile,
}

/// Queues a commit and returns its out-fence.
fn queue(stage: &Stage, commit: Commit) -> Result<SyncFile, Stop> {
    stage.out_fence(commit).event(1).nonblock().send().must("queue a commit")?.out_fence()
}

impl Circle {
    fn close(ctx: &Ctx, first: SyncFile, second: SyncFile) -> Result<Circle, Stop> {
        let last = second.try_clone().must("duplicate an out-fence")?;
        // What would signal our fence when the poll returns; a watchdog does, since it never will.
        let ours = Waiter::start(ctx, move || last.wait(30_000))?;
        Ok(Circle { ours, first, second })
    }

    /// Says who is stuck, lets the watchdog cut the circle, and checks that everybody gets out.
    fn show(self, ctx: &Ctx, hang: &str, fence: &Pending) -> Tested {
        let [one, two] = [0, 1].map(|n| Owner::Device(ctx.device(n).name.clone()));
        let workers = kernel_threads_in(WAITS_FOR_FENCES, 2)?;
        let on_ours = On::fence(fence.fence(), Owner::this_process())?;
        let on_first = On::fence(&self.first, one)?;
        let on_second = On::fence(&self.second, two)?;
        // Which of the two workers serves which device, their stacks do not tell.
        let stuck = vec![
            Stuck::worker(&workers[0], WAITS_FOR_FENCES, on_ours),
            Stuck::worker(&workers[1], WAITS_FOR_FENCES, on_first),
            Stuck::thread(&self.ours, "poll", on_second),
        ];
        Expect { hang: hang.into(), verdict: Verdict::Cycle, stuck, ends: End::Watchdog }.say(ctx)?;
        fence.expires()?;
        check_eq!(self.ours.join()?, Ok(true), "the end of the wait for the second device's fence");
        Ok(())
    }
}

pub(super) fn explicit(ctx: &mut Ctx) -> Tested {
    let (here, there) = (Stage::lit(ctx.device(0))?, Stage::lit(ctx.device(1))?);
    let fence = fence()?;
    let first = queue(&here, here.in_fence(here.flip(here.back.id()), &fence)?)?;
    let second = queue(&there, there.in_fence(there.flip(there.back.id()), &first)?)?;
    Circle::close(ctx, first, second)?.show(ctx, "H7", &fence)?;
    recovers(&here)?;
    recovers(&there)
}

pub(super) fn implicit(ctx: &mut Ctx) -> Tested {
    let (here, there) = (Stage::lit(ctx.device(0))?, Stage::lit(ctx.device(1))?);
    let buffers = [atomic::shown_before(&here)?, atomic::shown_before(&there)?];
    let fence = fence()?;
    buffers[0].import_fence(Access::Write, &fence)?;
    let first = queue(&here, here.flip(here.back.id()))?;
    buffers[1].import_fence(Access::Write, &first)?;
    let second = queue(&there, there.flip(there.back.id()))?;
    Circle::close(ctx, first, second)?.show(ctx, "H8", &fence)?;
    recovers(&here)?;
    recovers(&there)
}
