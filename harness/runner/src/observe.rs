//! Who watches a run, and who may stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fencelab_events::{Event, Session};

use crate::recorded::Activity;

/// Sees a run as it goes: progress bars, heartbeats, reports that are rewritten as results come in.
pub trait Observer: Send {
    /// The bench is being brought up for the `boot`-th time.
    fn booting(&mut self, boot: u32);

    /// An event was written; `session` holds it already.
    fn event(&mut self, event: &Event, session: &Session);

    /// Time goes by, a few times a second.
    fn tick(&mut self, session: &Session);

    /// What the case that runs does, every few seconds while it is recorded; `per_s` calls a second since the last time.
    fn activity(&mut self, case: &str, per_s: u64, activity: &Activity) {
        let _ = (case, per_s, activity);
    }
}

/// The user's wish to stop, set from a signal handler's thread: once ends the run cleanly, twice at once.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Says it once more.
    pub fn press(&self) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| Some(n.saturating_add(1)));
    }

    /// It was said.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// It was said again.
    pub fn insisted(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 1
    }
}
