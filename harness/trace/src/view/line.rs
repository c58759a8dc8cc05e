//! One call as one line.

use std::fmt;

use crate::id::{CallId, ProcessId};

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has returned, after so many nanoseconds.
    Done(u64),
    /// It has not, after so many nanoseconds, and is a wait or not.
    Unfinished {
        /// Nanoseconds so far.
        since: u64,
        /// Whether it waits for fences.
        waits: bool,
    },
    /// It has not, and whoever shows it goes on.
    Begun,
    /// It was shown as begun before, and has returned now, after so many nanoseconds.
    Resumed(u64),
    /// It has no duration: an exec that worked, what a program began with.
    Instant,
}

/// A call as shown.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which call.
    pub id: CallId,
    /// The program that made it.
    pub process: Option<ProcessId>,
    /// That program's name.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// CLOCK_MONOTONIC when it was made (of a resumed one: when it returned), in nanoseconds.
    pub at: u64,
    /// How far it has come.
    pub state: State,
    /// The call.
    pub text: String,
    /// What it does to the objects that were asked for.
    pub notes: Vec<String>,
    /// The same for programs, if that was asked for.
    pub json: Option<serde_json::Value>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", Clock(self.at), self.who(), self.text)?;
        match self.state {
            State::Done(ns) | State::Resumed(ns) => write!(f, " <{}>", Length(ns))?,
            State::Unfinished { since, waits } => {
                let what = if waits { "waiting for" } else { "for" };
                write!(f, " <unfinished: {what} {}>", Length(since))?;
            }
            State::Begun => f.write_str(" <unfinished ...>")?,
            State::Instant => {}
        }
        if self.notes.is_empty() { Ok(()) } else { write!(f, "  # {}", self.notes.join("; ")) }
    }
}

impl Line {
    /// Who made it: name and pid, and the thread if it is not the first one.
    pub fn who(&self) -> String {
        let name = if self.name.is_empty() { "?" } else { &self.name };
        if self.tid == self.pid {
            format!("{name}[{}]", self.pid)
        } else {
            format!("{name}[{}/{}]", self.pid, self.tid)
        }
    }
}

/// Nanoseconds as seconds with six digits.
pub(super) struct Clock(pub(super) u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

/// A length of time with three digits or more, in the unit that fits.
pub(super) struct Length(pub(super) u64);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |unit: u64| (self.0 / unit, self.0 % unit * 10 / unit);
        let ((whole, tenth), name) = match self.0 {
            0..1_000 => return write!(f, "{} ns", self.0),
            1_000..1_000_000 => (scaled(1_000), "us"),
            1_000_000..1_000_000_000 => (scaled(1_000_000), "ms"),
            _ => (scaled(1_000_000_000), "s"),
        };
        write!(f, "{whole}.{tenth} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_their_units() {
        let lengths = [0, 682, 14_249, 3_100_000, 12_345_678_901].map(|ns| Length(ns).to_string());
        assert_eq!(lengths, ["0 ns", "682 ns", "14.2 us", "3.1 ms", "12.3 s"]);
    }

    #[test]
    fn a_moment_has_microseconds() {
        assert_eq!(Clock(32_000_843_942).to_string(), "32.000843");
    }
}
