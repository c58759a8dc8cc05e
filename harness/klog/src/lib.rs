//! Reads kernel logs as structure: reports, their locks, frames and tasks, the contract rules that they break, and a
//! signature that is the same for every sighting of a bug.
//!
//! [`Parser`] takes /dev/kmsg records or pieces of a text log and gives [`Event`]s. It does no I/O, keeps a bounded
//! amount of memory, and never fails: what it cannot read it says ([`Report::missing`], [`Loss`]).

mod aftermath;
mod analyse;
mod annotation;
mod banner;
mod blame;
mod collector;
mod die_line;
mod entry;
mod event;
mod frame;
pub mod group;
mod incident;
mod interleave;
mod kind;
mod line;
mod lock;
pub mod lockdep;
mod lockdep_state;
mod needles;
mod parser;
mod report;
mod rules;
mod shape;
pub mod signature;
mod source;
mod streams;
mod text;

/// The JSON schema of a [`Report`].
pub const SCHEMA: &str = include_str!("../schema/report.schema.json");

pub use annotation::{Annotation, Kernel};
pub use event::{Event, LockdepOff, Loss, OffCause};
pub use frame::Frame;
pub use kind::Kind;
pub use line::{Caller, Line, Meta, Record, RecordError};
pub use lock::{Lock, LockClass};
pub use lockdep_state::LockdepState;
pub use parser::{Options, Parser, parse_log};
pub use report::{Details, HeldLocks, Link, Report, Section, Step, Task, Trace};
pub use rules::{Edge, Role, RuleMatch, known_rules};
pub use text::Text;
