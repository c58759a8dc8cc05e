//! Whether a planted fault was caught: from the journal of the session in which it was.

use fencelab_events::{CaseRecord, Finding, How, Outcome, Session, SessionEnd};

use crate::expect::Expected;
use crate::proof::{Judgement, Proof, Seen, Subject};

/// The kind that stands for a case that must fail by its own check.
const FAIL: &str = "fail";

/// Judges the session in which this fault was planted and its case run. `folder` is the session's, relative to the
/// folder of the proofs.
pub fn judge(expected: &Expected, session: &Session, folder: &str) -> Proof {
    let (judgement, seen, why) = look(expected, session, folder);
    Proof {
        name: expected.name.clone(),
        subject: expected.subject.clone(),
        kernel: expected.kernel.clone(),
        case: expected.case.clone(),
        judgement,
        why,
        seen,
        session: folder.into(),
        took_ms: session.last_ms.saturating_sub(session.began_ms),
    }
}

fn look(expected: &Expected, session: &Session, folder: &str) -> (Judgement, Option<Seen>, String) {
    let Some(record) = session.case(&expected.case) else {
        return (Judgement::NotRun, None, format!("the bench has no case {}", expected.case));
    };
    let Some(finished) = record.finished() else {
        let why = match &session.end {
            Some(SessionEnd::Aborted { why }) => why.clone(),
            Some(SessionEnd::Interrupted) => "the run was stopped".into(),
            _ => "the case has no end".into(),
        };
        return (Judgement::NotRun, None, why);
    };
    let kinds = expected.subject.kinds();
    // A hung task's report names no rule; a case that failed by its own check does.
    if kinds.iter().any(|kind| kind == FAIL) && by_itself(finished.outcome) {
        return by_failure(expected, record, folder);
    }
    let fitting = session.findings.iter().find(|f| kinds.contains(&f.kind));
    if let Some(finding) = fitting {
        return by_report(expected, finding, folder);
    }
    if finished.outcome == Outcome::Skip {
        return (Judgement::NotRun, None, format!("the case was skipped: {}", finished.reason));
    }
    match session.findings.first() {
        Some(finding) => {
            let why = format!("a {} report, expected {}", finding.kind, kinds.join(" or "));
            (Judgement::WrongKind, Some(seen(finding, folder)), why)
        }
        None => {
            let end = if finished.reason.is_empty() { "it passed".into() } else { finished.reason.clone() };
            (
                Judgement::Missed,
                None,
                format!("no {} was reported, and of the case: {end}", kinds.join(" or ")),
            )
        }
    }
}

fn by_itself(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fail | Outcome::Timeout | Outcome::Stuck)
}

fn by_report(expected: &Expected, finding: &Finding, folder: &str) -> (Judgement, Option<Seen>, String) {
    let seen = seen(finding, folder);
    let rules = expected.subject.rules();
    let wanted = rules.first().map(String::as_str).unwrap_or_default();
    if !seen.rules.iter().any(|rule| rule == wanted) {
        let given = if seen.rules.is_empty() { "none".into() } else { seen.rules.join(", ") };
        return (
            Judgement::WrongRule,
            Some(seen),
            format!("the report was given {given}, expected {wanted}"),
        );
    }
    match laid_wrong(expected, finding) {
        Some(why) => (Judgement::Misattributed, Some(seen), why),
        None => (Judgement::Attributed, Some(seen), String::new()),
    }
}

/// What is wrong with whom the report was laid to; none where it is the case, for a reason better than the time, with
/// its thread and call.
fn laid_wrong(expected: &Expected, finding: &Finding) -> Option<String> {
    let to = &finding.attribution;
    if to.case.as_deref() != Some(&expected.case) {
        let case = to.case.as_deref().unwrap_or("no case");
        return Some(format!("laid to {case}: {}", to.reason));
    }
    if matches!(to.how, How::Window | How::Outside) {
        return Some(format!("laid to the case by the time alone: {}", to.reason));
    }
    if to.thread.is_none() {
        return Some("no thread was named".into());
    }
    (to.entry.is_none() && to.call.is_none()).then(|| "neither a call nor a work function was named".into())
}

fn by_failure(expected: &Expected, record: &CaseRecord, folder: &str) -> (Judgement, Option<Seen>, String) {
    let finished = record.finished();
    let rules: Vec<String> =
        record.plan.rules.iter().filter(|rule| expected.subject.rules().contains(rule)).cloned().collect();
    let reason = finished.map(|f| f.reason.lines().next().unwrap_or_default().to_owned()).unwrap_or_default();
    let seen = Seen {
        kind: FAIL.into(),
        title: reason,
        rules: rules.clone(),
        case: Some(record.plan.id.clone()),
        how: "its own check".into(),
        thread: finished.and_then(|f| f.pid).map(|pid| format!("case/{pid}")),
        entry: None,
        call: None,
        file: format!("{folder}/events.jsonl"),
    };
    match rules.is_empty() {
        true => {
            let why = format!("the case that failed tests none of {}", expected.subject.rules().join(", "));
            (Judgement::WrongRule, Some(seen), why)
        }
        false => (Judgement::Attributed, Some(seen), String::new()),
    }
}

fn seen(finding: &Finding, folder: &str) -> Seen {
    Seen {
        kind: finding.kind.clone(),
        title: finding.title.clone(),
        rules: finding.rules.iter().map(|rule| rule.id.clone()).collect(),
        case: finding.attribution.case.clone(),
        how: how(finding.attribution.how).into(),
        thread: finding.attribution.thread.clone(),
        entry: finding.attribution.entry.clone(),
        call: finding.attribution.call.as_ref().map(|call| call.words()),
        file: format!("{folder}/{}", finding.file),
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Call => "recorded call",
        How::Caller => "caller id",
        How::CommPid => "printed task",
        How::Queued => "queued by a recorded call",
        How::Worker => "worker",
        How::Window => "time",
        How::Outside => "nobody",
    }
}

impl Proof {
    /// A fault that was not tried.
    pub fn not_run(expected: &Expected, why: String) -> Proof {
        Proof {
            name: expected.name.clone(),
            subject: expected.subject.clone(),
            kernel: expected.kernel.clone(),
            case: expected.case.clone(),
            judgement: Judgement::NotRun,
            why,
            seen: None,
            session: String::new(),
            took_ms: 0,
        }
    }

    /// Whether it stands for this patch.
    pub fn is_of_row(&self, row: u8) -> bool {
        self.subject.row() == Some(row)
    }
}

impl Expected {
    /// Whether a twin plants it.
    pub fn is_planted(&self) -> bool {
        matches!(self.subject, Subject::Knob(_))
    }
}
