//! The journal's form: one JSON object a line, appended.

use std::io::{self, BufRead, Write};

use crate::event::{Entry, Event};

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The reader's error.
    #[error("read the journal: {0}")]
    Io(#[from] io::Error),
    /// A line that is no event, and not the torn last one.
    #[error("read the journal: line {line}: {error}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The journal of a newer fencelab.
    #[error("read the journal: it has version {found} and this fencelab reads up to {known}")]
    Newer {
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The first line is not the start of a session.
    #[error("read the journal: it does not begin with a session's start")]
    NotASession,
}

/// A journal, read.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The length in bytes of what was read as whole lines: a torn last line, cut by a crash, lies behind it.
    pub whole_bytes: u64,
    /// The torn last line was there.
    pub torn: bool,
}

/// Reads a journal to its end. A last line without its newline is torn: a crash cut it, and it is left out.
///
/// # Errors
/// As [`Error`].
pub fn read(mut reader: impl BufRead) -> Result<Journal, Error> {
    let mut journal = Journal::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            journal.torn = true;
            break;
        }
        refuse_newer(&line)?;
        let entry = serde_json::from_slice(&line).map_err(|error| Error::Line { line: number, error })?;
        journal.entries.push(entry);
        journal.whole_bytes += length as u64;
    }
    match journal.entries.first().map(|e| &e.event) {
        Some(Event::SessionStarted { .. }) => Ok(journal),
        _ => Err(Error::NotASession),
    }
}

/// A newer version may have changed any field, so its number is looked at before the rest is understood.
fn refuse_newer(line: &[u8]) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Head {
        event: String,
        version: Option<u32>,
    }
    match serde_json::from_slice::<Head>(line) {
        Ok(Head { event, version: Some(found) }) if event == "session-started" && found > crate::VERSION => {
            Err(Error::Newer { found, known: crate::VERSION })
        }
        _ => Ok(()),
    }
}

/// Writes one entry as a line.
///
/// # Errors
/// The writer's.
pub fn write(writer: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry).map_err(io::Error::other)?;
    line.push(b'\n');
    writer.write_all(&line)
}
