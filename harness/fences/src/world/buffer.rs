//! A buffer's reservation: the fences of those who write and read it (`drivers/dma-buf/dma-resv.c`).

use fencelab_trace::model::Access;

use super::World;
use crate::fence::{FenceId, FenceSet, Maker};

/// What a buffer's reservation holds.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    writes: FenceSet,
    reads: FenceSet,
}

impl Buffer {
    /// A buffer that came from elsewhere: who uses it there was not seen.
    pub fn unknown() -> Self {
        Self { writes: FenceSet::unknown(), reads: FenceSet::unknown() }
    }

    /// What an access waits for: a reader for the writers, a writer for all.
    pub fn fences(&self, access: Access) -> FenceSet {
        let mut set = self.writes.clone();
        if access == Access::Write {
            set.extend(&self.reads);
        }
        set
    }

    /// Puts the fences of another buffer here too.
    pub fn extend(&mut self, other: &Self) {
        self.writes.extend(&other.writes);
        self.reads.extend(&other.reads);
    }

    pub(crate) fn part(&mut self, access: Access) -> &mut FenceSet {
        match access {
            Access::Write => &mut self.writes,
            Access::Read => &mut self.reads,
        }
    }
}

impl World {
    /// Drops fences that have signalled, and those that a later one of the same queue or timeline stands for, as
    /// `dma_resv_add_fence` replaces those of its context.
    pub(super) fn tidy(&self, set: &mut FenceSet) {
        /// Below this many there is nothing to gain.
        const FEW: usize = 4;
        if set.len() < FEW {
            return;
        }
        let all: Vec<FenceId> = set.iter().collect();
        set.retain(|old| !self.has_signalled(*old) && !all.iter().any(|new| self.supersedes(*new, *old)));
    }

    fn supersedes(&self, new: FenceId, old: FenceId) -> bool {
        let maker = |id| self.fence(id).map(|fence| fence.maker);
        match (maker(new), maker(old)) {
            (Some(Maker::Job(new)), Some(Maker::Job(old))) => {
                let queue = |id| self.job(id).and_then(|job| job.queue);
                new > old && queue(new).is_some() && queue(new) == queue(old)
            }
            (Some(Maker::Timeline(new, high)), Some(Maker::Timeline(old, low))) => new == old && high > low,
            _ => false,
        }
    }
}
