//! Threads that woke long after what they waited for.

use std::time::Duration;

use fencelab_trace::Session;
use fencelab_trace::model::Event;
use serde::{Deserialize, Serialize};

use crate::syncobj::Found;
use crate::world::{Blocked, World};

/// A slow wake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowWake {
    /// The thread that woke.
    pub tid: u32,
    /// From which call.
    pub at: String,
    /// CLOCK_MONOTONIC when the last thing that it waited for was signalled, in nanoseconds.
    pub signalled_ns: u64,
    /// How much later the call returned, in nanoseconds.
    pub late_ns: u64,
}

/// The slowest wakes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakes {
    pub(crate) list: Vec<SlowWake>,
}

impl Wakes {
    /// Looks at a call that returns, while the world still has it open.
    pub(crate) fn note(&mut self, world: &World, session: &Session, event: &Event<'_>, slow: Duration) {
        /// More than anybody reads.
        const MOST: usize = 16;
        let thread = event.call.id.thread;
        let Some(open) = world.open_calls(thread).iter().find(|open| open.at.call == event.call.id) else {
            return;
        };
        let Blocked::Wait(wait) = &open.blocked else { return };
        if !event.call.succeeded() || wait.available || !wait.all && wait.parts.len() != 1 {
            return;
        }
        let mut last = 0;
        for part in &wait.parts {
            let Found::Fences(set) = &part.found else { return };
            for fence in set.iter() {
                // What nobody was seen to signal may have signalled just now.
                let Some(at) = world.fence(fence).and_then(|fence| fence.signalled) else { return };
                last = at.ticks.max(last);
            }
        }
        if last <= open.at.ticks {
            return;
        }
        let signalled_ns = session.clock().ns(last);
        let late_ns = session.clock().ns(event.ticks).saturating_sub(signalled_ns);
        if u128::from(late_ns) < slow.as_nanos() {
            return;
        }
        self.list.push(SlowWake { tid: event.call.tid, at: open.name.into(), signalled_ns, late_ns });
        self.list.sort_by_key(|wake| std::cmp::Reverse(wake.late_ns));
        self.list.truncate(MOST);
    }
}
