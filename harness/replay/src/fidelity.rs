//! How faithful a replay is to what was recorded.

use std::collections::BTreeMap;
use std::fmt;

/// What became of the recorded calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fidelity {
    /// Recorded calls.
    pub calls: usize,
    /// Those that became steps as they are, by the step's word.
    pub kept: BTreeMap<String, usize>,
    /// Those in whose place something else stands: in words.
    pub replaced: BTreeMap<String, usize>,
    /// Those that are left out though they have to do with fences: why.
    pub left_out: BTreeMap<String, usize>,
    /// Those that have nothing to do with fences.
    pub other: usize,
    /// Pairs of steps of different threads whose order is kept.
    pub ordered: usize,
    /// Processes and threads.
    pub processes: usize,
    /// Threads of all processes.
    pub threads: usize,
}

impl Fidelity {
    pub(crate) fn keep(&mut self, word: &str) {
        *self.kept.entry(word.into()).or_default() += 1;
    }

    pub(crate) fn replace(&mut self, what: &str) {
        *self.replaced.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn leave_out(&mut self, why: &str) {
        *self.left_out.entry(why.into()).or_default() += 1;
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |map: &BTreeMap<String, usize>| map.values().sum::<usize>();
        let list = |map: &BTreeMap<String, usize>| {
            let parts: Vec<String> = map.iter().map(|(what, count)| format!("{count} {what}")).collect();
            if parts.is_empty() { "none".into() } else { parts.join(", ") }
        };
        writeln!(f, "{} recorded calls, of which {} have nothing to do with fences", self.calls, self.other)?;
        writeln!(f, "  kept as they were:  {:>4}  {}", sum(&self.kept), list(&self.kept))?;
        writeln!(f, "  replaced:           {:>4}  {}", sum(&self.replaced), list(&self.replaced))?;
        writeln!(f, "  left out:           {:>4}  {}", sum(&self.left_out), list(&self.left_out))?;
        writeln!(
            f,
            "  order:              {:>4}  pairs of steps between the {} threads of {} processes",
            self.ordered, self.threads, self.processes
        )
    }
}
