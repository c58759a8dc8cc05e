//! A program run once more in the model of fences, in the recorded order but for one call that comes early.

use fencelab_trace::model::{Effect, Moment, Target};
use fencelab_trace::{Session, ThreadId};

use super::order::Order;
use super::program::{Part, Program};
use super::witness;
use crate::fence::At;
use crate::graph::{Assume, Builder, Graph, Holders, Key, Nobody, People};
use crate::syncobj::Found;
use crate::world::{Blocked, POLL, Step, World};

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before its next call.
    Before,
    /// In a call.
    In(usize),
    /// A call had another result than when it was recorded: what it would do then is not known.
    Lost(usize),
}

/// Two calls that change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Swap {
    /// Recorded first; made only after the other.
    pub(super) first: usize,
    /// Recorded second.
    pub(super) second: usize,
    /// Which part of the second does what matters.
    pub(super) part: Moment,
}

/// A run, as far as it has come.
pub(super) struct Run<'a> {
    program: &'a Program,
    order: &'a Order<'a>,
    pub(super) world: World,
    /// By thread: calls that are over.
    next: Vec<usize>,
    places: Vec<Place>,
    done: Vec<bool>,
    begun: Vec<bool>,
    /// What has happened, in order.
    pub(super) steps: Vec<witness::Step>,
    /// Ticks of the last step: they only serve to tell earlier from later.
    pub(super) ticks: u64,
    hidden: bool,
    held: Option<Swap>,
}

impl<'a> Run<'a> {
    /// Runs as far as can be; `None`: the two calls cannot change places.
    pub(super) fn of(program: &'a Program, order: &'a Order<'a>, swap: Option<Swap>) -> Option<Self> {
        let calls = program.calls.len();
        let mut run = Self {
            program,
            order,
            world: program.base.clone(),
            next: vec![0; program.threads.len()],
            places: vec![Place::Before; program.threads.len()],
            done: vec![false; calls],
            begun: vec![false; calls],
            steps: Vec::with_capacity(2 * calls),
            ticks: program.calls.first().map_or(0, |call| call.enter),
            hidden: true,
            held: swap,
        };
        for (thread, of) in program.threads.iter().enumerate() {
            if let Some(first) = of.calls.first().filter(|at| program.calls[**at].is_under_way()) {
                run.places[thread] = Place::In(*first);
                run.begun[*first] = true;
            }
        }
        run.go_on();
        if run.held.is_some() {
            return None;
        }
        // Whoever might help although it came later, does.
        run.hidden = false;
        run.go_on();
        Some(run)
    }

    fn go_on(&mut self) {
        loop {
            while let Some(thread) = self.choose() {
                self.step(thread);
            }
            // The second call does not return, but has done what matters: the first may be made now.
            let begun = |swap: Swap| swap.part == Moment::Begin && self.begun[swap.second];
            if self.held.take_if(|swap| begun(*swap)).is_none() {
                break;
            }
        }
    }

    /// The thread whose next step was recorded first, of those that can take one.
    fn choose(&mut self) -> Option<usize> {
        let mut steps: Vec<(u64, usize)> =
            (0..self.places.len()).filter_map(|thread| Some((self.recorded(thread)?, thread))).collect();
        steps.sort_unstable();
        steps.into_iter().map(|(_, thread)| thread).find(|thread| self.can(*thread))
    }

    /// When a thread's next step was recorded.
    fn recorded(&self, thread: usize) -> Option<u64> {
        match self.places[thread] {
            Place::Before => Some(self.program.calls[self.next_call(thread)?].enter),
            Place::In(call) => self.program.calls[call].exit,
            Place::Lost(_) => None,
        }
    }

    fn next_call(&self, thread: usize) -> Option<usize> {
        self.program.threads[thread].calls.get(self.next[thread]).copied()
    }

    fn can(&mut self, thread: usize) -> bool {
        match self.places[thread] {
            Place::Before => {
                let Some(call) = self.next_call(thread) else { return false };
                let is_held = self.held.is_some_and(|swap| swap.first == call);
                !is_held && self.order.allows(call, &self.done, &self.begun, &self.next, self.hidden)
            }
            Place::In(call) => self.returns(call),
            Place::Lost(_) => false,
        }
    }

    /// Whether a call returns now, with the result that was recorded.
    fn returns(&mut self, call: usize) -> bool {
        let call = &self.program.calls[call];
        if call.is_death || call.result.is_none_or(|result| result < 0) {
            return call.exit.is_some();
        }
        let open = self.world.open_calls(call.id.thread).iter().find(|open| open.at.call == call.id);
        // A poll that returned 0 was over by its time limit.
        let waited = call.name == POLL && call.result == Some(0);
        if waited || open.is_none_or(|open| matches!(open.blocked, Blocked::Nothing)) {
            return true;
        }
        // With nobody to act, what is left depends on calls that have not been made. What was not seen is taken to help.
        let graph = self.graph();
        let stuck = graph.irreducible(Assume { people: true, limits: false });
        graph.find(Key::Thread(call.id.thread)).is_none_or(|id| !stuck[id.0 as usize])
    }

    /// Who waits for whom now, with nobody who could act.
    fn graph(&mut self) -> Graph {
        self.world.settle();
        Builder::new(&self.world, &Holders::default(), &Nobody, &|thread| thread.0).build(u64::MAX)
    }

    /// Who waits for whom now, with those who could act.
    pub(super) fn graph_with(&mut self, session: &Session, holders: &Holders, people: &dyn People) -> Graph {
        self.world.settle();
        let tid_of = |thread: ThreadId| session.thread(thread).map_or(0, |thread| thread.tid);
        Builder::new(&self.world, holders, people, &tid_of).build(u64::MAX)
    }

    fn step(&mut self, thread: usize) {
        self.ticks += 1;
        match self.places[thread] {
            Place::Before => {
                if let Some(call) = self.next_call(thread) {
                    self.begin(thread, call);
                }
            }
            Place::In(call) => self.end(thread, call),
            Place::Lost(_) => {}
        }
    }

    fn begin(&mut self, thread: usize, call: usize) {
        self.note(call, witness::Moment::Begin);
        self.begun[call] = true;
        self.places[thread] = Place::In(call);
        let program = self.program;
        if let Some(part) = &program.calls[call].begin {
            if self.is_refused(call, part) {
                return self.lose(thread, call);
            }
            self.apply(call, part, true);
        }
    }

    fn end(&mut self, thread: usize, call: usize) {
        let program = self.program;
        if let Some(part) = &program.calls[call].end {
            if self.is_refused(call, part) {
                return self.lose(thread, call);
            }
            self.apply(call, part, false);
        }
        self.note(call, witness::Moment::End);
        self.done[call] = true;
        self.next[thread] += 1;
        self.places[thread] = Place::Before;
        self.release(call);
    }

    /// A call is refused: it is over, and nothing is known of what comes after it.
    fn lose(&mut self, thread: usize, call: usize) {
        self.places[thread] = Place::Lost(call);
        self.release(call);
    }

    fn note(&mut self, call: usize, moment: witness::Moment) {
        let call = &self.program.calls[call];
        if !call.is_death {
            self.steps.push(witness::Step { call: call.id.into(), moment });
        }
    }

    fn apply(&mut self, call: usize, part: &Part, begins: bool) {
        let at = At { ticks: self.ticks, call: self.program.calls[call].id };
        let Part { effects, targets, facts } = part;
        self.world.apply(&Step { begins, at, effects, targets, facts });
    }

    /// The second call is over before the first: that may be made now.
    fn release(&mut self, call: usize) {
        self.held.take_if(|swap| swap.second == call);
    }

    /// Whether a call that succeeded would be refused now, as a sync object is empty (EINVAL: `drm_syncobj_find_fence`,
    /// `drm_syncobj_array_wait_timeout`).
    fn is_refused(&self, call: usize, part: &Part) -> bool {
        if self.program.calls[call].result.is_none_or(|result| result < 0) {
            return false;
        }
        let empty = |target: &Target| {
            matches!(target, Target::Point(..)) && self.world.read(*target) == Found::Nothing
        };
        part.effects.iter().any(|effect| match effect {
            Effect::Wait { targets, for_submit: false, .. } => part.targets_of(targets).iter().any(empty),
            Effect::Submit { waits, .. } => part.targets_of(waits).iter().any(empty),
            // One that waits for its fence has a time until when.
            Effect::Copy { from, .. } => part.facts.copies_until.is_none() && empty(from),
            _ => false,
        })
    }

    /// Calls that have begun and never return, although they did when they were recorded.
    pub(super) fn stuck(&self) -> Vec<usize> {
        let calls = self.places.iter().filter_map(|place| match place {
            Place::In(call) => Some(*call),
            _ => None,
        });
        calls.filter(|call| self.program.calls[*call].exit.is_some()).collect()
    }

    /// A call that would have been refused.
    pub(super) fn refused(&self) -> Option<usize> {
        self.places.iter().find_map(|place| match place {
            Place::Lost(call) => Some(*call),
            _ => None,
        })
    }

    /// The next calls of those who do not make them.
    pub(super) fn held(&self) -> Vec<usize> {
        let before = (0..self.places.len()).filter(|thread| self.places[*thread] == Place::Before);
        before
            .filter_map(|thread| self.next_call(thread))
            .filter(|at| !self.program.calls[*at].is_death)
            .collect()
    }
}
