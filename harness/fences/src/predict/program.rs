//! What a session's threads did to fences, as a program that can be run again in another order.

use std::io;

use fencelab_trace::model::{Effect, Event, Model, Moment, ObjectId, ObjectKind, Target, Targets};
use fencelab_trace::{CallId, Session, ThreadId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::lives::Lives;
use super::start::Start;
use crate::Options;
use crate::feed::{Feed, Replaced};
use crate::fence::At;
use crate::graph::object_of;
use crate::world::{Facts, World};

/// What a call does at its beginning or at its end.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) effects: Vec<Effect>,
    pub(super) targets: Vec<Target>,
    pub(super) facts: Facts,
}

impl Part {
    pub(super) fn targets_of(&self, range: &Targets) -> &[Target] {
        self.targets.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// A call that has to do with fences, or the end of a process.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) pid: u32,
    /// Index of its thread, or of its process's end, in [`Program::threads`].
    pub(super) thread: usize,
    /// Its name.
    pub(super) name: &'static str,
    /// Ticks.
    pub(super) enter: u64,
    /// Ticks; `None`: it has not returned.
    pub(super) exit: Option<u64>,
    pub(super) result: Option<i32>,
    /// `None`: it had begun before the program does.
    pub(super) begin: Option<Part>,
    pub(super) end: Option<Part>,
    pub(super) is_death: bool,
    /// Objects that it names, makes or ends.
    pub(super) uses: Vec<ObjectId>,
    pub(super) makes: Vec<ObjectId>,
    pub(super) ends: Vec<ObjectId>,
    pub(super) sends: Vec<ObjectId>,
    pub(super) receives: Vec<ObjectId>,
}

impl Call {
    /// Whether it had begun before the program does.
    pub(super) fn is_under_way(&self) -> bool {
        self.begin.is_none() && !self.is_death
    }
}

/// A thread's calls in its order, or the end of a process.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) pid: u32,
    pub(super) calls: Vec<usize>,
}

/// All of it.
pub(super) struct Program {
    /// The world before it.
    pub(super) base: World,
    /// CLOCK_MONOTONIC in nanoseconds up to which calls are in `base`.
    pub(super) from_ns: u64,
    /// In the order in which they were made.
    pub(super) calls: Vec<Call>,
    pub(super) threads: Vec<Thread>,
    pub(super) lives: Lives,
    /// Ticks within which nobody sees what another thread does and acts on it.
    pub(super) near: u64,
    /// At the session's end, for names.
    pub(super) model: Model,
    pub(super) feed: Feed,
}

impl Program {
    /// Reads the calls that may change places, but for the first so many that have to do with fences: from the start on
    /// that a walk has remembered, if it lies before them.
    pub(super) fn read(
        session: &Session,
        options: Options,
        skip: u64,
        start: Option<Start>,
    ) -> io::Result<Self> {
        let start = start.filter(|start| start.seen <= skip).unwrap_or_else(|| Start::of(session));
        let Start { mut model, world, mut feed, mut lives, mut seen } = start;
        let mut reader = Reader::new(world);
        let until = options.predict_between.map_or(u64::MAX, |(_, until)| until);
        while let Some(event) = model.next(session)? {
            if session.clock().ns(event.ticks) > until {
                break;
            }
            let mut facts = Facts::default();
            let replaced = feed.read(&event, &mut facts);
            let matters = matters(&event) || facts.exported.is_some();
            let moves = options.may_move(event.entered_ns());
            seen += u64::from(matters && moves && event.moment == Moment::Begin);
            if matters {
                reader.take(session, &event, facts, replaced, moves && seen > skip);
            } else if event.moment == Moment::End {
                reader.end(&event, &facts);
            }
            let ticks = event.ticks;
            if lives.take(session, &event) {
                lives.connect(&model, ticks);
            }
        }
        lives.connect(&model, u64::MAX);
        Ok(reader.finish(session, lives, model, feed))
    }

    /// The part of a call in which it does something to others' objects.
    pub(super) fn parts(&self, call: usize) -> impl Iterator<Item = (Moment, &Part)> {
        let call = &self.calls[call];
        let begin = call.begin.iter().map(|part| (Moment::Begin, part));
        begin.chain(call.end.iter().map(|part| (Moment::End, part)))
    }

    /// Whether a call may have been made before one of another thread, as its process was there.
    pub(super) fn could_precede(&self, call: usize, other: usize) -> bool {
        let born = self.lives.lives.get(&self.calls[call].pid).map_or(0, |life| life.born);
        self.calls[other].exit.is_none_or(|exit| exit >= born)
            || self.calls[call].pid == self.calls[other].pid
    }

    /// The objects that are waited for, signalled or emptied by more than one thread.
    pub(super) fn shared(&self) -> FxHashSet<ObjectId> {
        let mut first: FxHashMap<ObjectId, usize> = FxHashMap::default();
        let mut shared = FxHashSet::default();
        for call in self.calls.iter().filter(|call| !call.is_death) {
            for object in &call.uses {
                if *first.entry(*object).or_insert(call.thread) != call.thread {
                    shared.insert(*object);
                }
            }
        }
        shared
    }
}

/// Whether a step has to do with fences, or orders those that have.
pub(crate) fn matters(event: &Event<'_>) -> bool {
    let syncs = |effect: &Effect| match effect {
        Effect::Wait { .. }
        | Effect::Signal(_)
        | Effect::Reset(_)
        | Effect::Submit { .. }
        | Effect::Copy { .. }
        | Effect::Fence { .. }
        | Effect::Sent(..)
        | Effect::Received(..)
        | Effect::Woken(_)
        | Effect::Met(_) => true,
        Effect::Ended(object) => event.objects().get(*object).is_some_and(|object| {
            matches!(object.kind, ObjectKind::SwSync | ObjectKind::DrmFile | ObjectKind::Syncobj)
        }),
        _ => false,
    };
    event.effects.iter().any(syncs) || event.ended().is_some()
}

struct Reader {
    base: World,
    from: Option<u64>,
    calls: Vec<Call>,
    open: FxHashMap<CallId, usize>,
    threads: Vec<Thread>,
    by_thread: FxHashMap<ThreadId, usize>,
}

impl Reader {
    fn new(base: World) -> Self {
        Self {
            base,
            from: None,
            calls: Vec::new(),
            open: FxHashMap::default(),
            threads: Vec::new(),
            by_thread: FxHashMap::default(),
        }
    }

    fn take(
        &mut self,
        session: &Session,
        event: &Event<'_>,
        facts: Facts,
        replaced: Option<Replaced>,
        inside: bool,
    ) {
        let id = event.call.id;
        if !inside && !self.open.contains_key(&id) {
            let (effects, targets) = match &replaced {
                Some((effects, targets)) => (effects.as_slice(), targets.as_slice()),
                None => (event.effects, event.targets),
            };
            let (at, begins) = (At { ticks: event.ticks, call: id }, event.moment == Moment::Begin);
            self.base.apply(&crate::world::Step { begins, at, effects, targets, facts: &facts });
            return;
        }
        let (effects, targets) = replaced.unwrap_or_else(|| (event.effects.to_vec(), event.targets.to_vec()));
        let part = Part { effects, targets, facts };
        self.from.get_or_insert(event.ticks);
        let index = match (event.moment, self.open.get(&id)) {
            (Moment::End, Some(known)) if event.ended().is_none() => *known,
            _ => self.add(session, event, part.facts.name),
        };
        let call = &mut self.calls[index];
        note_objects(call, &part);
        match event.moment {
            Moment::Begin => call.begin = Some(part),
            Moment::End => call.end = Some(part),
        }
    }

    /// A call ends that was begun before the program begins. Did it stay, every later one would be looked for behind it.
    fn end(&mut self, event: &Event<'_>, facts: &Facts) {
        let id = event.call.id;
        let is_open = || self.base.open_calls(id.thread).iter().any(|open| open.at.call == id);
        if self.from.is_none() && is_open() {
            let (effects, targets) = (event.effects, event.targets);
            let at = At { ticks: event.ticks, call: id };
            self.base.apply(&crate::world::Step { begins: false, at, effects, targets, facts });
        }
    }

    fn add(&mut self, session: &Session, event: &Event<'_>, name: &'static str) -> usize {
        let id = event.call.id;
        let is_death = event.ended().is_some();
        let pid = session.thread(id.thread).map_or(event.call.tid, |thread| thread.pid);
        let next = self.threads.len();
        // A process's end is not its threads' to make: it comes when all have made their last call.
        let thread = if is_death { next } else { *self.by_thread.entry(id.thread).or_insert(next) };
        if thread == next {
            self.threads.push(Thread { pid, calls: Vec::new() });
        }
        let index = self.calls.len();
        self.threads[thread].calls.push(index);
        self.open.insert(id, index);
        self.calls.push(Call {
            id,
            pid,
            thread,
            name,
            enter: event.call.enter,
            exit: event.call.exit,
            result: event.call.result,
            begin: None,
            end: None,
            is_death,
            uses: Vec::new(),
            makes: Vec::new(),
            ends: Vec::new(),
            sends: Vec::new(),
            receives: Vec::new(),
        });
        index
    }

    fn finish(self, session: &Session, lives: Lives, model: Model, feed: Feed) -> Program {
        let Self { base, from, mut calls, mut threads, .. } = self;
        for call in &mut calls {
            for list in [&mut call.uses, &mut call.makes, &mut call.ends] {
                list.sort_unstable();
                list.dedup();
            }
        }
        // One that began before the program does is in the order of its beginning.
        threads.iter_mut().for_each(|thread| thread.calls.sort_by_key(|at| calls[*at].enter));
        let from_ns =
            if base.fences.is_empty() { 0 } else { from.map_or(0, |ticks| session.clock().ns(ticks)) };
        let near = near(session, calls.first().map_or(0, |call| call.enter));
        Program { base, from_ns, calls, threads, lives, near, model, feed }
    }
}

/// Less than a look into /proc and a system call take.
fn near(session: &Session, ticks: u64) -> u64 {
    const NEAR_NS: u64 = 50_000;
    let clock = session.clock();
    clock.ticks(clock.ns(ticks).saturating_add(NEAR_NS)).saturating_sub(ticks)
}

fn note_objects(call: &mut Call, part: &Part) {
    for effect in &part.effects {
        match effect {
            Effect::Met(object) => call.makes.push(*object),
            Effect::Ended(object) => call.ends.push(*object),
            Effect::Sent(object, _) => call.sends.push(*object),
            Effect::Received(object, _) => call.receives.push(*object),
            Effect::Used(object) => call.uses.push(*object),
            Effect::Submit { queue, .. } => call.uses.extend(queue),
            Effect::Copy { from, to, .. } => {
                call.uses.extend([from, to].into_iter().filter_map(|of| object_of(*of)))
            }
            _ => {}
        }
    }
    call.uses.extend(part.targets.iter().filter_map(|target| object_of(*target)));
}
