//! What a scenario comes to by the rules of fences alone: no kernel, no time but a counted one.
//!
//! Every thread goes on as far as it can, the one whose time has come first; when none can, it is judged who is stuck for whom.
//! A race that no `after` decides goes one way here and may go another on a bench.

mod fences;
mod judge;
mod machine;
mod steps;
mod thread;
mod world;

use crate::{Place, Scenario};

/// What a scenario comes to. In the order of what counts for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nobody is stuck for long.
    Clean,
    /// A wait that nobody is left to end.
    D2,
    /// The same, where what was waited for had been there and was taken away.
    D3,
    /// Everybody waits for somebody in a circle.
    D1,
}

impl Verdict {
    /// As the language has it.
    pub fn expect(self) -> crate::Expect {
        match self {
            Verdict::Clean => crate::Expect::Clean,
            Verdict::D1 => crate::Expect::D1,
            Verdict::D2 => crate::Expect::D2,
            Verdict::D3 => crate::Expect::D3,
        }
    }
}

/// A thread that is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// In which step.
    pub place: Place,
    /// In the step's operation, not before it.
    pub inside: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict on the first moment at which nothing moved for long.
    pub verdict: Verdict,
    /// Who was stuck then.
    pub blocked: Vec<Blocked>,
    /// Whether somebody stuck has a step ahead that would end the hang, so that the scenario itself tells how it closes.
    pub told: bool,
    /// Steps that were done.
    pub done: usize,
    /// In which order steps were done or begun: a place and whether it was its end.
    pub order: Vec<Place>,
}

/// Nothing must have moved for so long before anybody asks: what the analyser takes.
const QUIET: u64 = 1_000_000_000;

/// Runs a scenario in thought.
pub fn simulate(scenario: &Scenario) -> Outcome {
    machine::Machine::new(scenario).run()
}

#[cfg(test)]
mod tests;
