//! A kernel report as the journal holds it.

use fencelab_events::{Attribution, Finding, RuleHit};
use fencelab_klog::Report;

use crate::attribute::{Window, attribute, clues};

/// How many lines of a report stand for it.
const EVIDENCE: usize = 3;

/// The finding that `report` is, given to the case that it belongs to.
pub(crate) fn finding(report: &Report, seq: (u64, u64), boot: u32, windows: &[Window], file: String) -> Finding {
    Finding {
        boot,
        kind: report.kind.to_string(),
        title: report.title.clone(),
        signature: report.signature.clone(),
        rules: report.rules.iter().map(rule_hit).collect(),
        annotation: report.annotation.as_ref().map(|annotation| annotation.to_string()),
        blame: report.blame.as_ref().map(ToString::to_string),
        evidence: evidence(report),
        file,
        first_seq: seq.0,
        last_seq: seq.1,
        at_us: report.time_us.unwrap_or(0),
        complete: report.complete,
        attribution: owner(report, seq.0, windows),
    }
}

fn owner(report: &Report, seq: u64, windows: &[Window]) -> Attribution {
    attribute(&clues(report, seq), windows)
}

fn rule_hit(rule: &fencelab_klog::RuleMatch) -> RuleHit {
    RuleHit { id: rule.id.to_string(), evidence: rule.evidence.clone(), sentence: rule.sentence.clone() }
}

/// The lines that tell most: what the rules rest on, then the lock wanted and the lock held.
fn evidence(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.rules.iter().map(|rule| rule.evidence.clone()).collect();
    let told = |mark: &str| report.text.iter().skip_while(|line| !line.contains(mark)).nth(1).cloned();
    lines.extend(["is trying to acquire lock", "already holding lock"].into_iter().filter_map(told));
    lines.extend(report.text.first().cloned());
    let mut seen = std::collections::HashSet::new();
    lines.retain(|line| !line.trim().is_empty() && seen.insert(line.trim().to_owned()));
    lines.truncate(EVIDENCE);
    lines.iter().map(|line| line.trim().to_owned()).collect()
}
