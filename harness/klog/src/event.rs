//! What the parser hands out.

use serde::Serialize;

use crate::kind::Kind;
use crate::line::Caller;
use crate::report::Report;

/// One thing that the log told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A report, whole or as far as it came.
    Report(Box<Report>),
    /// Lockdep is off from here on: what follows proves nothing about locking.
    LockdepOff(LockdepOff),
    /// Lines were lost.
    Loss(Loss),
}

impl Event {
    /// The report, if it is one.
    pub fn into_report(self) -> Option<Report> {
        match self {
            Event::Report(report) => Some(*report),
            _ => None,
        }
    }
}

/// Lockdep went off, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockdepOff {
    /// Why.
    pub cause: OffCause,
    /// Number of the line that tells.
    pub line: u64,
    /// Its sequence number, where the source has one.
    pub seq: Option<u64>,
    /// Microseconds since boot.
    pub time_us: Option<u64>,
    /// Who printed it.
    pub caller: Option<Caller>,
    /// The line itself.
    pub text: String,
}

/// Why lockdep went off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum OffCause {
    /// It has spoken: it gives one report a boot.
    Splat {
        /// What it said.
        kind: Kind,
    },
    /// One of its tables is full.
    TableFull {
        /// The limit, such as `MAX_LOCKDEP_ENTRIES`.
        limit: String,
    },
    /// The kernel was tainted in a way that makes lockdep unreliable (`add_taint`, kernel/panic.c).
    Taint,
    /// The kernel began to die of a fault or a `BUG()`: it then trusts no lock any more (`oops_enter`, kernel/panic.c).
    Oops,
    /// Some report mentions that it is off, and nothing before it said why.
    Unknown,
}

/// Lines that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "loss")]
pub enum Loss {
    /// Sequence numbers were left out.
    Gap {
        /// The last number before the gap.
        after: u64,
        /// The first number behind it.
        before: u64,
    },
    /// The reader was too slow: the kernel answered EPIPE.
    Overrun {
        /// Line after which it happened.
        line: u64,
    },
    /// A console could not keep up ("N printk messages dropped").
    Dropped {
        /// How many messages.
        count: u64,
        /// Line that says so.
        line: u64,
    },
    /// A line was longer than the parser keeps.
    CutLine {
        /// The line.
        line: u64,
    },
    /// A part of a crash dump of pstore is not there.
    MissingPart {
        /// The line in front of the place where it should be.
        line: u64,
    },
    /// A /dev/kmsg record could not be read.
    BadRecord {
        /// Its number.
        line: u64,
    },
}
