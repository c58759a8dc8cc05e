//! What is wrong with a scenario.

/// A scenario that cannot be taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not in the language: what, and where.
    #[error("read {file}:{line}:{column}: {what}")]
    At {
        /// As it was named.
        file: String,
        /// From 1 on.
        line: usize,
        /// From 1 on.
        column: usize,
        /// In words.
        what: String,
    },
    /// The same where no place is known.
    #[error("read {file}: {what}")]
    Whole {
        /// As it was named.
        file: String,
        /// In words.
        what: String,
    },
}
