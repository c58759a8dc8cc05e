//! Which calls must come before which, whatever the order of the rest.
//!
//! Two sorts. What the calls themselves say always holds: a thread makes its calls one after the other, an object is there
//! before it is used, an fd is sent before it is received, a process ends after its last call. And what programs may do
//! between their calls: threads of one process, and processes with a socket between them, may wait for each other in ways
//! that no record shows. Between those, what was over when something else began stays so, and so does what had begun well
//! before, as somebody may have looked. Two calls of such threads may change places only if they began at the same time.

use fencelab_trace::model::ObjectId;
use rustc_hash::FxHashMap;

use super::program::{Call, Program};

/// What orders a program's calls.
pub(super) struct Order<'a> {
    program: &'a Program,
    /// The call that made an object.
    made: FxHashMap<ObjectId, usize>,
    /// Calls that use an object, in order.
    used: FxHashMap<ObjectId, Vec<usize>>,
    /// Calls that send an object to another process, in order.
    sent: FxHashMap<ObjectId, Vec<usize>>,
    /// By thread: when each of its calls had returned, rising.
    exits: Vec<Vec<u64>>,
    /// By thread: when each of its calls had begun.
    enters: Vec<Vec<u64>>,
}

impl<'a> Order<'a> {
    pub(super) fn of(program: &'a Program) -> Self {
        let mut order = Self {
            program,
            made: FxHashMap::default(),
            used: FxHashMap::default(),
            sent: FxHashMap::default(),
            exits: Vec::new(),
            enters: Vec::new(),
        };
        for (at, call) in program.calls.iter().enumerate() {
            call.makes.iter().for_each(|object| _ = order.made.entry(*object).or_insert(at));
            call.uses.iter().for_each(|object| order.used.entry(*object).or_default().push(at));
            call.sends.iter().for_each(|object| order.sent.entry(*object).or_default().push(at));
        }
        for thread in &program.threads {
            let mut latest = 0;
            let exits = thread.calls.iter().map(|at| {
                latest = latest.max(program.calls[*at].exit.unwrap_or(u64::MAX));
                latest
            });
            order.exits.push(exits.collect());
            order.enters.push(thread.calls.iter().map(|at| program.calls[*at].enter).collect());
        }
        order
    }

    /// Whether a call may be made. `done` and `begun` are by call, `next` by thread: how many of its calls are done.
    /// `hidden`: whether what programs may do between their calls counts.
    pub(super) fn allows(
        &self,
        at: usize,
        done: &[bool],
        begun: &[bool],
        next: &[usize],
        hidden: bool,
    ) -> bool {
        let call = &self.program.calls[at];
        self.has_objects(at, call, done, begun)
            && (!call.is_death || self.all_done(call, next))
            && (!hidden || self.hidden(call, begun, next))
    }

    fn has_objects(&self, at: usize, call: &Call, done: &[bool], begun: &[bool]) -> bool {
        let earlier = |other: &usize| *other < at;
        let made = call.uses.iter().chain(&call.receives).filter_map(|object| self.made.get(object));
        let received = call.receives.iter().filter_map(|object| self.sent.get(object)).flatten();
        let ended = call.ends.iter().filter_map(|object| self.used.get(object)).flatten();
        made.filter(|other| earlier(other)).all(|other| done[*other])
            && received.filter(|other| earlier(other)).all(|other| begun[*other])
            && ended.filter(|other| earlier(other)).all(|other| done[*other])
    }

    /// Whether all threads of a process have made all their calls.
    fn all_done(&self, death: &Call, next: &[usize]) -> bool {
        let threads = self.program.threads.iter().enumerate();
        let mut ours = threads.filter(|(at, thread)| thread.pid == death.pid && *at != death.thread);
        ours.all(|(at, thread)| {
            let before =
                thread.calls.iter().filter(|call| self.program.calls[**call].enter <= death.enter).count();
            next[at] >= before
        })
    }

    fn hidden(&self, call: &Call, begun: &[bool], next: &[usize]) -> bool {
        let threads = self.program.threads.iter().enumerate().filter(|(at, _)| *at != call.thread);
        threads.into_iter().all(|(at, thread)| {
            let until = self.until(call, thread.pid);
            let over = self.exits[at].partition_point(|exit| *exit <= until);
            let looked_at =
                self.enters[at].partition_point(|enter| enter.saturating_add(self.program.near) <= until);
            let is_in_call = thread.calls.get(next[at]).is_some_and(|call| begun[*call]);
            next[at] >= over && next[at] + usize::from(is_in_call) >= looked_at
        })
    }

    /// Ticks up to which what another process has done is over before a call is made.
    fn until(&self, call: &Call, pid: u32) -> u64 {
        if call.pid == pid {
            return call.enter;
        }
        let life = |pid: u32| self.program.lives.lives.get(&pid);
        let connected = self.program.lives.connected.get(&(call.pid.min(pid), call.pid.max(pid)));
        let mut until = connected.map_or(0, |last| call.enter.min(*last));
        if let (Some(ours), Some(theirs)) = (life(call.pid), life(pid)) {
            if self.descends(call.pid, pid) {
                until = until.max(ours.born);
            }
            // Whoever was over before we began; a child that was over before we went on may have been waited for.
            let over = theirs.last <= ours.born || self.descends(pid, call.pid) && theirs.last <= call.enter;
            if over {
                until = until.max(theirs.last);
            }
        }
        until
    }

    /// Whether a process is a child, or a child's child, of another.
    fn descends(&self, pid: u32, of: u32) -> bool {
        /// Processes that a line of parents may have; more is a circle of numbers that were used again.
        const LONGEST: usize = 64;
        let mut at = pid;
        for _ in 0..LONGEST {
            let Some(life) = self.program.lives.lives.get(&at) else { return false };
            if life.parent == of {
                return true;
            }
            at = life.parent;
        }
        false
    }

    /// Whether a call of one thread must be made before one of another thread, both recorded in that order.
    pub(super) fn is_before(&self, first: usize, second: usize) -> bool {
        let (first, second) = (&self.program.calls[first], &self.program.calls[second]);
        let until = self.until(second, first.pid);
        first.exit.is_some_and(|exit| exit <= until) || first.enter.saturating_add(self.program.near) <= until
    }
}
