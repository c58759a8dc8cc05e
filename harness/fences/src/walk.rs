//! The walk through a session: the world kept up to date, and looked at whenever it stands still.

use std::io;

use fencelab_trace::model::{Effect, Event, Model, Moment, ObjectKind};
use fencelab_trace::{CallId, ProcessId, Session, ThreadId};

use crate::Options;
use crate::feed::Feed;
use crate::fence::At;
use crate::finding::Finding;
use crate::graph::{Builder, Holders, People};
use crate::judge::{draw, judge};
use crate::lost;
use crate::predict::{Scout, Start, matters};
use crate::texts::{Marks, Texts};
use crate::tracker::Tracker;
use crate::wakes::Wakes;
use crate::words::Words;
use crate::world::World;

/// A walk that can go on when a live session has grown.
pub struct Walk {
    model: Model,
    feed: Feed,
    pub(crate) world: World,
    pub(crate) tracker: Tracker,
    pub(crate) wakes: Wakes,
    options: Options,
    /// Ticks of the last step, and of the next look at what lasts.
    last: u64,
    next_look: u64,
    /// The last step by CLOCK_MONOTONIC, in nanoseconds.
    last_ns: u64,
    steps: u64,
    /// Calls that have to do with fences.
    sync_calls: u64,
    /// Processes that ended, each with how many sync objects went with it.
    pub(crate) leaks: Vec<(ProcessId, u32)>,
    marks: Marks,
    scout: Option<Scout>,
}

impl Walk {
    /// A walk from the session's beginning.
    pub fn new(session: &Session, options: Options) -> Self {
        Self {
            model: Model::new(session),
            feed: Feed::default(),
            world: World::default(),
            tracker: Tracker::default(),
            wakes: Wakes::default(),
            options,
            last: 0,
            next_look: 0,
            last_ns: 0,
            steps: 0,
            sync_calls: 0,
            leaks: Vec::new(),
            marks: Marks::default(),
            scout: None,
        }
    }

    /// Walks to the end of what is known.
    ///
    /// # Errors
    ///
    /// When the trace can no longer be read.
    pub fn run(&mut self, session: &Session, people: &dyn People) -> io::Result<()> {
        std::thread::scope(|scope| {
            if self.model.is_worth_reading_ahead(session) {
                // Without a thread the walk reads for itself.
                _ = self.model.read_ahead(session, scope);
            }
            ReadAhead { walk: self, session }.walk.go(session, people)
        })
    }

    fn go(&mut self, session: &Session, people: &dyn People) -> io::Result<()> {
        while let Some(ticks) = self.model.next_ticks() {
            let ns = session.clock().ns(ticks);
            if self.is_time(session, ticks, ns) {
                self.look(session, people, ticks.saturating_sub(1));
            }
            if let Some(scout) = self.scout.as_mut().filter(|scout| scout.is_time(self.options, ns)) {
                scout.keep(&mut self.model, session, (&self.world, &self.feed), self.sync_calls);
            }
            let Some(event) = self.model.next(session)? else { break };
            let (ticks, id, ends, result) =
                (event.ticks, event.call.id, event.moment == Moment::End, event.call.result);
            if let Some(process) = event.ended() {
                let leaked = left_behind(&event);
                self.leaks.extend((leaked > 0).then_some((process, leaked)));
            }
            let counts = !ends && matters(&event);
            self.sync_calls += u64::from(counts && self.options.may_move(ns));
            if ends {
                self.wakes.note(&self.world, session, &event, self.options.slow_wake);
            }
            self.feed.take(&mut self.world, &event);
            if counts {
                self.world.note_counts(id.thread);
            }
            let connects = self.scout.as_mut().is_some_and(|scout| scout.take(session, &event));
            (self.last, self.last_ns) = (ticks, ns.max(self.last_ns));
            self.steps += 1;
            if ends && let Some(result) = result {
                self.tracker.returned(id, result, ns);
            }
            if let Some(scout) = self.scout.as_mut().filter(|_| connects) {
                scout.connect(&self.model, ticks);
            }
            self.marks.step(&mut self.model, session);
        }
        Ok(())
    }

    /// Whether there is reason to look at who waits, before a step at that time.
    fn is_time(&mut self, session: &Session, ticks: u64, ns: u64) -> bool {
        if self.steps == 0 {
            return false;
        }
        if u128::from(ns.saturating_sub(self.last_ns)) >= self.options.quiet.as_nanos() {
            return true;
        }
        if ticks < self.next_look {
            return false;
        }
        self.next_look = session.clock().ticks(ns.saturating_add(1_000_000_000));
        let since = self.since(session, ticks, self.options.stuck);
        self.world.in_calls().any(|(_, open)| open.at.ticks <= since)
    }

    fn since(&self, session: &Session, ticks: u64, ago: std::time::Duration) -> u64 {
        let clock = session.clock();
        clock.ticks(clock.ns(ticks).saturating_sub(ago.as_nanos() as u64))
    }

    /// Looks at who waits for whom at that time, which is not before the last step, and remembers what it finds.
    pub fn look(&mut self, session: &Session, people: &dyn People, ticks: u64) {
        self.world.settle();
        let since = self.since(session, ticks, self.options.quiet);
        let waits = self.world.in_calls().any(|(_, open)| open.at.ticks <= since);
        if !waits && self.world.unsettled.is_empty() {
            return;
        }
        let holders = Holders::of(&self.model, session, ticks);
        let tid_of = |thread: ThreadId| session.thread(thread).map_or(0, |thread| thread.tid);
        let graph = Builder::new(&self.world, &holders, people, &tid_of).build(since);
        if graph.roots.is_empty() {
            return;
        }
        let verdicts = judge(&graph, &self.world, since);
        let words = Words { session, model: &self.model, world: &self.world, feed: &self.feed };
        let now = session.clock().ns(ticks);
        for verdict in &verdicts {
            let mut finding = draw(&words, &graph, verdict, now);
            lost::look(&words, &graph, verdict, &mut finding);
            let roots: Vec<_> = verdict.stuck.iter().map(|id| graph.node(*id).key).collect();
            self.tracker.add(&self.world, graph.node(verdict.culprit).key, &roots, finding);
        }
    }

    /// What has been found so far and still holds.
    pub fn holding(&self) -> Vec<&Finding> {
        self.tracker.holding(&self.world)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many of the calls that may change places had to do with fences or what holds them.
    pub(crate) fn sync_calls(&self) -> u64 {
        self.sync_calls
    }

    /// Whether there is a sync object, queue or display that more than one thread named.
    pub(crate) fn is_shared(&self) -> bool {
        self.model.shares_fences()
    }

    /// Ticks of the last step.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Takes in what a live session has come to hold.
    pub fn refresh(&mut self, session: &Session) {
        self.model.refresh(session);
    }

    /// The texts of these calls and of the calls that stand for these moments, all of which it has come by.
    pub(crate) fn texts(&self, session: &Session, calls: Vec<CallId>, moments: Vec<At>) -> io::Result<Texts> {
        Texts::read(session, &self.model, &self.marks, calls.into_iter(), moments.into_iter())
    }

    /// From now on the walk looks for the moment from which other orders are to be tried.
    pub(crate) fn look_for_start(&mut self, session: &Session) {
        self.scout = Some(Scout::new(session));
    }

    /// That moment, once.
    pub(crate) fn start(&mut self, session: &Session) -> Option<Start> {
        self.scout.take()?.into_start(&self.model, session)
    }

    pub(crate) fn words<'a>(&'a self, session: &'a Session) -> Words<'a> {
        Words { session, model: &self.model, world: &self.world, feed: &self.feed }
    }
}

/// A walk of which another thread reads ahead, until it is over in whatever way.
struct ReadAhead<'w, 's> {
    walk: &'w mut Walk,
    session: &'s Session,
}

impl Drop for ReadAhead<'_, '_> {
    fn drop(&mut self) {
        self.walk.model.stop_reading_ahead(self.session);
    }
}

/// How many sync objects end with a process.
fn left_behind(event: &Event<'_>) -> u32 {
    let syncobj = |effect: &&Effect| match effect {
        Effect::Ended(id) => {
            event.objects().get(*id).is_some_and(|object| object.kind == ObjectKind::Syncobj)
        }
        _ => false,
    };
    event.effects.iter().filter(syncobj).count() as u32
}
