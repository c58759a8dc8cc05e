//! Folds reports into distinct bugs.

mod clock;
mod order;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::kind::Kind;
use crate::report::Report;
use crate::signature::is_unknown;
use order::Ends;
pub use order::Order;

/// A bug that was seen once or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bug {
    /// What its reports have in common.
    pub signature: String,
    /// Their kind.
    pub kind: Kind,
    /// Title of the most complete report.
    pub title: String,
    /// Rules that any of the reports breaks.
    pub rules: Vec<&'static str>,
    /// How many reports.
    pub count: usize,
    /// The logs they are in.
    pub sources: Vec<String>,
    /// Where the first one is: log, line, and time as far as known.
    pub first: Sighting,
    /// Where the last one is.
    pub last: Sighting,
    /// By what these two were told.
    pub order: Order,
}

/// One report's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Name of the log.
    pub source: String,
    /// First line of the report.
    pub line: u64,
    /// Microseconds since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_us: Option<u64>,
    /// Wall-clock time as printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<String>,
}

/// Gathers reports. The order in which the logs are given matters only where their lines have no times ([`Order`]).
#[derive(Clone, Debug, Default)]
pub struct Groups {
    bugs: Vec<Gathered>,
    by_signature: BTreeMap<String, usize>,
}

impl Groups {
    /// Adds one report of a log.
    pub fn add(&mut self, source: &str, report: &Report) {
        let sighting = Sighting {
            source: source.to_owned(),
            line: report.first_line,
            time_us: report.time_us,
            wall: report.wall.clone(),
        };
        match self.by_signature.get(&report.signature) {
            // It tells no bug from another: each report stands for itself.
            _ if is_unknown(&report.signature) => self.bugs.push(Gathered::new(report, &sighting)),
            Some(&index) => self.bugs[index].see(report, &sighting),
            None => {
                self.by_signature.insert(report.signature.clone(), self.bugs.len());
                self.bugs.push(Gathered::new(report, &sighting));
            }
        }
    }

    /// The distinct bugs, the most frequent first.
    pub fn into_bugs(self) -> Vec<Bug> {
        let mut bugs: Vec<Bug> = self.bugs.into_iter().map(Gathered::into_bug).collect();
        bugs.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.signature.cmp(&b.signature)));
        bugs
    }
}

/// A bug of which more reports may come.
#[derive(Clone, Debug)]
struct Gathered {
    signature: String,
    kind: Kind,
    title: String,
    rules: Vec<&'static str>,
    count: usize,
    sources: Vec<String>,
    ends: Ends,
    /// A complete report was among them.
    complete: bool,
}

impl Gathered {
    fn new(report: &Report, sighting: &Sighting) -> Gathered {
        Gathered {
            signature: report.signature.clone(),
            kind: report.kind,
            title: report.title.clone(),
            rules: report.rules.iter().map(|rule| rule.id).collect(),
            count: 1,
            sources: vec![sighting.source.clone()],
            ends: Ends::new(sighting),
            complete: report.complete,
        }
    }

    fn see(&mut self, report: &Report, sighting: &Sighting) {
        self.count += 1;
        if report.complete && !self.complete {
            self.complete = true;
            self.title.clone_from(&report.title);
        }
        for rule in &report.rules {
            if !self.rules.contains(&rule.id) {
                self.rules.push(rule.id);
            }
        }
        if self.sources.last() != Some(&sighting.source) {
            self.sources.push(sighting.source.clone());
        }
        self.ends.see(sighting);
    }

    fn into_bug(self) -> Bug {
        let (first, last, order) = self.ends.told();
        Bug {
            signature: self.signature,
            kind: self.kind,
            title: self.title,
            rules: self.rules,
            count: self.count,
            sources: self.sources,
            first,
            last,
            order,
        }
    }
}
