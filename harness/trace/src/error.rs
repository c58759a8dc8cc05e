//! Why a session cannot be read.

use std::io;
use std::path::PathBuf;

use fencelab_abi::FormatError;

/// Why a session cannot be read at all. What is merely missing or damaged is a [`crate::Loss`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the session cannot be opened or read.
    #[error("read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pool's bytes cannot be read.
    #[error("read the trace: {0}")]
    Read(#[from] io::Error),
    /// The pool is no trace of ours, or one that is too new.
    #[error("read the trace's header: {0}")]
    Format(#[from] FormatError),
    /// More chunks than a trace can have.
    #[error("read a trace of {0} chunks: this reader takes {max} at most", max = crate::id::MAX_CHUNKS)]
    TooLarge(u32),
}
