//! What can be read of a report that was printed at the same time as another.

use super::rows::Row;
use crate::interleave::Mixed;
use crate::shape::Shape;

/// The rows that are this report's for certain.
pub(super) fn certain(mut rows: Vec<Row>, mixed: Mixed) -> Vec<Row> {
    match mixed {
        Mixed::No => {}
        Mixed::Frames => rows.retain(|row| !looks_the_same_everywhere(row)),
        Mixed::Locks => {
            rows.retain(|row| {
                !looks_the_same_everywhere(row) && !matches!(row.shape, Shape::Lock | Shape::Lockdep)
            });
        }
    }
    rows
}

/// A frame, a list of held locks, a rule or a mark at the end of any backtrace.
fn looks_the_same_everywhere(row: &Row) -> bool {
    match row.shape {
        Shape::Frame | Shape::TraceStart | Shape::HeldCount(_) => true,
        Shape::Lock => row.text.trim_start().starts_with('#'),
        _ => false,
    }
}
