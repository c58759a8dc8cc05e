//! Contract coverage: which part of the contract lockdep has seen at work.
//!
//! The forward edges of `dma_fence_map` are the locks really taken inside signalling sections; the backward edges are
//! the locks held over waits for fences. A run that added none has not exercised that side, and its silence proves
//! nothing about it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::classes::Classes;

/// The class of signalling sections and waits.
pub const SIGNALLING: &str = "dma_fence_map";
/// The class of a buffer's reservation.
pub const RESERVATION: &str = "reservation_ww_class_mutex";

/// What one stretch of a run added around one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Classes taken inside it before.
    pub inside_before: usize,
    /// Classes that were newly taken inside it.
    pub inside: BTreeSet<String>,
    /// Classes held around it before.
    pub around_before: usize,
    /// Classes that it was newly taken under.
    pub around: BTreeSet<String>,
}

/// What one stretch of a run added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Around `dma_fence_map`: inside are the locks of signalling sections, around are those held over waits.
    pub signalling: Side,
    /// Around the reservation lock.
    pub reservation: Side,
    /// All new edges of the graph.
    pub new_edges: usize,
}

/// How far a side of the contract was exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exercise {
    /// New edges were taken.
    New,
    /// None were new, but some were known from before, such as from an earlier case or the boot's priming.
    OnlyKnown,
    /// There is no edge at all: silence proves nothing.
    NotExercised,
}

impl Coverage {
    /// Compares two readings of /proc/lockdep of one boot. Read the second before a module is unloaded: its classes go
    /// with it.
    pub fn between(before: &Classes, after: &Classes) -> Coverage {
        let (old, new) = (before.edges(), after.edges());
        Coverage {
            signalling: side(SIGNALLING, &old, &new),
            reservation: side(RESERVATION, &old, &new),
            new_edges: new.difference(&old).count(),
        }
    }

    /// Was any lock taken inside a signalling section?
    pub fn signalling_side(&self) -> Exercise {
        exercise(self.signalling.inside.len(), self.signalling.inside_before)
    }

    /// Was any lock held over a wait?
    pub fn waiting_side(&self) -> Exercise {
        exercise(self.signalling.around.len(), self.signalling.around_before)
    }
}

fn exercise(new: usize, known: usize) -> Exercise {
    match (new, known) {
        (0, 0) => Exercise::NotExercised,
        (0, _) => Exercise::OnlyKnown,
        _ => Exercise::New,
    }
}

type Edges = BTreeSet<(String, String)>;

fn side(class: &str, old: &Edges, new: &Edges) -> Side {
    let inside =
        |edges: &Edges| edges.iter().filter(|(from, _)| from == class).map(|(_, to)| to.clone()).collect();
    let around =
        |edges: &Edges| edges.iter().filter(|(_, to)| to == class).map(|(from, _)| from.clone()).collect();
    let (old_inside, old_around): (BTreeSet<String>, BTreeSet<String>) = (inside(old), around(old));
    Side {
        inside: difference(inside(new), &old_inside),
        around: difference(around(new), &old_around),
        inside_before: old_inside.len(),
        around_before: old_around.len(),
    }
}

fn difference(new: BTreeSet<String>, old: &BTreeSet<String>) -> BTreeSet<String> {
    new.into_iter().filter(|name| !old.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(edges: &[(&str, &str)]) -> Classes {
        let mut text = "all lock classes:\n".to_owned();
        for (from, to) in edges {
            text.push_str(&format!("1 FD:    1 BD:    1 ....: {from}\n -> [2] {to}\n\n"));
        }
        Classes::parse(&text).unwrap()
    }

    #[test]
    fn only_what_is_new_counts() {
        let primed = [("reservation_ww_class_mutex", "dma_fence_map")];
        let run = [primed[0], ("dma_fence_map", "&vkms->lock"), ("&x", "&y")];
        let coverage = Coverage::between(&table(&primed), &table(&run));
        assert_eq!(coverage.signalling.inside, ["&vkms->lock".to_owned()].into());
        assert_eq!(
            (coverage.signalling_side(), coverage.waiting_side()),
            (Exercise::New, Exercise::OnlyKnown)
        );
        assert_eq!(coverage.new_edges, 2);
        let nothing = Coverage::between(&table(&primed), &table(&primed));
        assert_eq!((nothing.signalling_side(), nothing.new_edges), (Exercise::NotExercised, 0));
    }
}
