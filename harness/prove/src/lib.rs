//! Plants faults, each on a machine of its own, and has the cases find them; the lawful variants of all share one
//! machine, on which nothing may be found.
//!
//! Several machines run at a time. Each is a session of its own, run by [`fencelab_runner`]; [`fencelab_rules`] judges it.

mod error;
mod planted;
mod prover;
mod session;
mod task;

pub use error::Error;
pub use planted::{Listed, Planted};
pub use prover::{Made, Make, Prover, Watcher};
pub use session::{About, Site};
pub use task::{CONTROLS, Task};
