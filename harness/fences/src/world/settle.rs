//! Which jobs wait for something that is not a device's to do.
//!
//! A job is settled when all that it waits for has signalled or is a settled job's fence: devices will do it, whatever people
//! do. Once settled it stays so, and jobs wait only for older ones, so that one pass over them in order tells.

use super::World;
use crate::fence::{FenceId, JobId, Maker};

impl World {
    pub(super) fn note_unsettled(&mut self, id: JobId) {
        /// Below this many a look costs nothing.
        const FEW: usize = 1024;
        if !self.waits_for_people(id) {
            return;
        }
        if let Some(job) = self.jobs.get_mut(id.0 as usize) {
            job.unsettled = true;
        }
        self.unsettled.push(id);
        if self.unsettled.len() > self.look_at.max(FEW) {
            self.settle();
            self.look_at = self.unsettled.len() * 2;
        }
    }

    /// Looks again at the jobs that were not settled.
    pub fn settle(&mut self) {
        let all = std::mem::take(&mut self.unsettled);
        for id in all {
            let unsettled = self.waits_for_people(id);
            if let Some(job) = self.jobs.get_mut(id.0 as usize) {
                job.unsettled = unsettled;
            }
            if unsettled {
                self.unsettled.push(id);
            }
        }
    }

    fn waits_for_people(&self, id: JobId) -> bool {
        let Some(job) = self.job(id).filter(|job| !self.has_signalled(job.fence)) else { return false };
        let before = job.before.and_then(|before| self.job(before)).is_some_and(|before| before.unsettled);
        before || self.unsignalled(&job.waits).any(|fence| self.is_peoples(fence))
    }

    fn is_peoples(&self, fence: FenceId) -> bool {
        match self.fence(fence).map(|fence| fence.maker) {
            Some(Maker::Job(job)) => self.job(job).is_some_and(|job| job.unsettled),
            Some(_) => true,
            None => false,
        }
    }
}
