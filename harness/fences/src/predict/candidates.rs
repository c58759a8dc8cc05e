//! Pairs of calls whose order matters, and that were made in this order only by chance.
//!
//! The order of one-shot events does not matter: whoever waits for all of them gets them all. It matters where something
//! is taken away or replaced, where one is taken of several, and where work stands in one queue (Mathur, Pavlogiannis and
//! Viswanathan, PLDI 2021, look for such pairs in the same way and then for an order that keeps the rest).

use fencelab_trace::model::{Effect, Moment, ObjectId, Target};
use rustc_hash::{FxHashMap, FxHashSet};

use super::order::Order;
use super::program::{Call, Part, Program};
use super::run::Swap;
use crate::fence::Queue;

/// What two calls meet in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Cell {
    Object(ObjectId),
    Queue(Queue),
}

/// What a call does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Access {
    /// Waits for what is there; with that flag also for something to be there.
    Wait { for_submit: bool },
    /// Takes what is there for a job or another object.
    Read,
    /// Puts a fence in place of what is there.
    Give,
    /// Adds a point.
    Point(u64),
    /// Empties it.
    Reset,
    /// Puts a job behind those that are there; whether that job waits for others.
    Submit { waits: bool },
}

impl Access {
    /// Whether it may do harm that the second is made before the first.
    fn minds(self, second: Self) -> bool {
        match (self, second) {
            // What it would have found is gone, or something else.
            (Self::Wait { .. } | Self::Read, Self::Reset | Self::Give) => true,
            // What is given is taken away before anybody sees it.
            (Self::Reset | Self::Give, Self::Give) => true,
            // Nothing is there yet.
            (Self::Give | Self::Point(_), Self::Read | Self::Wait { for_submit: false }) => true,
            // Points go back.
            (Self::Point(first), Self::Point(second)) => first < second,
            // What it waits for stands behind it.
            (Self::Submit { .. }, Self::Submit { waits }) => waits,
            _ => false,
        }
    }
}

/// Earlier accesses of one cell that each call is paired with.
const BACK: usize = 8;

/// Pairs to be tried, those of a kind once.
pub(super) fn candidates(program: &Program, order: &Order<'_>) -> Vec<Swap> {
    let shared = program.shared();
    let mut recent: FxHashMap<Cell, Vec<(usize, Access)>> = FxHashMap::default();
    let mut known = FxHashSet::default();
    let mut swaps = Vec::new();
    for (second, call) in program.calls.iter().enumerate() {
        for (part, cell, access) in accesses(program, second, &shared) {
            let before = recent.entry(cell).or_default();
            for (first, other) in before.iter().rev().take(BACK) {
                let theirs = &program.calls[*first];
                let kind = (cell, sort(*other), sort(access), theirs.thread, call.thread);
                if theirs.thread == call.thread || !other.minds(access) || known.contains(&kind) {
                    continue;
                }
                if order.is_before(*first, second) || !program.could_precede(second, *first) {
                    continue;
                }
                known.insert(kind);
                swaps.push(Swap { first: *first, second, part });
            }
            before.push((second, access));
        }
    }
    swaps
}

/// An access without its numbers, so that a loop's turns are alike.
fn sort(access: Access) -> Access {
    match access {
        Access::Point(_) => Access::Point(0),
        other => other,
    }
}

fn accesses(program: &Program, call: usize, shared: &FxHashSet<ObjectId>) -> Vec<(Moment, Cell, Access)> {
    let succeeded = |call: &Call| call.result.is_none_or(|result| result >= 0);
    let mut found = Vec::new();
    if program.calls[call].is_death || !succeeded(&program.calls[call]) {
        return found;
    }
    for (moment, part) in program.parts(call) {
        for effect in &part.effects {
            of_effect(part, effect, &mut |cell, access| {
                let counts = match cell {
                    Cell::Object(object) => shared.contains(&object),
                    Cell::Queue(Queue::Object(queue)) => shared.contains(&queue),
                    Cell::Queue(Queue::Crtc(..)) => true,
                };
                if counts {
                    found.push((moment, cell, access));
                }
            });
        }
    }
    found
}

fn of_effect(part: &Part, effect: &Effect, add: &mut dyn FnMut(Cell, Access)) {
    let mut points = |targets: &[Target], access: &dyn Fn(u64) -> Access| {
        for target in targets {
            if let Target::Point(object, point) = target {
                add(Cell::Object(*object), access(*point));
            }
        }
    };
    let given = |point| if point == 0 { Access::Give } else { Access::Point(point) };
    match effect {
        Effect::Wait { targets, for_submit, .. } => {
            points(part.targets_of(targets), &|_| Access::Wait { for_submit: *for_submit });
        }
        Effect::Signal(targets) => points(part.targets_of(targets), &given),
        Effect::Reset(targets) => points(part.targets_of(targets), &|_| Access::Reset),
        Effect::Copy { from, to, .. } => {
            points(&[*from], &|_| Access::Read);
            points(&[*to], &given);
        }
        Effect::Submit { queue, waits, signals, .. } => {
            points(part.targets_of(waits), &|_| Access::Read);
            points(part.targets_of(signals), &given);
            let crtc = part.facts.crtc.filter(|crtc| *crtc != 0).zip(part.facts.device);
            let queue = crtc.map(|(crtc, device)| Queue::Crtc(device, crtc)).or(queue.map(Queue::Object));
            let waits = !part.targets_of(waits).is_empty() || !part.facts.implicit.is_empty();
            if let Some(queue) = queue {
                add(Cell::Queue(queue), Access::Submit { waits });
            }
        }
        _ => {}
    }
}
