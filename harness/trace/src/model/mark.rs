//! Places in a walk to which one can come back.
//!
//! Whoever wants to know what a call looked like in its place has to walk there. From a mark that is a short way.

use super::Model;
use super::bits::Bits;
use super::object::Objects;
use super::order::Steps;
use super::state::State;
use crate::Session;

/// Where a walk stood. It is small: of the objects, only what changes is in it.
#[derive(Debug)]
pub struct Mark {
    ticks: u64,
    state: State,
    objects: Kept,
    steps: Steps,
}

impl Mark {
    /// Ticks up to which the walk had come.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }
}

impl Model {
    /// A mark where the walk stands. Costs as much as there are objects and names.
    pub fn mark(&mut self, session: &Session) -> Mark {
        let steps = self.ahead.as_ref().map_or_else(|| self.steps.clone(), |ahead| ahead.position(session));
        // Which objects there are need not be copied: the walk goes on to know that.
        let objects = std::mem::take(&mut self.state.objects);
        let mark =
            Mark { ticks: self.reached, state: self.state.clone(), objects: Kept::of(&objects), steps };
        self.state.objects = objects;
        mark
    }

    /// A walk that goes on once more from a mark of this one, with what the session has come to know since. It meets the same
    /// objects under the same names.
    pub fn again(&self, mark: &Mark, session: &Session) -> Self {
        let mut state = mark.state.clone();
        state.objects = mark.objects.restore(&self.state.objects);
        let mut steps = mark.steps.clone();
        steps.refresh(session);
        Self { state, steps, reader: session.reader(), ahead: None, lost: 0, reached: mark.ticks }
    }
}

/// What changes of objects, as it was at one moment.
#[derive(Debug)]
struct Kept {
    len: usize,
    serials: [u32; super::ObjectKind::ALL.len()],
    shares_fences: bool,
    ended: Bits,
    shared: Bits,
    /// Those that had names, and how many.
    refs: Vec<(u32, u32)>,
}

impl Kept {
    fn of(objects: &Objects) -> Self {
        // What has ended has no names.
        let live = objects.ended.zeros(objects.list.len());
        let named = live.filter_map(|index| Some((index as u32, objects.list.get(index)?.refs)));
        Self {
            len: objects.list.len(),
            serials: objects.serials,
            shares_fences: objects.shares_fences,
            ended: objects.ended.clone(),
            shared: objects.shared.clone(),
            refs: named.filter(|(_, refs)| *refs > 0).collect(),
        }
    }

    /// The objects as they were, from what became of them.
    fn restore(&self, later: &Objects) -> Objects {
        let mut list = later.list.get(..self.len).unwrap_or(&later.list).to_vec();
        for (index, object) in list.iter_mut().enumerate() {
            (object.ended, object.shared, object.refs) = (self.ended.get(index), self.shared.get(index), 0);
        }
        for (index, refs) in &self.refs {
            if let Some(object) = list.get_mut(*index as usize) {
                object.refs = *refs;
            }
        }
        let (ended, shared) = (self.ended.clone(), self.shared.clone());
        Objects { list, serials: self.serials, shares_fences: self.shares_fences, ended, shared }
    }
}
