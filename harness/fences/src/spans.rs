//! How long jobs took, as far as calls tell.

use fencelab_trace::{CallId, Session};
use rustc_hash::FxHashSet;

use crate::fence::FenceId;
use crate::walk::Walk;
use crate::world::{Job, World};

/// What is known of how long a job took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSpan {
    /// The call that handed it over.
    pub call: CallId,
    /// Nanoseconds from when it could begin, with all that it waited for and all before it on its queue done, until it was
    /// known to be done.
    pub ns: u64,
    /// Whether it took that long: somebody slept until it was done. Else it is the most that it can have taken.
    pub exact: bool,
}

/// What is known of the jobs that were seen to be done, in the order in which they were handed over.
pub fn job_spans(session: &Session, walk: &Walk) -> Vec<JobSpan> {
    let world = &walk.world;
    let followed = followed(world);
    let of = |job: &Job| {
        let ns = span(session, world, job)?;
        let exact = !followed.contains(&job.fence) && was_slept_for(session, world, job);
        Some(JobSpan { call: job.at.call, ns, exact })
    };
    world.jobs.iter().filter_map(of).collect()
}

/// Nanoseconds from when a job could begin until it was known to be done.
pub(crate) fn span(session: &Session, world: &World, job: &Job) -> Option<u64> {
    let signalled = |id| world.fence(id).and_then(|fence| fence.signalled).map(|at| at.ticks);
    let before = job.before.and_then(|before| signalled(world.job(before)?.fence));
    let ready = job.waits.iter().filter_map(signalled).chain([job.at.ticks]).chain(before).max()?;
    let clock = session.clock();
    Some(clock.ns(signalled(job.fence)?).saturating_sub(clock.ns(ready)))
}

/// Fences that are known to have signalled only because something after them has.
fn followed(world: &World) -> FxHashSet<FenceId> {
    let signalled = |id: FenceId| world.fence(id).and_then(|fence| fence.signalled);
    let mut followed = FxHashSet::default();
    for job in &world.jobs {
        let at = signalled(job.fence);
        let before = job.before.and_then(|before| Some(world.job(before)?.fence));
        followed.extend(job.waits.iter().chain(before).filter(|id| at.is_some() && signalled(*id) == at));
    }
    followed
}

/// Whether the call that saw its end had slept for it.
fn was_slept_for(session: &Session, world: &World, job: &Job) -> bool {
    /// A call that finds its fence signalled comes back sooner, in an emulated guest too.
    const SLEPT_NS: u64 = 200_000;
    let Some(at) = world.fence(job.fence).and_then(|fence| fence.signalled) else { return false };
    let clock = session.clock();
    let began = session.entered(at.call).map(|ticks| clock.ns(ticks));
    began.is_some_and(|began| clock.ns(at.ticks).saturating_sub(began) >= SLEPT_NS)
}
