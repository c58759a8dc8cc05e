//! A report as edges.

use std::sync::Arc;

use serde::Serialize;

use super::Role;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::lock::{Lock, LockClass};
use crate::report::{Link, Report};

/// "`to` was taken while `from` was held."
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The lock that was held.
    pub from: LockClass,
    /// The lock that was taken.
    pub to: LockClass,
    /// The edge that closed the cycle, in the reporting task.
    pub closing: bool,
    /// Lockdep did not print this edge; the list of held locks shows it.
    pub implied: bool,
    /// Where `from` was taken, if the report says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_at: Option<Frame>,
    /// The trace that took `to`.
    #[serde(skip)]
    pub frames: Arc<[Frame]>,
    /// The report shows that `to` is elsewhere held over what must not happen under `from`.
    #[serde(skip)]
    pub(super) tainted: bool,
}

/// `MAX_LOCK_DEPTH` of include/linux/sched.h: no task holds more.
const MAX_LOCK_DEPTH: usize = 48;

impl Edge {
    /// The roles of its ends.
    pub(super) fn roles(&self) -> (Role, Role) {
        (Role::of(&self.from), Role::of(&self.to))
    }

    /// The functions of its trace, and the one that took `from`.
    pub(super) fn functions(&self) -> impl Iterator<Item = &str> {
        self.frames
            .iter()
            .filter(|frame| !frame.unreliable)
            .chain(&self.held_at)
            .map(|frame| frame.function.as_str())
    }
}

/// The edges of a report: the closing one, those that the list of held locks implies, and those of the chain from the
/// held lock back to the acquired one.
pub(super) fn edges(report: &Report) -> Vec<Edge> {
    let details = &report.details;
    let (Some(acquiring), Some(holding)) = (&details.acquiring, &details.holding) else {
        return Vec::new();
    };
    let frames: Arc<[Frame]> = crate::blame::main_trace(report).into();
    let on_cycle = report.kind == Kind::Circular;
    let mut edges = vec![closing(holding, acquiring, on_cycle, &frames)];
    edges.extend(implied(report, acquiring, holding, &frames));
    if on_cycle {
        edges.extend(details.links.windows(2).rev().filter_map(|pair| chained(&pair[0], &pair[1])));
    }
    edges
}

fn closing(from: &Lock, to: &Lock, tainted: bool, frames: &Arc<[Frame]>) -> Edge {
    Edge {
        from: from.class.clone(),
        to: to.class.clone(),
        closing: true,
        implied: false,
        held_at: from.at.clone(),
        frames: frames.clone(),
        tainted,
    }
}

/// What else the task held when it took the last lock.
fn implied(report: &Report, acquiring: &Lock, holding: &Lock, frames: &Arc<[Frame]>) -> Vec<Edge> {
    let own = report.details.held.iter().find(|held| Some(&held.task) == report.task.as_ref());
    let Some(own) = own.or(report.details.held.first()) else { return Vec::new() };
    let below = |at: usize| own.locks[..at].iter().any(|lock| lock.class == acquiring.class);
    own.locks
        .iter()
        .enumerate()
        .take(MAX_LOCK_DEPTH)
        .filter(|(_, lock)| lock.class != holding.class && lock.class != acquiring.class)
        .map(|(at, lock)| {
            let outer = Role::of(&lock.class);
            // Reclaim that began with the lock held shows as much as a chain does.
            let reclaims = below(at) && matches!(outer, Role::Reclaim | Role::Notifier);
            let tainted = reclaims || is_held_over(report, holding, outer);
            Edge { closing: false, implied: true, ..closing(lock, acquiring, tainted, frames) }
        })
        .collect()
}

/// Does the chain of a cycle show that the lock acquired, `-> #0`, is elsewhere held over what is forbidden under a lock of this
/// role: in a signalling section a wait or an allocation, in reclaim or a notifier an allocation?
fn is_held_over(report: &Report, holding: &Lock, outer: Role) -> bool {
    let above = report.details.links.iter().filter(|link| link.number > 0).map(|link| &link.lock.class);
    report.kind == Kind::Circular
        && above.chain([&holding.class]).map(Role::of).any(|role| match role {
            Role::Reclaim | Role::Notifier => true,
            Role::Signalling => outer == Role::Signalling,
            _ => false,
        })
}

/// `below` is `-> #k`, `above` is `-> #k+1`: the trace of `above` took it while `below` was held. Where an entry between them is
/// cut, no such thing is known.
fn chained(below: &Link, above: &Link) -> Option<Edge> {
    (below.number + 1 == above.number).then(|| Edge {
        from: below.lock.class.clone(),
        to: above.lock.class.clone(),
        closing: false,
        implied: false,
        held_at: None,
        frames: above.frames.as_slice().into(),
        tainted: true,
    })
}
