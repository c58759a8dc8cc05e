//! Lockdep's own tables in /proc, and what they tell about a test run.

pub mod chains;
pub mod classes;
pub mod coverage;
pub mod graph;
mod picture;
pub mod stats;

/// Why a table could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The first line is not the table's.
    #[error("the text does not begin with {expected:?}")]
    Header {
        /// The line that the kernel prints first.
        expected: &'static str,
    },
    /// A line has another form.
    #[error("line {line} has an unknown form")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
}
