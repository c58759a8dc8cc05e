//! Text for reports: what is safe to show, how much of it, and times as people write them.

mod clip;
mod moment;
mod visible;

pub(crate) use clip::clip;
pub(crate) use moment::{date, moment, seconds, span};
pub(crate) use visible::{line, lines};

/// `1 case`, `2 cases`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
