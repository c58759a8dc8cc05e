//! Who waits for whom, and what follows from it.
//!
//! | layer | what it gives |
//! | --- | --- |
//! | [`world`] | every fence, what holds it, what signals it, who waits: at one moment of the walk through a trace |
//! | [`graph`] | the AND/OR wait-for graph of a moment, reduced: what can never happen |
//! | [`finding`] | verdicts with their witness, in words and as a picture's nodes and edges |
//! | [`analyse`], [`Walk`] | a session as a whole, or one that grows |
//! | [`job_spans`] | how long jobs took, as far as calls tell |
//! | [`predict`] | what did not happen, and would in another order of the same calls |
//! | [`kernel`] | what the kernel itself said meanwhile, put to the findings |
//!
//! ```no_run
//! use fencelab_fences::{Options, analyse, graph::Nobody};
//!
//! let session = fencelab_trace::Session::open("/tmp/trace".as_ref())?;
//! for finding in analyse(&session, Options::default(), &Nobody)?.findings {
//!     println!("{}: {}", finding.heading(), finding.sentence);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod analysis;
pub mod feed;
pub mod fence;
pub mod finding;
pub mod graph;
mod hints;
mod judge;
pub mod kernel;
mod lost;
mod options;
pub mod predict;
mod spans;
pub mod syncobj;
#[cfg(test)]
mod testing;
mod texts;
mod timeline;
mod tracker;
mod wakes;
mod walk;
pub mod words;
pub mod world;

pub use analysis::{Analysis, analyse, conclude, finish};
pub use options::Options;
pub use spans::{JobSpan, job_spans};
pub use timeline::{Row, Slice, Timeline, timeline};
pub use wakes::SlowWake;
pub use walk::Walk;
