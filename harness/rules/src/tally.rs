//! Proofs added up: by rule, and by patch of the series.

use crate::proof::{Judgement, Proof, Proofs};
use crate::rule::Way;
use crate::series::ROWS;
use crate::table::RULES;

/// How the faults of one rule or one patch fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tried.
    pub planted: usize,
    /// Seen, and given the right rule.
    pub detected: usize,
    /// Laid to the right case, thread and call, too.
    pub attributed: usize,
    /// Reports of their controls' cases.
    pub falsely: usize,
}

impl Tally {
    /// Whether all that was tried was caught, and nothing else.
    pub fn is_good(&self) -> bool {
        self.attributed == self.planted && self.falsely == 0
    }

    fn of<'a>(proofs: impl Iterator<Item = &'a Proof>, all: &Proofs) -> Tally {
        let mut tally = Tally::default();
        let mut names: Vec<&str> = Vec::new();
        for proof in proofs {
            tally.planted += 1;
            tally.detected += usize::from(proof.judgement.is_detected());
            tally.attributed += usize::from(proof.judgement == Judgement::Attributed);
            names.push(&proof.name);
        }
        let theirs = |knobs: &[String]| knobs.iter().any(|knob| names.contains(&knob.as_str()));
        tally.falsely =
            all.controls.iter().filter(|c| theirs(&c.knobs)).map(|control| control.false_reports).sum();
        tally
    }
}

/// How the faults of one rule fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleTally {
    /// The rule's id.
    pub rule: &'static str,
    /// The counts.
    pub tally: Tally,
}

impl Proofs {
    /// A line for each rule that can be planted, and for each that was.
    pub fn by_rule(&self) -> Vec<RuleTally> {
        let tally = |id: &'static str| {
            let proofs = self.proofs.iter().filter(|p| p.subject.rules().iter().any(|rule| rule == id));
            RuleTally { rule: id, tally: Tally::of(proofs, self) }
        };
        let of_interest = |t: &RuleTally, plantable: bool| t.tally.planted > 0 || (self.whole && plantable);
        RULES
            .iter()
            .map(|rule| (tally(rule.id), rule.shows(Way::Fault)))
            .filter(|(t, plantable)| of_interest(t, *plantable))
            .map(|(t, _)| t)
            .collect()
    }

    /// The counts of a patch of the series.
    pub fn of_row(&self, row: u8) -> Tally {
        Tally::of(self.proofs.iter().filter(|proof| proof.is_of_row(row)), self)
    }

    /// Why a patch cannot be shown here, where that is so.
    pub fn explanation(&self, row: u8) -> Option<&str> {
        self.explained.iter().find(|one| one.row == row).map(|one| one.reason.as_str())
    }

    /// How many patches were shown or explained.
    pub fn rows_settled(&self) -> usize {
        let shown = |row: u8| {
            let tally = self.of_row(row);
            (tally.planted > 0 && tally.attributed > 0) || self.explanation(row).is_some()
        };
        ROWS.iter().filter(|row| shown(row.number)).count()
    }
}
