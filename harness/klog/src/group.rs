//! Folds reports into distinct bugs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::kind::Kind;
use crate::report::Report;
use crate::signature::is_unknown;

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
    #[serde(skip)]
    complete: bool,
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

/// Gathers reports, in the order in which they are given.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    bugs: Vec<Bug>,
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
            _ if is_unknown(&report.signature) => self.bugs.push(Bug::new(report, sighting)),
            Some(&index) => self.bugs[index].see(report, sighting),
            None => {
                self.by_signature.insert(report.signature.clone(), self.bugs.len());
                self.bugs.push(Bug::new(report, sighting));
            }
        }
    }

    /// The distinct bugs, the most frequent first.
    pub fn into_bugs(self) -> Vec<Bug> {
        let mut bugs = self.bugs;
        bugs.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.signature.cmp(&b.signature)));
        bugs
    }
}

impl Bug {
    fn new(report: &Report, sighting: Sighting) -> Bug {
        Bug {
            signature: report.signature.clone(),
            kind: report.kind,
            title: report.title.clone(),
            rules: report.rules.iter().map(|rule| rule.id).collect(),
            count: 1,
            sources: vec![sighting.source.clone()],
            first: sighting.clone(),
            last: sighting,
            complete: report.complete,
        }
    }

    fn see(&mut self, report: &Report, sighting: Sighting) {
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
        self.last = sighting;
    }
}
