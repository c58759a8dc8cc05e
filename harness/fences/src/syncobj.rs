//! What a DRM sync object holds: one fence, or a timeline of points (`drivers/gpu/drm/drm_syncobj.c`).

use crate::fence::FenceSet;

/// A sync object.
#[derive(Clone, Debug, Default)]
pub struct Syncobj {
    /// What it holds. A binary cell holds at most one set; `None`: it is empty.
    binary: Option<FenceSet>,
    /// Points that were submitted, in rising order; those below the first that is kept have signalled.
    points: Vec<(u64, FenceSet)>,
    /// How many times it was reset or its content replaced.
    pub generation: u32,
    /// Whether its past was not seen.
    pub opaque: bool,
}

/// What a wait for a point finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No fence yet.
    Nothing,
    /// These fences.
    Fences(FenceSet),
}

/// What was wrong with a new point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It is not above the newest one.
    Backwards {
        /// The newest one.
        newest: u64,
    },
}

impl Syncobj {
    /// One whose past was not seen.
    pub fn opaque() -> Self {
        Self { binary: Some(FenceSet::unknown()), opaque: true, ..Self::default() }
    }

    /// Empties it.
    pub fn reset(&mut self) {
        *self = Self { generation: self.generation + 1, opaque: false, ..Self::default() };
    }

    /// Puts fences in place of what it held.
    pub fn replace(&mut self, set: FenceSet) {
        *self = Self { binary: Some(set), generation: self.generation + 1, opaque: false, ..Self::default() };
    }

    /// Adds a point behind those that are there (`drm_syncobj_add_point`). The fences of a point are its own; it
    /// signals when those of all points below have too.
    pub fn add_point(&mut self, point: u64, set: FenceSet) -> Option<Odd> {
        let newest = self.points.last().map(|(newest, _)| *newest);
        if let Some(newest) = newest.filter(|newest| point <= *newest) {
            // The kernel takes it, warns nobody, and gives the new node the newest number.
            self.points.push((newest, set));
            return Some(Odd::Backwards { newest });
        }
        self.points.push((point, set));
        None
    }

    /// What a wait for a point finds: a point is there as soon as it or a later one was submitted
    /// (`dma_fence_chain_find_seqno`).
    pub fn find(&self, point: u64) -> Found {
        if point == 0 {
            let whole = self.points.iter().map(|(_, set)| set).chain(self.binary.as_ref());
            let mut all = FenceSet::default();
            let mut any = false;
            for set in whole {
                all.extend(set);
                any = true;
            }
            return if any { Found::Fences(all) } else { Found::Nothing };
        }
        let Some(at) = self.points.iter().position(|(there, _)| *there >= point) else {
            // A timeline whose past was not seen may be anywhere; a binary fence is no point.
            return if self.opaque { Found::Fences(FenceSet::unknown()) } else { Found::Nothing };
        };
        let mut all = self.binary.clone().unwrap_or_default();
        self.points[..=at].iter().for_each(|(_, set)| all.extend(set));
        Found::Fences(all)
    }

    /// Whether it holds so many points that those which have signalled should be forgotten.
    pub fn is_long(&self) -> bool {
        const MANY: usize = 16;
        self.points.len() >= MANY
    }

    /// Forgets points that have signalled, but the newest.
    pub fn prune(&mut self, has_signalled: impl Fn(&FenceSet) -> bool) {
        let last = self.points.len().saturating_sub(1);
        let done = self.points[..last].iter().take_while(|(_, set)| has_signalled(set)).count();
        self.points.drain(..done);
    }

    /// The newest point.
    pub fn newest(&self) -> Option<u64> {
        self.points.last().map(|(point, _)| *point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::FenceId;

    fn set(of: &[u32]) -> FenceSet {
        of.iter().map(|id| FenceId(*id)).collect()
    }

    #[test]
    fn a_point_is_there_when_a_later_one_is() {
        let mut object = Syncobj::default();
        assert_eq!(object.find(3), Found::Nothing);
        assert_eq!(object.add_point(2, set(&[1])), None);
        assert_eq!(object.add_point(4, set(&[2])), None);
        assert_eq!(object.find(1), Found::Fences(set(&[1])));
        assert_eq!(object.find(3), Found::Fences(set(&[1, 2])));
        assert_eq!(object.find(5), Found::Nothing);
        assert_eq!(object.find(0), Found::Fences(set(&[1, 2])));
    }

    #[test]
    fn a_point_that_goes_back_is_said() {
        let mut object = Syncobj::default();
        object.add_point(4, set(&[1]));
        assert_eq!(object.add_point(4, set(&[2])), Some(Odd::Backwards { newest: 4 }));
        assert_eq!(object.find(4), Found::Fences(set(&[1])));
    }

    #[test]
    fn a_reset_cell_is_another_one() {
        let mut object = Syncobj::opaque();
        assert_eq!(object.find(0), Found::Fences(FenceSet::unknown()));
        object.reset();
        assert_eq!((object.find(0), object.generation), (Found::Nothing, 1));
        object.replace(set(&[7]));
        assert_eq!((object.find(0), object.generation), (Found::Fences(set(&[7])), 2));
        assert_eq!(object.find(1), Found::Nothing);
    }
}
