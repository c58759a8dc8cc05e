//! Places in a walk to which one can come back.
//!
//! Whoever wants to know what a call looked like in its place has to walk there. From a mark that is a short way.

use super::Model;
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
    pub fn mark(&mut self) -> Mark {
        // Which objects there are need not be copied: the walk goes on to know that.
        let objects = std::mem::take(&mut self.state.objects);
        let mark = Mark {
            ticks: self.reached,
            state: self.state.clone(),
            objects: Kept::of(&objects),
            steps: self.steps.clone(),
        };
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
        Self { state, steps, reader: session.reader(), lost: 0, reached: mark.ticks }
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
        let list = || objects.list.iter();
        let named = list().enumerate().filter(|(_, object)| object.refs > 0);
        Self {
            len: objects.list.len(),
            serials: objects.serials,
            shares_fences: objects.shares_fences,
            ended: Bits::of(list().map(|object| object.ended)),
            shared: Bits::of(list().map(|object| object.shared)),
            refs: named.map(|(index, object)| (index as u32, object.refs)).collect(),
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
        Objects { list, serials: self.serials, shares_fences: self.shares_fences }
    }
}

/// A truth for each object.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn of(bits: impl Iterator<Item = bool>) -> Self {
        let mut words = Vec::new();
        for (index, bit) in bits.enumerate() {
            if index % 64 == 0 {
                words.push(0);
            }
            words[index / 64] |= u64::from(bit) << (index % 64);
        }
        Self(words)
    }

    fn get(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}
