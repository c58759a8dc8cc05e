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

/// The lines of a table, with their numbers, and the number of the last line if it may be cut: the kernel ends every line, so
/// that what has no line end breaks off somewhere. Such a line is left out: half a name is another name.
fn whole_lines(text: &str) -> (impl Iterator<Item = (usize, &str)>, Option<usize>) {
    let lines = text.lines().count();
    let cut = (!text.is_empty() && !text.ends_with('\n')).then_some(lines);
    (text.lines().take(lines - usize::from(cut.is_some())).zip(1..).map(|(line, number)| (number, line)), cut)
}
