//! What can go wrong before the command runs.

use std::io;
use std::path::PathBuf;

/// Why a command could not be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the session could not be made.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for the trace. It is taken before the command starts, so that the command never meets a full
    /// disk through us.
    #[error("no room for a trace of {size} bytes at {path}: {source}")]
    Room {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// Why.
        source: io::Error,
    },
    /// A file that is to be the trace has no room for one.
    #[error("{path} has {size} bytes, too few for a trace")]
    Small {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// The folder holds another session.
    #[error("{0} already holds a trace")]
    Exists(PathBuf),
    /// The shim is made for x86-64 only.
    #[error("this fencelab has no recorder for this machine's architecture")]
    Architecture,
    /// The kernel lacks what `--raw` needs.
    #[error("this kernel has no Syscall User Dispatch, which raw mode needs (x86-64, Linux 5.11 or newer)")]
    Dispatch,
    /// The shim that this program carries cannot be loaded without ld.so.
    #[error("the recorder that this fencelab carries cannot be loaded in raw mode: {0}")]
    Image(String),
    /// The command could not be started.
    #[error("cannot run {command}: {source}")]
    Run {
        /// Its first word.
        command: String,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}
