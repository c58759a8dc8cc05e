//! From calls to steps.

mod build;
mod calls;
mod jobs;
mod names;
mod order;
mod people;
mod steps;

use std::collections::HashMap;
use std::io;

use fencelab_scenario::{Duration, Expect, Scenario};
use fencelab_trace::{CallId, Session};

use crate::{Fidelity, Order};

/// When steps are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// As soon as those are through that they must follow.
    #[default]
    Fast,
    /// Not before the time that they had in the recording.
    Original,
}

/// What to make of a session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only calls of these processes; of all, if there is none.
    pub pids: Vec<u32>,
    /// Only calls made between these moments of CLOCK_MONOTONIC, in nanoseconds.
    pub between_ns: Option<(u64, u64)>,
    /// When steps are made.
    pub timing: Timing,
    /// The device of sync objects; `None`: the recorded one.
    pub syncobjs_on: Option<String>,
    /// The device of jobs and commits: `software` or a GPU whose jobs are known.
    pub jobs_on: String,
    /// How long jobs lasted, by the call that handed them over. Those of which nothing is known last 1 ms.
    pub lasted: HashMap<CallId, Duration>,
    /// An order to follow in place of the recorded one.
    pub order: Option<Order>,
    /// What it is to come to.
    pub expect: Expect,
}

/// A scenario and how faithful it is.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The scenario.
    pub scenario: Scenario,
    /// How faithful it is.
    pub fidelity: Fidelity,
}

/// Why a session does not become a scenario.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The trace can no longer be read.
    #[error("read the trace: {0}")]
    Read(#[from] io::Error),
    /// There is nothing to replay.
    #[error("find something to replay: none of the {calls} recorded calls has to do with fences")]
    Nothing {
        /// How many there are.
        calls: usize,
    },
    /// What came of it cannot be run: a fault of the conversion, or of a trace with losses.
    #[error("make a scenario of the trace: {0}")]
    Scenario(String),
}

/// Makes a scenario of a session's sync operations.
///
/// # Errors
/// When the trace cannot be read, holds nothing that has to do with fences, or what it holds does not fit together.
pub fn convert(session: &Session, options: &Options) -> Result<Converted, Error> {
    let (calls, model) = calls::take(session, options)?;
    let converted = build::build(session, &model, &calls, options);
    if converted.scenario.is_empty() {
        return Err(Error::Nothing { calls: converted.fidelity.calls });
    }
    converted.scenario.check().map_err(Error::Scenario)?;
    Ok(converted)
}
