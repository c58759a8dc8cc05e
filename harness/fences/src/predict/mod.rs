//! D4: hangs that did not happen this time, and would in another order of the same calls.
//!
//! For each pair of calls whose order matters and was chance, the recorded program is run once more in the model of fences,
//! with the second call before the first and the rest in the recorded order as far as it can be. Where that run ends with
//! threads in calls that never return, that order is the witness. Nothing is claimed of what a program does after a call
//! has had another result than when it was recorded.

mod candidates;
mod lives;
mod order;
mod program;
mod run;
mod start;
mod tell;
mod witness;

use std::io;

use fencelab_trace::Session;

pub use witness::{Moment, Op, Step, Witness};

use crate::Options;
use crate::finding::Finding;
use order::Order;
use program::Program;
pub(crate) use program::matters;
use run::Run;
pub(crate) use start::{Scout, Start};

/// Calls that are looked at: the last ones.
pub const CALLS: u64 = 4000;
/// Pairs that are tried.
const PAIRS: usize = 64;
/// Predictions that are told.
const TOLD: usize = 8;

/// Looks for hangs in other orders of a session's calls. `calls`: how many that may change places have to do with fences;
/// `start`: a moment that lies before the last of them.
pub(crate) fn predict(
    session: &Session,
    options: Options,
    calls: u64,
    start: Option<Start>,
) -> io::Result<Vec<Finding>> {
    let program = Program::read(session, options, calls.saturating_sub(CALLS), start)?;
    let order = Order::of(&program);
    let mut found: Vec<Finding> = Vec::new();
    let pairs = candidates::candidates(&program, &order);
    if pairs.is_empty() || !is_understood(&program, &order) {
        return Ok(found);
    }
    for swap in pairs.into_iter().take(PAIRS) {
        let Some(run) = Run::of(&program, &order, Some(swap)) else { continue };
        let Some(finding) = tell::finding(session, &program, run, swap) else { continue };
        let same =
            |other: &Finding| other.culprit == finding.culprit && other.stuck.len() == finding.stuck.len();
        if !found.iter().any(same) {
            found.push(finding);
        }
        if found.len() == TOLD {
            break;
        }
    }
    Ok(found)
}

/// Whether the model of fences comes to the recorded end in the recorded order: if not, it knows too little.
fn is_understood(program: &Program, order: &Order<'_>) -> bool {
    Run::of(program, order, None).is_some_and(|run| run.stuck().is_empty() && run.refused().is_none())
}
