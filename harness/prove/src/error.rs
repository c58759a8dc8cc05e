//! What can keep a proof from being made.

use std::path::PathBuf;

/// Why faults cannot be planted or looked for. The texts fit after "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session of a boot.
    #[error("{0}")]
    Session(#[from] fencelab_runner::Error),
    /// The document of proofs.
    #[error("write {}: {reason}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
