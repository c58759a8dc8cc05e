//! Threads.

use super::fences::Set;
use crate::{Name, Step, Target};

/// Part of a wait.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// For that.
    pub(super) target: Target,
    /// What it waits for, once that is there.
    pub(super) set: Option<Set>,
}

/// What a thread waits for inside of a call.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) needs: Vec<Need>,
    pub(super) any: bool,
    /// Only for fences to be there.
    pub(super) available: bool,
    /// Until when.
    pub(super) until: Option<u64>,
    pub(super) since: u64,
}

/// Where a thread stands.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// Before its next step.
    Ready,
    /// Asleep.
    Asleep(u64),
    /// In a call.
    Waiting(Waiting),
    /// For a message.
    Receiving,
    /// At its end, or killed.
    Ended,
}

/// A thread.
#[derive(Clone, Debug)]
pub(super) struct Thread<'s> {
    pub(super) process: &'s Name,
    pub(super) name: &'s Name,
    pub(super) steps: &'s [Step],
    pub(super) next: usize,
    pub(super) state: State,
}

impl Thread<'_> {
    pub(super) fn lives(&self) -> bool {
        !matches!(self.state, State::Ended)
    }
}
