//! The event types: what a session's journal holds and every reader understands.
//!
//! A session is a folder. Its journal, `events.jsonl`, is append-only, one [`Event`] a line; every report is a
//! pure function of it. [`Session`] is the fold of a journal that reports and `resume` read.

pub mod coverage;
pub mod device;
pub mod event;
pub mod finding;
pub mod journal;
pub mod seen;
pub mod session;
pub mod verdict;

pub use coverage::{Coverage, Place, RunCoverage, Side};
pub use device::{Device, DeviceKind};
pub use event::{Adapter, BootEnd, Entry, Event, LockdepCause, PlannedCase, Program, SessionEnd};
pub use finding::{Attribution, CallSite, Finding, How, RuleHit};
pub use seen::{Captured, Dossier, Exit, Lockdep, Outcome, Subtest, Task};
pub use session::{Attempt, Boot, CaseRecord, Session};
pub use verdict::{Counts, Verdict};

/// The version of the event types. A reader refuses a newer one.
pub const VERSION: u32 = 1;
