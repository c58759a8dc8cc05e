//! Why a plan cannot be made.

use std::io;
use std::path::PathBuf;

/// Every way in which a suite of foreign programs is not what its configuration says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is missing or makes no sense.
    #[error("plan the suite {suite}: {what}")]
    Config {
        /// The suite.
        suite: String,
        /// The field, and what was expected.
        what: String,
    },
    /// A file or folder cannot be read.
    #[error("read {}: {error}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A folder has nothing to run.
    #[error("find {what} in {}", folder.display())]
    Empty {
        /// What was looked for.
        what: &'static str,
        /// The folder.
        folder: PathBuf,
    },
    /// A line of a list cannot be used.
    #[error("read {}:{line}: {what}", path.display())]
    Line {
        /// The list.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A program does not answer as one of its kind.
    #[error("ask {} for its tests: {what}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What it did.
        what: String,
    },
    /// Lists and blocklists leave nothing.
    #[error("plan the suite {suite}: its list and blocklist leave no case")]
    Nothing {
        /// The suite.
        suite: String,
    },
}

impl Error {
    /// For `map_err` on what was tried with `path`.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |error| Error::Read { path, error }
    }
}
