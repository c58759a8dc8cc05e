//! Programs that labs already have, unchanged, as suites: IGT, deqp, piglit, the kernel's selftests, any command.
//!
//! [`plan()`] makes the cases before anything runs, on the runner's side: what a folder or a list does not hold is an
//! error there. [`exec::run`] is a case's process on the machine under test: it runs the program, passes its output on,
//! and tells the result in the words that every case uses.

mod command;
mod config;
mod deqp;
mod error;
pub mod exec;
mod igt;
mod kselftest;
mod list;
pub mod mock;
mod piglit;
mod plan;
mod verdict;

pub use config::Config;
pub use error::Error;
pub use plan::plan;
pub use verdict::{Ended, Part, Verdict, judge};
