//! What a case process tells the harness: JSON lines on one file descriptor.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::case::{Stop, Tested};

/// How a case or a part of it ended, as it says itself. Crashes and time limits are the harness's to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Pass,
    /// A check did not hold.
    Fail,
    /// It does not apply here.
    Skip,
}

/// One line from a case process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// A thread that the case started.
    Thread {
        /// Its tid in the case's pid namespace.
        tid: i32,
    },
    /// Free text for the report.
    Note {
        /// The text.
        text: String,
    },
    /// The result of one part.
    Subtest {
        /// Its name below the case's.
        name: String,
        /// How it ended.
        outcome: Outcome,
        /// Why, where it did not pass.
        reason: String,
    },
    /// What lockdep has around the contract's classes ([`crate::lockdep`]), read before a module takes its classes away.
    Lockdep {
        /// The table.
        text: String,
        /// How long reading it took, in microseconds.
        took_us: u64,
    },
    /// The result of the case; the last line.
    Done {
        /// How it ended.
        outcome: Outcome,
        /// Why, where it did not pass.
        reason: String,
    },
}

impl Note {
    /// The closing line for what a case returned.
    pub fn done(tested: Tested) -> Self {
        let (outcome, reason) = match tested {
            Ok(()) => (Outcome::Pass, String::new()),
            Err(Stop::Skip(reason)) => (Outcome::Skip, reason),
            Err(Stop::Fail(reason)) => (Outcome::Fail, reason),
        };
        Note::Done { outcome, reason }
    }
}

/// The writing end of the channel. A harness that went away is no reason for a case to stop: errors are
/// dropped here, and the harness sees the missing lines.
#[derive(Clone)]
pub struct Reporter(Arc<Mutex<File>>);

impl Reporter {
    /// Reports on `fd`.
    pub fn new(fd: OwnedFd) -> Self {
        Reporter(Arc::new(Mutex::new(File::from(fd))))
    }

    /// Writes one line.
    pub fn send(&self, note: &Note) {
        let Ok(mut line) = serde_json::to_vec(note) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _ = file.write_all(&line);
    }
}
