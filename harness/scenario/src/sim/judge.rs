//! Who is stuck for whom, when nothing moves.

use std::collections::HashSet;

use super::fences::{FenceId, Maker};
use super::machine::Machine;
use super::thread::{State, Thread, Waiting};
use super::{Blocked, QUIET, Verdict};
use crate::{Kind, Name, Op};

/// Something that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Thread(usize),
    Job(usize),
}

/// What follows from one stuck thread.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    circle: bool,
    /// It leads to something that nobody can bring about, and whether that had been there.
    orphan: Option<bool>,
    told: bool,
}

/// The verdict on this moment, who is stuck, and whether a step ahead would end it. `None`: nobody is stuck for long.
pub(super) fn judge(machine: &Machine<'_>) -> Option<(Verdict, Vec<Blocked>, bool)> {
    let long = |waiting: &Waiting| waiting.until.is_none_or(|until| until - waiting.since >= QUIET);
    let stuck: Vec<usize> = (0..machine.threads.len())
        .filter(|&index| matches!(&machine.threads[index].state, State::Waiting(waiting) if long(waiting)))
        .collect();
    let found: Vec<Found> = stuck.iter().map(|&index| Search::new(machine).thread(index)).collect();
    let circle = found.iter().any(|found| found.circle);
    let verdict = match found.iter().find_map(|found| found.orphan) {
        _ if circle => Verdict::D1,
        Some(true) => Verdict::D3,
        Some(false) => Verdict::D2,
        None => return None,
    };
    let alive = (0..machine.threads.len()).filter(|&index| machine.threads[index].lives());
    let blocked = alive.map(|index| Blocked { place: machine.place(index), inside: stuck.contains(&index) });
    Some((verdict, blocked.collect(), found.iter().any(|found| found.told)))
}

/// A walk from one stuck thread along what it waits for.
struct Search<'m, 's> {
    machine: &'m Machine<'s>,
    path: Vec<Node>,
    seen: HashSet<Node>,
    found: Found,
}

impl<'m, 's> Search<'m, 's> {
    fn new(machine: &'m Machine<'s>) -> Self {
        Search { machine, path: Vec::new(), seen: HashSet::new(), found: Found::default() }
    }

    fn thread(mut self, index: usize) -> Found {
        self.enter(Node::Thread(index));
        self.found
    }

    fn enter(&mut self, node: Node) {
        if self.path.contains(&node) {
            self.found.circle = true;
            return;
        }
        if !self.seen.insert(node) {
            return;
        }
        self.path.push(node);
        match node {
            Node::Thread(index) => self.of_thread(index),
            Node::Job(index) => self.of_job(index),
        }
        self.path.pop();
    }

    fn of_thread(&mut self, index: usize) {
        let machine = self.machine;
        let thread = &machine.threads[index];
        match &thread.state {
            State::Waiting(waiting) => {
                for need in &waiting.needs {
                    match &need.set {
                        Some(set) => {
                            let open: Vec<FenceId> = machine.world.open(set).collect();
                            open.into_iter().for_each(|fence| self.fence(fence));
                        }
                        None => {
                            let name = &need.target.object;
                            let taken = machine.world.syncobjs.get(name).is_some_and(|object| object.taken);
                            self.providers(name, Some(taken));
                        }
                    }
                }
            }
            // It waits for another thread's step.
            State::Ready => {
                let after =
                    thread.steps.get(thread.next).map(|step| step.after.as_slice()).unwrap_or_default();
                for after in after {
                    let ahead = |other: &Thread<'_>| {
                        let rest = other.steps.get(other.next..).unwrap_or_default();
                        other.lives() && rest.iter().any(|step| step.label.as_ref() == Some(&after.label))
                    };
                    if let Some(other) = machine.threads.iter().position(ahead) {
                        self.enter(Node::Thread(other));
                    }
                }
            }
            _ => {}
        }
    }

    fn of_job(&mut self, index: usize) {
        let world = &self.machine.world;
        if let Some(before) = world.before(index) {
            self.enter(Node::Job(before));
        }
        let open: Vec<FenceId> =
            world.jobs.get(index).map(|job| world.open(&job.waits).collect()).unwrap_or_default();
        open.into_iter().for_each(|fence| self.fence(fence));
    }

    fn fence(&mut self, fence: FenceId) {
        match &self.machine.world.fences[fence].maker {
            Maker::Job(job) => self.enter(Node::Job(*job)),
            Maker::Timeline(timeline, _) => self.providers(timeline, None),
            // vgem gives it up by itself.
            Maker::Vgem => {}
        }
    }

    /// Those who could bring it about: who has a step ahead that does, else any living thread of a process that has it.
    fn providers(&mut self, object: &Name, taken: Option<bool>) {
        let machine = self.machine;
        let told: Vec<usize> = indices(machine, |thread| {
            let rest = thread.steps.get(thread.next..).unwrap_or_default();
            thread.lives() && rest.iter().any(|step| brings(machine, &step.op, object))
        });
        let holding = || {
            indices(machine, |thread| {
                let holds = machine.holds.get(thread.process).is_some_and(|held| held.contains(object));
                thread.lives() && holds
            })
        };
        self.found.told |= !told.is_empty();
        let mut able = if told.is_empty() { holding() } else { told };
        // A thread that waits for its own signal is alone, unless a device stands between.
        if let [Node::Thread(own)] = self.path[self.path.len().saturating_sub(1)..] {
            able.retain(|&index| index != own);
        }
        if able.is_empty() {
            self.found.orphan = self.found.orphan.max(Some(taken.unwrap_or(false)));
        }
        able.into_iter().for_each(|index| self.enter(Node::Thread(index)));
    }
}

fn indices(machine: &Machine<'_>, fits: impl Fn(&Thread<'_>) -> bool) -> Vec<usize> {
    (0..machine.threads.len()).filter(|&index| fits(&machine.threads[index])).collect()
}

/// Whether an operation brings a fence to an object or moves a timeline on.
fn brings(machine: &Machine<'_>, op: &Op, object: &Name) -> bool {
    let names = |target: &crate::Target| target.object == *object;
    match op {
        Op::Signal(targets) => targets.iter().any(names),
        Op::Import(way) | Op::Transfer(way) => names(&way.to),
        Op::Submit(job) => job.signals.iter().any(names),
        Op::Close(target) => names(target) && machine.world.kind(object) == Some(Kind::Timeline),
        _ => false,
    }
}
