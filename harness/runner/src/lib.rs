//! Runs a session: takes the planned cases to a bench, listens to its kernel, attributes what the kernel
//! reports, and writes it all to the journal.
//!
//! One thread and one channel for each machine: the bench's streams arrive as [`fencelab_bench::Incoming`], the journal is the
//! only state that outlives a step, and a session whose runner was killed is taken up from it.

pub mod attribute;
mod case;
mod coverage;
pub mod error;
pub mod files;
mod live;
pub mod observe;
pub mod recorded;
mod records;
mod run;
pub mod select;
mod splat;
mod watch;

pub use coverage::CoveragePolicy;
pub use error::Error;
pub use files::{Folder, Journal, Sync, host_boot_id};
pub use observe::{Observer, Stop};
pub use run::{Evidence, Options, Runner};
