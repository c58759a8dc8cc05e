//! What orders calls beside fences: who was there when, and who was connected to whom.

use fencelab_abi::Kind;
use fencelab_trace::Session;
use fencelab_trace::model::{Effect, Event, Model, Moment, ObjectId, ObjectKind};
use rustc_hash::FxHashMap;

/// A process, as far as its life orders others' calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) parent: u32,
    pub(super) born: u64,
    /// Ticks of the last thing that it is known to have done.
    pub(super) last: u64,
}

/// The processes of a session, at one moment of a walk through it.
#[derive(Clone, Debug)]
pub(crate) struct Lives {
    pub(super) lives: FxHashMap<u32, Life>,
    /// Until when a pair of processes was connected by a socket, the lower pid first; in ticks.
    pub(super) connected: FxHashMap<(u32, u32), u64>,
    now: Vec<(u32, u32)>,
}

impl Lives {
    /// Before the first step.
    pub(crate) fn new(session: &Session) -> Self {
        let mut lives = FxHashMap::default();
        for process in session.processes() {
            // An exec goes on with what it was.
            let life = Life { parent: process.parent, born: process.seen, last: process.seen };
            lives.entry(process.pid).or_insert(life);
        }
        Self { lives, connected: FxHashMap::default(), now: Vec::new() }
    }

    /// Takes in a step; whether who is connected to whom may be another now: then [`Lives::connect`] is to be told.
    pub(crate) fn take(&mut self, session: &Session, event: &Event<'_>) -> bool {
        let newborn = self.acts(session, event);
        if let Some(life) = event.ended().and_then(|id| self.lives.get_mut(&session.process(id)?.pid)) {
            life.last = life.last.max(event.ticks);
        }
        moves_sockets(event) || newborn
    }

    /// The thread of a step's call does something; whether that is its process's first.
    fn acts(&mut self, session: &Session, event: &Event<'_>) -> bool {
        // A child may be seen only when it makes its first call; it was there when its parent had made it.
        let forks = matches!(event.call.kind, Some(Kind::Fork | Kind::Vfork | Kind::Spawn));
        let child = event.call.result.filter(|_| forks).and_then(|pid| u32::try_from(pid).ok());
        let begins = event.moment == Moment::Begin;
        if let Some(life) = child.filter(|_| begins).and_then(|pid| self.lives.get_mut(&pid)) {
            (life.born, life.last) = (life.born.min(event.call.enter), life.born.min(event.call.enter));
        }
        let Some(thread) = session.thread(event.call.id.thread) else { return false };
        let life = self.lives.entry(thread.pid).or_insert(Life { parent: 0, born: event.ticks, last: 0 });
        let newborn = life.last <= life.born;
        life.last = life.last.max(event.ticks).max(life.born.saturating_add(1));
        newborn
    }

    /// Takes in which processes are connected at that tick.
    pub(crate) fn connect(&mut self, model: &Model, ticks: u64) {
        let pairs = model.connected();
        for pair in self.now.iter().filter(|pair| !pairs.contains(pair)) {
            self.connected.insert(*pair, ticks);
        }
        pairs.iter().for_each(|pair| _ = self.connected.insert(*pair, u64::MAX));
        self.now = pairs;
    }
}

/// Whether a step changes who has which socket.
fn moves_sockets(event: &Event<'_>) -> bool {
    let socket =
        |id: ObjectId| event.objects().get(id).is_some_and(|object| object.kind == ObjectKind::Socket);
    event.effects.iter().any(|effect| match effect {
        Effect::Named(object, _) | Effect::Unnamed(object, _) | Effect::Used(object) => socket(*object),
        _ => false,
    })
}
