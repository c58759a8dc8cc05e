//! A report as edges.

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
    pub frames: Vec<Frame>,
}

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
    let frames = crate::blame::main_trace(report);
    let mut edges = vec![closing(holding, acquiring, frames)];
    edges.extend(implied(report, acquiring, holding, frames));
    if report.kind == Kind::Circular {
        edges.extend(details.links.windows(2).rev().map(|pair| chained(&pair[0], &pair[1])));
    }
    edges
}

fn closing(from: &Lock, to: &Lock, frames: &[Frame]) -> Edge {
    Edge {
        from: from.class.clone(),
        to: to.class.clone(),
        closing: true,
        implied: false,
        held_at: from.at.clone(),
        frames: frames.to_vec(),
    }
}

/// What else the task held when it took the last lock.
fn implied(report: &Report, acquiring: &Lock, holding: &Lock, frames: &[Frame]) -> Vec<Edge> {
    let own = report.details.held.iter().find(|held| Some(&held.task) == report.task.as_ref());
    let Some(own) = own.or(report.details.held.first()) else { return Vec::new() };
    own.locks
        .iter()
        .filter(|lock| lock.class != holding.class && lock.class != acquiring.class)
        .map(|lock| Edge { closing: false, implied: true, ..closing(lock, acquiring, frames) })
        .collect()
}

/// `below` is `-> #k`, `above` is `-> #k+1`: the trace of `above` took it while `below` was held.
fn chained(below: &Link, above: &Link) -> Edge {
    Edge {
        from: below.lock.class.clone(),
        to: above.lock.class.clone(),
        closing: false,
        implied: false,
        held_at: None,
        frames: above.frames.clone(),
    }
}
