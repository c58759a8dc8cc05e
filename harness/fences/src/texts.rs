//! The texts of calls, which have to be made where the calls were: what a number names changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use fencelab_trace::model::{Mark, Model, Moment};
use fencelab_trace::{CallId, Session, ThreadId};

use crate::fence::At;
use crate::finding::Call;

/// Marks in a walk, from the beginning to where it stands, about as far from each other.
#[derive(Debug)]
pub(crate) struct Marks {
    list: Vec<Mark>,
    /// Steps between two of them, and from the last one on.
    spacing: u64,
    since: u64,
}

impl Default for Marks {
    fn default() -> Self {
        Self { list: Vec::new(), spacing: Self::CLOSEST, since: 0 }
    }
}

impl Marks {
    /// Steps that are walked again in a few milliseconds.
    const CLOSEST: u64 = 1 << 14;
    /// More of them would cost more than they spare.
    const MOST: usize = 64;

    /// Another step was taken: if it was the last of many, where the walk stands is marked.
    pub(crate) fn step(&mut self, model: &mut Model, session: &Session) {
        self.since += 1;
        if self.since < self.spacing {
            return;
        }
        self.since = 0;
        if self.list.len() == Self::MOST {
            // Every other one goes: however long the walk, what marks cost stays a part of it.
            let mut index = 0;
            self.list.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            self.spacing *= 2;
        }
        self.list.push(model.mark(session));
    }

    /// The last mark before a tick, if it lies behind where one has come to.
    fn before(&self, ticks: u64, here: Option<u64>) -> Option<&Mark> {
        let mark = self.list.iter().rev().find(|mark| mark.ticks() < ticks)?;
        here.is_none_or(|here| mark.ticks() > here).then_some(mark)
    }
}

/// A call, or the end of a process at that tick in the manner of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(CallId, Option<u64>);

/// The texts of some calls; of those that have returned also when, by CLOCK_MONOTONIC in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Texts(BTreeMap<Key, (String, Option<u64>)>);

impl Texts {
    /// Reads those of these calls and of these moments, which a walk has come by.
    pub(crate) fn read(
        session: &Session,
        model: &Model,
        marks: &Marks,
        calls: impl Iterator<Item = CallId>,
        moments: impl Iterator<Item = At>,
    ) -> io::Result<Self> {
        // At its end a call knows what it has made; what it has given up is known at its beginning only.
        let complete = |id| Some((session.returned(id).or(session.entered(id))?, Key(id, None)));
        let of = |at: At| complete(at.call).unwrap_or((at.ticks, Key(at.call, Some(at.ticks))));
        let mut wanted: Vec<(u64, Key)> = calls.filter_map(complete).chain(moments.map(of)).collect();
        wanted.sort_unstable();
        let keys: BTreeSet<Key> = wanted.iter().map(|(_, key)| *key).collect();
        let (mut texts, mut again, mut here) = (BTreeMap::new(), None, None);
        for (ticks, _) in wanted {
            if let Some(mark) = marks.before(ticks, here) {
                again = Some(model.again(mark, session));
            }
            let walk = again.get_or_insert_with(|| Model::new(session));
            while let Some(event) = walk.next_until(session, ticks)? {
                let key = Key(event.call.id, event.ended().map(|_| event.ticks));
                if keys.contains(&key) {
                    let returned = (event.moment == Moment::End).then(|| session.clock().ns(event.ticks));
                    texts.insert(key, (event.text(), returned));
                }
            }
            here = Some(ticks);
        }
        Ok(Self(texts))
    }

    /// Fills in a call of a finding.
    pub(crate) fn fill(&self, call: &mut Call) {
        let id = CallId { thread: ThreadId(call.id.0), index: call.id.1 };
        if let Some((text, returned)) = self.0.get(&Key(id, None)) {
            (call.text, call.returned_ns) = (text.clone(), *returned);
        }
    }

    /// The text of the call that stands for a moment.
    pub(crate) fn of(&self, at: At) -> Option<&str> {
        let text = self.0.get(&Key(at.call, None)).or_else(|| self.0.get(&Key(at.call, Some(at.ticks))));
        text.map(|(text, _)| text.as_str())
    }
}
