//! Scenarios as cases of a run: compiled here, run there, judged there by the analyser.

mod bench;
mod build;
mod case;
mod exec;
mod pool;
mod predicted;
mod recorded;
mod result;
mod talk;
mod tries;

pub(crate) use bench::{Ran, run_on};
pub(crate) use build::build;
pub(crate) use case::{Case, plain, planned, split};
pub(crate) use exec::{COMMAND, run as exec};
pub(crate) use predicted::predicted;
pub(crate) use recorded::{Wanted, of_session, witnesses};
pub(crate) use result::{Results, of_case};
pub(crate) use tries::Tries;
