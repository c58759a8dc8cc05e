//! A smaller scenario that comes to the same.
//!
//! Runs of steps go first, halved until they are single ones (delta debugging, Zeller and Hildebrandt 2002), then whole processes,
//! threads and objects, then what steps say beyond need; all of it again until nothing goes any more. Displays, GPUs and their
//! buffers give way to software that does the same to fences, where that is wanted: what they need before their first job is
//! most of a small program.

mod cuts;
mod stand_ins;

use std::collections::HashSet;

use fencelab_scenario::{Name, Process, Scenario};

/// What came of it.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest that came to the same.
    pub scenario: Scenario,
    /// Those on the way to it, from the first cut on; the last is the smallest.
    pub way: Vec<Scenario>,
    /// Candidates that were tried.
    pub tried: usize,
}

/// What becomes of displays, GPUs and their buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// They stay.
    Kept,
    /// Software takes their place where it comes to the same.
    StoodInFor,
}

/// Makes a scenario smaller as long as `same` says that it comes to the same.
pub fn minimize(scenario: &Scenario, devices: Devices, same: &mut dyn FnMut(&Scenario) -> bool) -> Shrunk {
    let mut shrinking = Shrinking { best: tidy(scenario.clone()), way: Vec::new(), tried: 0, same };
    loop {
        let before = shrinking.way.len();
        // Halves first: where a try is a boot, few of them take most away.
        shrinking.runs();
        for cut in cuts::WHOLE {
            shrinking.each(cut);
        }
        if devices == Devices::StoodInFor {
            shrinking.each(&stand_ins::object);
        }
        shrinking.each(&cuts::words);
        if shrinking.way.len() == before {
            break;
        }
    }
    Shrunk { scenario: shrinking.best, way: shrinking.way, tried: shrinking.tried }
}

/// A scenario on its way.
struct Shrinking<'s> {
    best: Scenario,
    way: Vec<Scenario>,
    tried: usize,
    same: &'s mut dyn FnMut(&Scenario) -> bool,
}

/// Gives a scenario without its how-manieth part of some sort; `None`: there are no more.
type Cut = dyn Fn(&Scenario, usize) -> Option<Scenario>;

impl Shrinking<'_> {
    /// Takes a candidate if it comes to the same.
    fn take(&mut self, candidate: Scenario) -> bool {
        let candidate = tidy(candidate);
        if candidate == self.best || candidate.check().is_err() {
            return false;
        }
        self.tried += 1;
        if !(self.same)(&candidate) {
            return false;
        }
        self.best = candidate.clone();
        self.way.push(candidate);
        true
    }

    /// Cuts away each part that can go.
    fn each(&mut self, cut: &Cut) {
        let mut at = 0;
        while let Some(candidate) = cut(&self.best, at) {
            if !self.take(candidate) {
                at += 1;
            }
        }
    }

    /// Cuts away runs of steps.
    fn runs(&mut self) {
        let mut size = (self.best.len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < self.best.len() {
                if !self.take(cuts::run(&self.best, at, size)) {
                    at += size;
                }
            }
            if size == 1 {
                break;
            }
            size /= 2;
        }
    }
}

/// Without empty threads and processes, objects that nobody speaks of, and labels that nobody follows.
fn tidy(mut scenario: Scenario) -> Scenario {
    for process in scenario.processes.values_mut() {
        process.retain(|_, steps| !steps.is_empty());
    }
    scenario.processes.retain(|_, threads| !threads.is_empty());
    let labels: HashSet<Name> = scenario.steps().filter_map(|(_, step)| step.label.clone()).collect();
    let steps = scenario.processes.values_mut().flat_map(Process::values_mut).flatten();
    steps.for_each(|step| step.after.retain(|after| labels.contains(&after.label)));
    let followed: HashSet<Name> = scenario
        .steps()
        .flat_map(|(_, step)| step.after.iter().map(|a| a.label.clone()).collect::<Vec<_>>())
        .collect();
    let steps = scenario.processes.values_mut().flat_map(Process::values_mut).flatten();
    steps.for_each(|step| step.label = step.label.take().filter(|label| followed.contains(label)));
    let used: HashSet<Name> = scenario
        .steps()
        .flat_map(|(_, step)| step.op.targets().into_iter().map(|t| t.object.clone()).collect::<Vec<_>>())
        .collect();
    scenario.objects.retain(|name, _| used.contains(name));
    scenario
}

#[cfg(test)]
mod tests;
