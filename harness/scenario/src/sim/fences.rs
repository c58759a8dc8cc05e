//! Fences and what signals them.

use crate::Name;

/// A fence: its index.
pub(super) type FenceId = usize;

/// Who signals a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// Whoever moves a timeline up to that value.
    Timeline(Name, u64),
    /// A queue, when it has done its job of that index.
    Job(usize),
    /// Whoever signals that vgem fence; vgem itself in the end.
    Vgem,
}

/// A fence.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    pub(super) maker: Maker,
    pub(super) signalled: bool,
}

/// Fences that must all have signalled.
pub(super) type Set = Vec<FenceId>;

/// A job of a queue, or a commit.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) queue: Name,
    pub(super) waits: Set,
    pub(super) lasts: u64,
    pub(super) fence: FenceId,
    /// When it will be done, once it has begun.
    pub(super) ends: Option<u64>,
    pub(super) done: bool,
}

/// A sync object.
#[derive(Clone, Debug, Default)]
pub(super) struct Syncobj {
    /// Its binary fence.
    pub(super) cell: Option<Set>,
    /// Its points, in order.
    pub(super) points: Vec<(u64, Set)>,
    /// A fence was there and was taken away.
    pub(super) taken: bool,
}

impl Syncobj {
    /// What a wait for a point waits for; `None`: nobody has submitted it.
    pub(super) fn at(&self, point: u64) -> Option<Set> {
        if point == 0 {
            let last = self.points.last().map(|_| self.chain(u64::MAX));
            return self.cell.clone().or(last);
        }
        let reached = self.points.iter().find(|(p, _)| *p >= point)?.0;
        Some(self.chain(reached))
    }

    /// A point is done when all before it are.
    fn chain(&self, up_to: u64) -> Set {
        self.points.iter().filter(|(p, _)| *p <= up_to).flat_map(|(_, set)| set.clone()).collect()
    }

    /// Puts fences at a point. A point that is not above the newest becomes one more at the newest (dma_fence_chain_init()).
    pub(super) fn put(&mut self, point: u64, set: Set) {
        if point == 0 {
            *self = Syncobj { cell: Some(set), points: Vec::new(), taken: false };
        } else {
            let newest = self.points.last().map_or(0, |(p, _)| *p);
            self.points.push((point.max(newest), set));
            self.cell = None;
        }
    }

    /// Empties it.
    pub(super) fn reset(&mut self) {
        let had = self.cell.is_some() || !self.points.is_empty();
        *self = Syncobj { cell: None, points: Vec::new(), taken: self.taken || had };
    }
}
