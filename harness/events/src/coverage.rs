//! Contract coverage: which locks lockdep has seen inside signalling sections and under reservations, and which held over
//! waits, and to whom each of them is owed.
//!
//! Lockdep records an edge once a boot. A case that takes one that an earlier case took adds nothing new, so what counts
//! for it is whether its boot has any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::session::Session;

/// What one stretch of a boot added to the edges of the contract's lock classes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Around `dma_fence_map`: inside stand the locks that were taken in signalling sections, around those that were held
    /// over waits for fences.
    pub signalling: Side,
    /// Around the reservation lock and its ww acquire context.
    pub reservation: Side,
    /// How long the kernel took to tell, in microseconds: what the reading cost the run.
    pub took_us: u64,
}

/// One side of the contract. Classes are named as lockdep prints them, without `#2`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Newly seen to be taken inside it.
    pub inside: Vec<String>,
    /// How many were known from earlier in the boot.
    pub inside_before: usize,
    /// Newly seen to be held around it.
    pub around: Vec<String>,
    /// How many were known from earlier in the boot.
    pub around_before: usize,
}

impl Coverage {
    /// Has the boot seen any lock inside a signalling section, up to the end of this stretch?
    pub fn signalling_exercised(&self) -> bool {
        !self.signalling.inside.is_empty() || self.signalling.inside_before > 0
    }

    /// How many edges it added.
    pub fn new_edges(&self) -> usize {
        [&self.signalling, &self.reservation].iter().map(|side| side.inside.len() + side.around.len()).sum()
    }
}

/// Rules that only a lock taken inside a signalling section can break: a pass without one has tested nothing of them.
pub fn needs_section(rule: &str) -> bool {
    rule.starts_with("SIG-")
        || matches!(rule, "ATOM-SECTION" | "SCHED-RUNJOB" | "SCHED-TDR-ALLOC" | "SCHED-TDR-MODESET")
}

/// Rules that lockdep's edges show at work; the cases that claim one are read first where reading is dear.
pub fn shown_by_edges(rule: &str) -> bool {
    needs_section(rule)
        || ["RESV-", "RECLAIM-", "UPTR-NO", "UPTR-ORDER", "BUF-WW", "BUF-HELD", "BUF-NOTHELD", "SCHED-"]
            .iter()
            .any(|start| rule.starts_with(start))
}

/// Which side of the contract an edge is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Taken inside a signalling section.
    InSection,
    /// Held over a wait for a fence.
    OverWait,
    /// Taken with a reservation held.
    UnderReservation,
    /// Held while a reservation was taken.
    AroundReservation,
}

impl Place {
    /// Every place, in the order of reports.
    pub const ALL: [Place; 4] =
        [Place::InSection, Place::OverWait, Place::UnderReservation, Place::AroundReservation];

    /// What the locks there are, in words.
    pub fn words(self) -> &'static str {
        match self {
            Place::InSection => "taken inside signalling sections",
            Place::OverWait => "held over waits for fences",
            Place::UnderReservation => "taken under reservations",
            Place::AroundReservation => "held while reservations were taken",
        }
    }

    /// The locks that one reading was the first to show there, and how many were known before.
    pub fn in_case(self, coverage: &Coverage) -> (&[String], usize) {
        let (signalling, reservation) = (&coverage.signalling, &coverage.reservation);
        match self {
            Place::InSection => (&signalling.inside, signalling.inside_before),
            Place::OverWait => (&signalling.around, signalling.around_before),
            Place::UnderReservation => (&reservation.inside, reservation.inside_before),
            Place::AroundReservation => (&reservation.around, reservation.around_before),
        }
    }
}

/// The coverage of a whole run, all boots together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCoverage<'a> {
    /// Each lock class by its place, with the case that took it first; `None` for what was there before any case ran, or
    /// came outside all of them.
    pub locks: BTreeMap<(Place, &'a str), Option<&'a str>>,
    /// How many readings there were.
    pub readings: usize,
    /// What they cost together, in microseconds.
    pub took_us: u64,
}

impl<'a> RunCoverage<'a> {
    /// Adds up what a session's readings told. Classes that some boot had before its first case are nobody's.
    pub fn of(session: &'a Session) -> RunCoverage<'a> {
        let mut run = RunCoverage::default();
        for (_, coverage) in &session.boot_coverage {
            run.add(coverage, None);
        }
        for record in &session.cases {
            for coverage in record.attempts.iter().filter_map(|a| a.finished.as_ref()?.coverage.as_ref()) {
                run.add(coverage, Some(&record.plan.id));
            }
        }
        run
    }

    fn add(&mut self, coverage: &'a Coverage, case: Option<&'a str>) {
        self.readings += 1;
        self.took_us += coverage.took_us;
        for place in Place::ALL {
            for class in place.in_case(coverage).0 {
                self.locks.entry((place, class.as_str())).or_insert(case);
            }
        }
    }

    /// The locks of a place, with who took each first.
    pub fn at(&self, place: Place) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.locks.iter().filter(move |((at, _), _)| *at == place).map(|((_, class), case)| (*class, *case))
    }

    /// How many locks of a place there are, and how many of them cases took first.
    pub fn count(&self, place: Place) -> (usize, usize) {
        self.at(place).fold((0, 0), |(all, new), (_, case)| (all + 1, new + usize::from(case.is_some())))
    }
}
