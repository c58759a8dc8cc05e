//! What can be read of a report that was printed at the same time as another.

use super::rows::Row;
use crate::banner;
use crate::interleave::Mixed;
use crate::kind::Kind;
use crate::shape::Shape;

/// The rows that are this report's for certain.
pub(super) fn certain(kind: Kind, mut rows: Vec<Row>, mixed: Mixed) -> Vec<Row> {
    let lock = |row: &Row| mixed == Mixed::Locks && matches!(row.shape, Shape::Lock | Shape::Lockdep);
    if mixed != Mixed::No {
        rows.retain(|row| {
            !looks_the_same_everywhere(row) && !lock(row) && (row.alone || is_tied(kind, mixed, row))
        });
    }
    rows
}

/// Can no other report have printed this line? A warning may say anything at all: of its lines only those are its own that
/// were told by their words, or that came before the other report began.
fn is_tied(kind: Kind, mixed: Mixed, row: &Row) -> bool {
    match kind {
        Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List | Kind::Ubsan => {
            banner::find(&row.text).is_some()
        }
        // The other may be about RCU too, and name a place.
        Kind::Rcu => mixed != Mixed::Locks || banner::find(&row.text).is_some(),
        _ => true,
    }
}

/// A frame, a list of held locks, a rule or a mark at the end of any backtrace.
fn looks_the_same_everywhere(row: &Row) -> bool {
    match row.shape {
        Shape::Frame | Shape::TraceStart | Shape::HeldCount(_) => true,
        Shape::Lock => row.text.trim_start().starts_with('#'),
        _ => false,
    }
}
