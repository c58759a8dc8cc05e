//! What can keep a run from going on.

use std::io;
use std::path::PathBuf;

/// Why a session cannot begin or go on. What was done so far is in its journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the session.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The folder holds a session already.
    #[error("begin a session in {}: it holds one already (`fencelab resume` takes it up)", path.display())]
    SessionExists {
        /// The folder.
        path: PathBuf,
    },
    /// Another runner writes the session.
    #[error("write the session in {}: another fencelab is running it", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The journal cannot be understood.
    #[error("take up {}: {source}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: fencelab_events::journal::Error,
    },
    /// The bench cannot be brought up.
    #[error("bring up the bench: {0}")]
    Bench(#[from] fencelab_bench::Error),
    /// The bench once was up and does not come up again.
    #[error("bring up the bench again: it failed {times} times in a row ({last})")]
    Unsteady {
        /// How often.
        times: u32,
        /// The last failure.
        last: String,
    },
}
