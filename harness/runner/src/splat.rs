//! A kernel report as the journal holds it.

use fencelab_events::{Finding, RuleHit};
use fencelab_klog::{Report, RuleMatch};

use crate::attribute::{Evidence, attribute, clues};

/// How many lines of a report stand for it.
const EVIDENCE: usize = 2;

/// The finding that `report` is, given to the case that it belongs to.
pub(crate) fn finding(
    report: &Report,
    seq: (u64, u64),
    boot: u32,
    held_against: &Evidence<'_>,
    file: String,
) -> Finding {
    Finding {
        boot,
        kind: report.kind.to_string(),
        title: report.title.clone(),
        signature: report.signature.clone(),
        rules: report.rules.iter().map(rule_hit).collect(),
        annotation: report.annotation.map(|annotation| annotation.patch.to_owned()),
        blame: report.blame.as_ref().map(ToString::to_string),
        evidence: evidence(report),
        file,
        first_seq: seq.0,
        last_seq: seq.1,
        at_us: report.time_us.unwrap_or(0),
        complete: report.complete,
        attribution: attribute(&clues(report, seq.0), held_against),
    }
}

fn rule_hit(rule: &RuleMatch) -> RuleHit {
    RuleHit { id: rule.id.into(), evidence: shown_by(rule), sentence: rule.sentence.clone() }
}

/// What shows that the rule is broken: the edge with where it was taken, or the line.
fn shown_by(rule: &RuleMatch) -> String {
    let Some(edge) = &rule.edge else { return rule.line.clone().unwrap_or_default().trim().to_owned() };
    let at = edge.held_at.as_ref().map(|frame| format!(" (held since {frame})")).unwrap_or_default();
    format!("{} taken under {}{at}", edge.to, edge.from)
}

/// The lines that tell most: the lock wanted, the lock held, else what the report begins with.
fn evidence(report: &Report) -> Vec<String> {
    let after = |mark: &str| report.text.iter().skip_while(|line| !line.contains(mark)).nth(1);
    let locks =
        ["is trying to acquire lock", "but task is already holding lock"].into_iter().filter_map(after);
    let lines =
        locks.chain(&report.text).map(|line| line.trim()).filter(|line| line.contains(char::is_alphanumeric));
    let mut told: Vec<String> = Vec::new();
    for line in lines.take(EVIDENCE + 1) {
        if !told.iter().any(|known| known == line) {
            told.push(line.to_owned());
        }
    }
    told.truncate(EVIDENCE);
    told
}
