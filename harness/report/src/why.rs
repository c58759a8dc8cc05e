//! Why a case has its verdict, in a sentence's worth of words.

use fencelab_events::coverage::needs_section;
use fencelab_events::event::CaseFinished;
use fencelab_events::{BootEnd, Exit, Finding, Lockdep, SessionEnd, Verdict};

use crate::splat;
use crate::text::{count, span};
use crate::view::{Case, View};

/// Why a case has its verdict; empty for a pass with nothing to add.
pub(crate) fn why(view: &View<'_>, case: &Case<'_>) -> String {
    let said = case.finished().map(|finished| finished.reason.trim()).unwrap_or_default();
    let or_said = |fallback: String| if said.is_empty() { fallback } else { said.to_owned() };
    match case.verdict {
        Verdict::Pass => remark(case),
        Verdict::Skip | Verdict::Fail => or_said("no reason was given".into()),
        Verdict::Splat => case.findings.first().map(|finding| reported(finding)).unwrap_or_default(),
        Verdict::Crash => or_said(case.finished().map(crash).unwrap_or_default()),
        Verdict::Timeout => or_said(format!("overran its limit of {}", limit(case))),
        Verdict::Stuck => or_said(format!("overran its limit of {} and could not be killed", limit(case))),
        Verdict::Lost => or_said(lost(view, case)),
        Verdict::Unarmed => unarmed(view, case),
        Verdict::Unexercised => unexercised(case),
        Verdict::NotRun => not_run(view, case),
    }
}

fn limit(case: &Case<'_>) -> String {
    span(case.record.plan.limit_ms.saturating_mul(1000))
}

/// `circular: SIG-RECLAIM, with the annotation of patch 06: possible circular ...`
pub(crate) fn reported(finding: &Finding) -> String {
    let rules: Vec<_> = finding.rules.iter().map(|rule| rule.id.as_str()).collect();
    let parts = [
        (!rules.is_empty()).then(|| rules.join(" ")),
        splat::annotation(finding),
        Some(finding.title.clone()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(": ")
}

fn crash(finished: &CaseFinished) -> String {
    match finished.exit {
        Some(Exit::Signal(signal)) => format!("killed by signal {signal}"),
        Some(Exit::Status(status)) => format!("left with status {status} and no result"),
        None => "its process died".into(),
    }
}

fn lost(view: &View<'_>, case: &Case<'_>) -> String {
    let boot = case.record.attempts.last().map(|attempt| attempt.boot);
    let end = view.session.boots.iter().find(|b| Some(b.number) == boot).and_then(|b| b.end.as_ref());
    let how = end.map_or_else(|| "for a reason that is not known".into(), boot_end);
    format!("the machine went down while it ran: {how}")
}

/// How a boot ended, in words.
pub(crate) fn boot_end(end: &BootEnd) -> String {
    match end {
        BootEnd::Done => "done".into(),
        BootEnd::Restarted { why } => format!("restarted: {why}"),
        BootEnd::Panic { message } => format!("panicked: {message}"),
        BootEnd::Silent { after_ms } => {
            format!("fell silent for {} and was killed", span(after_ms.saturating_mul(1000)))
        }
        BootEnd::Vanished { detail } => format!("went away by itself: {detail}"),
    }
}

/// It says what is not known, not that something is wrong.
fn unarmed(view: &View<'_>, case: &Case<'_>) -> String {
    let lost: u64 =
        view.session.gaps.iter().filter(|gap| gap.3.as_deref() == Some(case.id())).map(|gap| gap.2).sum();
    let began_off = case.record.attempts.iter().any(|attempt| attempt.lockdep == Lockdep::Off);
    let ended_off = case.finished().is_some_and(|finished| finished.lockdep == Lockdep::Off);
    let mut facts = Vec::new();
    if began_off {
        facts.push("lockdep was off when it started".to_owned());
    } else if ended_off {
        facts.push("lockdep went off while it ran".to_owned());
    }
    if facts.is_empty() && lost == 0 {
        facts.push("lockdep was found off at the end of its boot, nobody knows since when".to_owned());
    }
    if lost > 0 {
        facts.push(format!("{} of its part of the kernel log were lost", count(saturated(lost), "record")));
    }
    format!("passed, but {}: nothing can be said of its locks", facts.join(" and "))
}

/// What a pass says nothing of.
fn unexercised(case: &Case<'_>) -> String {
    format!(
        "passed, and in its boot lockdep has seen no lock inside a signalling section: {} not exercised",
        claims(&case.record.plan.rules)
    )
}

/// The rules of signalling sections that a case claims: `SIG-RECLAIM was`, `SIG-RECLAIM and SIG-RESV were`.
fn claims(rules: &[String]) -> String {
    let of_sections: Vec<&str> =
        rules.iter().map(String::as_str).filter(|rule| needs_section(rule)).collect();
    let verb = if of_sections.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", of_sections.join(" and "))
}

/// A pass that stands for the case's other rules, and that tested nothing of those of signalling sections.
fn remark(case: &Case<'_>) -> String {
    let claimed = case.record.plan.rules.iter().any(|rule| needs_section(rule));
    let coverage = case.finished().and_then(|finished| finished.coverage.as_ref());
    match coverage.filter(|coverage| claimed && !coverage.signalling_exercised()) {
        Some(_) => format!("signalling side not exercised: {} not tested", claims(&case.record.plan.rules)),
        None => String::new(),
    }
}

fn saturated(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn not_run(view: &View<'_>, case: &Case<'_>) -> String {
    let why = match &view.session.end {
        Some(SessionEnd::Aborted { why }) => format!("the run was given up: {why}"),
        Some(SessionEnd::Interrupted) => "the run was interrupted".into(),
        Some(SessionEnd::Complete) => match case.finished() {
            Some(finished) if !finished.reason.is_empty() => finished.reason.clone(),
            _ => "it was left out".into(),
        },
        None => "the run has not ended, or was killed".into(),
    };
    match case.record.attempts.last() {
        Some(attempt) if attempt.finished.is_none() => format!("{why}, while this case ran"),
        _ => why,
    }
}
