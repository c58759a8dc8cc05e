//! Contract coverage: which part of the contract lockdep has seen at work.
//!
//! The forward edges of `dma_fence_map` are the locks really taken inside signalling sections; the backward edges are
//! the locks held over waits for fences. Lockdep keeps an edge for the rest of the boot, so only the first who takes it
//! is seen: a stretch of a run that added none may have repeated what was known. Where a boot has none at all, nothing
//! exercised that side, and silence proves nothing about it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::classes::Classes;

/// The class of signalling sections and waits (drivers/dma-buf/dma-fence.c).
pub const SIGNALLING: &str = "dma_fence_map";
/// The classes of a buffer's reservation: the lock and its ww acquire context (drivers/dma-buf/dma-resv.c).
pub const RESERVATION: &[&str] = &["reservation_ww_class_mutex", "reservation_ww_class_acquire"];

/// The edges that begin or end in a class of the contract, by stable names
/// ([`crate::LockClass::stable_name`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractEdges {
    edges: Edges,
    /// Some table broke off, so that edges may be missing.
    cut: bool,
}

type Edges = BTreeSet<(String, String)>;

/// What one stretch of a run added around one side of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// How many classes were known before to be taken inside it.
    pub inside_before: usize,
    /// Classes that were newly taken inside it.
    pub inside: BTreeSet<String>,
    /// How many classes were known before to be held around it.
    pub around_before: usize,
    /// Classes that it was newly taken under.
    pub around: BTreeSet<String>,
}

/// What one stretch of a run added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Around `dma_fence_map`: inside are the locks of signalling sections, around are those held over waits.
    pub signalling: Side,
    /// Around the reservation lock and its context.
    pub reservation: Side,
    /// All new edges of these classes, each once.
    pub new_edges: usize,
    /// The table of this stretch breaks off ([`Classes::cut`]): more may have been taken, and the numbers are the least.
    pub cut: bool,
    /// A table from before broke off: what counts as new here may have been known.
    pub cut_before: bool,
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
    /// There is none, and a table breaks off, this one or one from before: nobody knows.
    Unknown,
}

impl ContractEdges {
    /// The contract's edges of a reading of /proc/lockdep. Read it before a module is unloaded: its classes go with it.
    pub fn of(classes: &Classes) -> ContractEdges {
        let ours = |name: &str| is_signalling(name) || is_reservation(name);
        let edges = classes.edges().into_iter().filter(|(from, to)| ours(from) || ours(to)).collect();
        ContractEdges { edges, cut: classes.cut.is_some() }
    }

    /// Adds what a later reading has, and tells what was new in it.
    pub fn absorb(&mut self, later: ContractEdges) -> Coverage {
        let coverage = Coverage {
            signalling: side(is_signalling, &self.edges, &later.edges),
            reservation: side(is_reservation, &self.edges, &later.edges),
            new_edges: later.edges.difference(&self.edges).count(),
            cut: later.cut,
            cut_before: self.cut,
        };
        self.edges.extend(later.edges);
        // One that is whole has all that the cut one lacked, but for classes that went with their module.
        self.cut |= later.cut;
        coverage
    }

    /// The edges, from and to.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.edges.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }
}

impl Coverage {
    /// Compares two readings of /proc/lockdep of one boot.
    pub fn between(before: &Classes, after: &Classes) -> Coverage {
        ContractEdges::of(before).absorb(ContractEdges::of(after))
    }

    /// Was any lock taken inside a signalling section?
    pub fn signalling_side(&self) -> Exercise {
        self.exercise(self.signalling.inside.len(), self.signalling.inside_before)
    }

    /// Was any lock held over a wait?
    pub fn waiting_side(&self) -> Exercise {
        self.exercise(self.signalling.around.len(), self.signalling.around_before)
    }

    fn exercise(&self, new: usize, known: usize) -> Exercise {
        match (new, known) {
            (0, 0) if self.cut || self.cut_before => Exercise::Unknown,
            (0, 0) => Exercise::NotExercised,
            (0, _) => Exercise::OnlyKnown,
            _ => Exercise::New,
        }
    }
}

/// Subclasses count: a nested acquisition is one of the class.
fn plain(name: &str) -> &str {
    name.rsplit_once('/')
        .filter(|(_, subclass)| subclass.bytes().all(|b| b.is_ascii_digit()))
        .map_or(name, |(name, _)| name)
}

fn is_signalling(name: &str) -> bool {
    plain(name) == SIGNALLING
}

fn is_reservation(name: &str) -> bool {
    RESERVATION.contains(&plain(name))
}

fn side(is_ours: fn(&str) -> bool, old: &Edges, new: &Edges) -> Side {
    let inside = |edges: &Edges| -> BTreeSet<String> {
        edges.iter().filter(|(from, to)| is_ours(from) && !is_ours(to)).map(|(_, to)| to.clone()).collect()
    };
    let around = |edges: &Edges| -> BTreeSet<String> {
        edges
            .iter()
            .filter(|(from, to)| !is_ours(from) && is_ours(to))
            .map(|(from, _)| from.clone())
            .collect()
    };
    let (old_inside, old_around) = (inside(old), around(old));
    Side {
        inside: &inside(new) - &old_inside,
        around: &around(new) - &old_around,
        inside_before: old_inside.len(),
        around_before: old_around.len(),
    }
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
        assert_eq!(coverage.new_edges, 1, "edges of other classes are not the contract's");
        let nothing = Coverage::between(&table(&primed), &table(&primed));
        assert_eq!((nothing.signalling_side(), nothing.new_edges), (Exercise::NotExercised, 0));
    }

    #[test]
    fn a_table_that_breaks_off_is_not_counted_as_whole() {
        let whole =
            table(&[("reservation_ww_class_mutex", "dma_fence_map"), ("dma_fence_map", "&vkms->lock")]);
        let text = "all lock classes:\n1 FD: 1 BD: 1 ....: reservation_ww_class_mutex\n -> [2] dma_fen";
        let cut = Classes::parse(text).unwrap();
        let after = Coverage::between(&Classes::default(), &cut);
        assert_eq!((after.cut, after.cut_before, after.new_edges), (true, false, 0));
        assert_eq!((after.signalling_side(), after.waiting_side()), (Exercise::Unknown, Exercise::Unknown));
        let before = Coverage::between(&cut, &whole);
        assert_eq!((before.cut, before.cut_before, before.signalling_side()), (false, true, Exercise::New));
        let mut known = ContractEdges::of(&cut);
        known.absorb(ContractEdges::of(&whole));
        assert!(
            known.absorb(ContractEdges::of(&whole)).cut_before,
            "classes of a module may have gone meanwhile"
        );
        assert!(!Coverage::between(&whole, &whole).cut);
    }

    #[test]
    fn what_was_seen_stays_known_when_its_module_goes() {
        let mut known = ContractEdges::default();
        let with = ContractEdges::of(&table(&[("dma_fence_map/1", "&foo->lock")]));
        assert_eq!(known.absorb(with.clone()).signalling.inside.len(), 1);
        assert_eq!(known.absorb(ContractEdges::default()).signalling_side(), Exercise::OnlyKnown);
        assert_eq!(known.absorb(with).new_edges, 0);
        assert_eq!(known.iter().collect::<Vec<_>>(), [("dma_fence_map/1", "&foo->lock")]);
    }
}
