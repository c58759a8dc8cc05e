//! How long jobs took, as far as calls tell.

use fencelab_trace::{CallId, Session};
use rustc_hash::FxHashMap;

use crate::fence::{At, FenceId, Maker};
use crate::walk::Walk;
use crate::world::{Job, World};

/// What is known of how long a job took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSpan {
    /// The call that handed it over.
    pub call: CallId,
    /// Nanoseconds from when it could begin, as far as that is known, until it was known to be done.
    pub ns: u64,
    /// Whether it took that long: somebody slept until it was done, and until what it had to follow was. Else it is the
    /// most that it can have taken.
    pub exact: bool,
}

/// What is known of the jobs that were seen to be done, in the order in which they were handed over.
pub fn job_spans(session: &Session, walk: &Walk) -> Vec<JobSpan> {
    let ends = Ends::new(session, &walk.world);
    let of = |job: &Job| ends.span(job).map(|(ns, exact)| JobSpan { call: job.at.call, ns, exact });
    walk.world.jobs.iter().filter_map(of).collect()
}

/// When fences signalled.
pub(crate) struct Ends<'a> {
    session: &'a Session,
    world: &'a World,
    /// How many jobs were known to be done at each moment. Of several it is not known when each was: a wait for the last
    /// of them tells of all before it.
    done: FxHashMap<At, u32>,
}

impl<'a> Ends<'a> {
    pub(crate) fn new(session: &'a Session, world: &'a World) -> Self {
        let mut done = FxHashMap::default();
        let signalled = |job: &Job| world.fence(job.fence)?.signalled;
        world.jobs.iter().filter_map(signalled).for_each(|at| *done.entry(at).or_default() += 1);
        Ends { session, world, done }
    }

    /// Nanoseconds from when a job could begin until it was known to be done, and whether it took that long and not less.
    pub(crate) fn span(&self, job: &Job) -> Option<(u64, bool)> {
        let done = self.signalled(job.fence)?;
        let before = job.before.and_then(|before| Some(self.world.job(before)?.fence));
        let followed = job.waits.iter().chain(before);
        let (known, late): (Vec<FenceId>, Vec<FenceId>) =
            followed.partition(|id| self.is_known(*id) && self.signalled(*id) != Some(done));
        let last = |ids: &[FenceId]| ids.iter().filter_map(|id| self.signalled(*id)).map(|at| at.ticks).max();
        let ready = last(&known).unwrap_or(0).max(job.at.ticks);
        let is_ready_known = !job.waits.unknown && last(&late).is_none_or(|late| late <= ready);
        let clock = self.session.clock();
        let ns = clock.ns(done.ticks).saturating_sub(clock.ns(ready));
        Some((ns, is_ready_known && self.is_known(job.fence)))
    }

    fn signalled(&self, id: FenceId) -> Option<At> {
        self.world.fence(id)?.signalled
    }

    /// Whether a fence signalled when that became known, and not before.
    fn is_known(&self, id: FenceId) -> bool {
        let Some((fence, at)) = self.world.fence(id).and_then(|fence| Some((fence, fence.signalled?))) else {
            return false;
        };
        let jobs = self.done.get(&at).copied().unwrap_or_default();
        match fence.maker {
            Maker::Job(_) => jobs == 1 && self.was_slept_for(at),
            _ => jobs == 0,
        }
    }

    /// Whether the call that saw a fence signal had slept for it.
    fn was_slept_for(&self, at: At) -> bool {
        /// A call that finds its fence signalled comes back sooner, in an emulated guest too.
        const SLEPT_NS: u64 = 200_000;
        let clock = self.session.clock();
        let began = self.session.entered(at.call).map(|ticks| clock.ns(ticks));
        began.is_some_and(|began| clock.ns(at.ticks).saturating_sub(began) >= SLEPT_NS)
    }
}
