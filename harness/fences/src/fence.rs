//! Fences and sets of them.

use fencelab_trace::CallId;
use fencelab_trace::model::ObjectId;

/// A fence: its index in the world's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FenceId(pub u32);

/// Work handed to a device: its index in the world's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// What does jobs one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// A context, channel or submit queue.
    Object(ObjectId),
    /// A CRTC of a device, by its number there; 0: it is not known which.
    Crtc(u32, u32),
}

/// What signals a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A device, when it has done a job.
    Job(JobId),
    /// Whoever moves a sw_sync timeline up to that value.
    Timeline(ObjectId, u64),
    /// Whoever calls VGEM_FENCE_SIGNAL on that open file, or vgem itself after its limit.
    Vgem(ObjectId),
    /// Nobody knows: its origin was not seen.
    Outside,
}

/// A moment, and the call that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// Ticks of the session's clock.
    pub ticks: u64,
    /// The call.
    pub call: CallId,
}

/// One fence: it signals once.
#[derive(Clone, Copy, Debug)]
pub struct Fence {
    /// As the trace names it.
    pub object: Option<ObjectId>,
    /// What signals it.
    pub maker: Maker,
    /// Where it was made.
    pub made: At,
    /// When it was known to have signalled, and by which call: the one that signalled it, or a wait that saw it.
    pub signalled: Option<At>,
}

/// A conjunction of fences, as a sync_file or a syncobj holds: it has signalled when all have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FenceSet {
    fences: Vec<FenceId>,
    /// Whether there is something in it that the trace did not see.
    pub unknown: bool,
}

impl FenceSet {
    /// One of which nothing is known.
    pub fn unknown() -> Self {
        Self { fences: Vec::new(), unknown: true }
    }

    /// Of one fence.
    pub fn of(fence: FenceId) -> Self {
        Self { fences: vec![fence], unknown: false }
    }

    /// Its fences, in order.
    pub fn iter(&self) -> impl Iterator<Item = FenceId> + '_ {
        self.fences.iter().copied()
    }

    /// Whether it holds nothing, known or unknown: it has signalled.
    pub fn is_empty(&self) -> bool {
        self.fences.is_empty() && !self.unknown
    }

    /// How many fences are known to be in it.
    pub fn len(&self) -> usize {
        self.fences.len()
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        self.unknown |= other.unknown;
        for fence in other.iter() {
            self.insert(fence);
        }
    }

    /// Adds one.
    pub fn insert(&mut self, fence: FenceId) {
        if let Err(at) = self.fences.binary_search(&fence) {
            self.fences.insert(at, fence);
        }
    }

    /// Drops those that are not wanted any more.
    pub fn retain(&mut self, keep: impl FnMut(&FenceId) -> bool) {
        self.fences.retain(keep);
    }
}

impl FromIterator<FenceId> for FenceSet {
    fn from_iter<I: IntoIterator<Item = FenceId>>(fences: I) -> Self {
        let mut set = Self::default();
        fences.into_iter().for_each(|fence| set.insert(fence));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_each_fence_once() {
        let mut set: FenceSet = [3, 1, 3].map(FenceId).into_iter().collect();
        set.extend(&FenceSet::of(FenceId(2)));
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 2, 3].map(FenceId));
        assert!(!set.is_empty() && FenceSet::default().is_empty() && !FenceSet::unknown().is_empty());
    }
}
