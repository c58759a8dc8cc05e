//! The one order of everything: beginnings and ends of calls, and births of processes.
//!
//! What a call gives up it gives up at its beginning, what it brings it brings at its end. So the model walks both, and what
//! is given up by one thread is gone before another one can be given it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::Session;
use crate::end::{End, How};
use crate::id::{CallId, ProcessId, ThreadId};

/// One step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A process is seen for the first time.
    Birth(ProcessId),
    /// A call is made.
    Begin(CallId),
    /// A call returns.
    End(CallId),
    /// A process has ended.
    Death(ProcessId),
}

impl Step {
    /// The call whose step it is.
    pub(crate) fn call(self) -> Option<CallId> {
        match self {
            Self::Begin(id) | Self::End(id) => Some(id),
            Self::Birth(_) | Self::Death(_) => None,
        }
    }
}

/// The walk. It can go on when a live session has grown: what comes late is taken in as soon as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    begins: BinaryHeap<Reverse<(u64, ThreadId, u32)>>,
    ends: BinaryHeap<Reverse<(u64, ThreadId, u32)>>,
    births: BinaryHeap<Reverse<(u64, u32)>>,
    deaths: BinaryHeap<Reverse<(u64, u32)>>,
    /// Whether the end of each process is taken or lies in `deaths`.
    dead: Vec<bool>,
    /// Calls of each thread that are taken or lie in `begins`.
    taken: Vec<u32>,
    known_processes: u32,
    /// Calls that have begun and not returned, as far as is known.
    open: Vec<CallId>,
}

impl Steps {
    /// Takes in what the session has come to know since the last time.
    pub(crate) fn refresh(&mut self, session: &Session) {
        for process in session.processes().iter().skip(self.known_processes as usize) {
            self.births.push(Reverse((process.seen, process.id.0)));
        }
        self.known_processes = session.processes().len() as u32;
        self.take_deaths(session);
        for thread in session.threads().iter().skip(self.taken.len()) {
            self.taken.push(0);
            self.offer(session, thread.id);
        }
        let waiting: Vec<bool> = self.queued(session.threads().len());
        for thread in session.threads() {
            if !waiting[thread.id.0 as usize] {
                self.offer(session, thread.id);
            }
        }
        let ends = &mut self.ends;
        self.open.retain(|id| match session.entry(*id).and_then(|entry| entry.exit()) {
            Some(exit) => {
                ends.push(Reverse((exit, id.thread, id.index)));
                false
            }
            None => true,
        });
    }

    /// Processes that have ended since the last time.
    fn take_deaths(&mut self, session: &Session) {
        self.dead.resize(session.processes().len(), false);
        let mut last = None;
        for (process, dead) in session.processes().iter().zip(&mut self.dead) {
            // Whoever has called exit in a live session will soon be known to be gone.
            let over = |end: &&End| end.how != How::Exec && (end.gone || !session.is_live());
            let Some(end) = process.ended().filter(over).filter(|_| !*dead) else { continue };
            let at = end.ticks.unwrap_or_else(|| *last.get_or_insert_with(|| session.last_ticks()));
            self.deaths.push(Reverse((at.max(process.seen), process.id.0)));
            *dead = true;
        }
    }

    /// Which threads have a call in `begins`.
    fn queued(&self, threads: usize) -> Vec<bool> {
        let mut queued = vec![false; threads];
        for Reverse((_, thread, _)) in &self.begins {
            queued[thread.0 as usize] = true;
        }
        queued
    }

    /// Puts a thread's next call into `begins`, if there is one.
    fn offer(&mut self, session: &Session, thread: ThreadId) {
        let Some(taken) = self.taken.get_mut(thread.0 as usize) else { return };
        if let Some(entry) = session.entry(CallId { thread, index: *taken }) {
            self.begins.push(Reverse((entry.enter, thread, *taken)));
            *taken += 1;
        }
    }

    /// The next call to be made; the one behind it on its thread takes its place.
    fn take_begin(&mut self, session: &Session) -> Option<CallId> {
        let mut top = self.begins.peek_mut()?;
        let Reverse((_, thread, index)) = *top;
        let next = self.taken.get_mut(thread.0 as usize);
        let entry = next.as_ref().and_then(|next| session.entry(CallId { thread, index: **next }));
        match (entry, next) {
            (Some(entry), Some(next)) => {
                *top = Reverse((entry.enter, thread, *next));
                *next += 1;
            }
            _ => _ = PeekMut::pop(top),
        }
        Some(CallId { thread, index })
    }

    /// The next step before `until` ticks, and when it is.
    pub(crate) fn next(&mut self, session: &Session, until: u64) -> Option<(u64, Step)> {
        let time = |top: Option<u64>| top.unwrap_or(u64::MAX);
        let end = self.ends.peek().map(|Reverse((at, ..))| *at);
        let birth = self.births.peek().map(|Reverse((at, _))| *at);
        let begin = self.begins.peek().map(|Reverse((at, ..))| *at);
        let death = self.deaths.peek().map(|Reverse((at, _))| *at);
        let at = time(end).min(time(birth)).min(time(begin)).min(time(death));
        if at > until || (end, birth, begin, death) == (None, None, None, None) {
            return None;
        }
        if end == Some(at) {
            let Reverse((_, thread, index)) = self.ends.pop()?;
            return Some((at, Step::End(CallId { thread, index })));
        }
        if birth == Some(at) {
            let Reverse((_, process)) = self.births.pop()?;
            return Some((at, Step::Birth(ProcessId(process))));
        }
        if begin != Some(at) {
            let Reverse((_, process)) = self.deaths.pop()?;
            return Some((at, Step::Death(ProcessId(process))));
        }
        let id = self.take_begin(session)?;
        let (thread, index) = (id.thread, id.index);
        match session.entry(id).and_then(|entry| entry.exit()) {
            Some(exit) => self.ends.push(Reverse((exit, thread, index))),
            None => self.open.push(id),
        }
        Some((at, Step::Begin(id)))
    }

    /// Ticks of the next step.
    pub(crate) fn next_ticks(&self) -> Option<u64> {
        let calls = [&self.begins, &self.ends].into_iter().filter_map(|heap| Some(heap.peek()?.0.0));
        let processes = [&self.births, &self.deaths].into_iter().filter_map(|heap| Some(heap.peek()?.0.0));
        calls.chain(processes).min()
    }

    /// Calls that are taken or are next on their threads.
    pub(crate) fn taken(&self) -> usize {
        self.taken.iter().map(|taken| *taken as usize).sum()
    }
}
