//! The line model: one message line of the kernel, whichever way it reached us.

mod clean;
mod journal;
mod journal_json;
mod json_fields;
mod kmsg;
mod parts;
mod prefix;
mod text;

pub(crate) use clean::clean;
pub(crate) use journal::Journal;
pub(crate) use journal_json::JournalJson;
pub(crate) use json_fields::JsonFields;
pub use kmsg::{Record, RecordError};
pub(crate) use parts::{Parts, Piece};
pub(crate) use text::parse_text;

use serde::Serialize;

/// Who printed a line: the `[T123]` or `[C1]` of CONFIG_PRINTK_CALLER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Caller {
    /// A task, by its thread id.
    Task(u32),
    /// Interrupt context on this CPU.
    Cpu(u32),
}

impl Caller {
    /// Reads `T123` or `C1`; blanks between letter and number are allowed, as consoles pad.
    pub fn parse(text: &str) -> Option<Caller> {
        let text = text.trim();
        let (kind, number) = text.split_at_checked(1)?;
        // Newer kernels may add the CPU after an '@'.
        let number = number.split('@').next()?.trim().parse().ok()?;
        match kind {
            "T" => Some(Caller::Task(number)),
            "C" => Some(Caller::Cpu(number)),
            _ => None,
        }
    }

    /// The thread id, when a task printed the line.
    pub fn tid(self) -> Option<u32> {
        match self {
            Caller::Task(tid) => Some(tid),
            Caller::Cpu(_) => None,
        }
    }
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Caller::Task(tid) => write!(f, "T{tid}"),
            Caller::Cpu(cpu) => write!(f, "C{cpu}"),
        }
    }
}

impl Serialize for Caller {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What stood in front of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Log level, 0 (emergency) to 7 (debug).
    pub level: Option<u8>,
    /// Sequence number of the record, where the source has one.
    pub seq: Option<u64>,
    /// Microseconds since boot.
    pub time_us: Option<u64>,
    /// A wall-clock time as it was printed, where the source has only that.
    pub wall: Option<Box<str>>,
    /// The caller id.
    pub caller: Option<Caller>,
    /// The record says that it is a continuation piece.
    pub cont: bool,
    /// Nothing stood in front: in a log whose other lines have a prefix, this line continues the record above.
    pub bare: bool,
}

impl Meta {
    /// Did a time stand in front?
    pub(crate) fn has_time(&self) -> bool {
        self.time_us.is_some() || self.wall.is_some()
    }

    /// Does it say nothing that the line could be sorted by?
    fn is_silent(&self) -> bool {
        !self.has_time() && self.caller.is_none() && self.level.is_none()
    }
}

/// The lines of one entry of the journal. What did not come from the kernel gives none, and where a journal keeps
/// printk's own prefix in the message, that is read too.
fn message_lines(number: u64, meta: &Meta, transport: Option<&str>, message: &str) -> Vec<Line> {
    if transport.is_some_and(|transport| transport != "kernel") {
        return Vec::new();
    }
    let line = |text| {
        let mut meta = meta.clone();
        let inner = parse_text(number, text);
        if !inner.meta.bare {
            meta.time_us = inner.meta.time_us.or(meta.time_us);
            meta.caller = inner.meta.caller;
        }
        Line { number, meta, text: inner.text }
    };
    message.split('\n').map(line).collect()
}

/// One message line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Number of the line in the input, from 1. For /dev/kmsg, the number of the record.
    pub number: u64,
    /// What stood in front of the message.
    pub meta: Meta,
    /// The message, without prefix, escape sequences and line end.
    pub text: String,
}
