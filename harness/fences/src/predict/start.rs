//! Where the program begins that is run in other orders. Only the end tells how much lies behind a moment, and a second walk
//! from the trace's beginning would cost as much as the first: so a walk that comes by remembers one that is early enough.

use fencelab_trace::Session;
use fencelab_trace::model::{Event, Mark, Model, Moment};

use super::CALLS;
use super::lives::Lives;
use crate::Options;
use crate::feed::Feed;
use crate::world::World;

/// A moment of a walk, to go on from.
pub(crate) struct Start {
    pub(super) model: Model,
    pub(super) world: World,
    pub(super) feed: Feed,
    pub(super) lives: Lives,
    /// Calls before it that have to do with fences and may change places.
    pub(super) seen: u64,
}

impl Start {
    /// The session's beginning.
    pub(super) fn of(session: &Session) -> Self {
        let (model, lives) = (Model::new(session), Lives::new(session));
        Self { model, world: World::default(), feed: Feed::default(), lives, seen: 0 }
    }
}

/// Waits for the moment to come.
pub(crate) struct Scout {
    /// `None`: it has come.
    lives: Option<Lives>,
    /// Calls that have not begun.
    left: u64,
    /// So many of them are enough.
    enough: u64,
    found: Option<(Mark, World, Feed, Lives, u64)>,
}

impl Scout {
    /// Before the first step.
    pub(crate) fn new(session: &Session) -> Self {
        // The part of the trace that is walked again; or that often as many calls as are looked at, as others lie between.
        const PART: u64 = 16;
        const OFTEN: u64 = 4;
        let left = session.len() as u64;
        let enough = (left / PART).max(OFTEN * CALLS);
        Self { lives: Some(Lives::new(session)), left, enough, found: None }
    }

    /// Whether it has come with the next step, which is at that time.
    pub(crate) fn is_time(&self, options: Options, ns: u64) -> bool {
        let comes = || options.predict_between.map_or(self.left <= self.enough, |(from, _)| ns >= from);
        self.lives.is_some() && comes()
    }

    /// It has come: what there is is kept.
    pub(crate) fn keep(
        &mut self,
        model: &mut Model,
        session: &Session,
        (world, feed): (&World, &Feed),
        seen: u64,
    ) {
        let Some(lives) = self.lives.take() else { return };
        let mut world = world.clone();
        world.forget_others();
        self.found = Some((model.mark(session), world, feed.clone(), lives, seen));
    }

    /// Takes in a step; whether [`Scout::connect`] is to be told.
    pub(crate) fn take(&mut self, session: &Session, event: &Event<'_>) -> bool {
        self.left -= u64::from(event.moment == Moment::Begin && self.left > 0);
        self.lives.as_mut().is_some_and(|lives| lives.take(session, event))
    }

    /// Who is connected to whom may be another now.
    pub(crate) fn connect(&mut self, model: &Model, ticks: u64) {
        if let Some(lives) = &mut self.lives {
            lives.connect(model, ticks);
        }
    }

    /// What was kept, to go on from there with a walk of the same session.
    pub(crate) fn into_start(self, model: &Model, session: &Session) -> Option<Start> {
        let (mark, world, feed, lives, seen) = self.found?;
        Some(Start { model: model.again(&mark, session), world, feed, lives, seen })
    }
}
