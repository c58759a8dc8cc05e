//! What is not clean though nothing failed, and what was left out.

use std::io;

use fencelab_events::Verdict;

use crate::expect::Standing;
use crate::group::{by_case, by_reason, ranges};
use crate::night::{boot_ends, lockdep_offs};
use crate::style::Paint;
use crate::text::count;
use crate::view::View;
use crate::why::why;

use super::coverage;
use super::page::Page;

/// Reasons that are told; the rest is counted.
const REASONS: usize = 12;
const CASES: usize = 3;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    reasons(
        view,
        page,
        Verdict::Unarmed,
        "ran unarmed: they passed, and nothing can be said of their locks",
    )?;
    reasons(view, page, Verdict::Unexercised, "passed and exercised nothing of what they claim")?;
    boots(view, page)?;
    coverage::write(view, page)?;
    improvements(view, page)?;
    reasons(view, page, Verdict::NotRun, "did not run")?;
    reasons(view, page, Verdict::Skip, "skipped")
}

fn reasons(view: &View<'_>, page: &mut Page<'_>, verdict: Verdict, what: &str) -> io::Result<()> {
    let cases: Vec<_> = view.counted(verdict).collect();
    if cases.is_empty() {
        return Ok(());
    }
    let paint = if verdict == Verdict::Skip { Paint::Strong } else { Paint::Warning };
    page.heading(paint, &format!("{} {what}", count(cases.len(), "case")))?;
    let given = cases.iter().map(|case| (case.id(), case.record.plan.devices.as_slice(), why(view, case)));
    let reasons = by_reason(given);
    for reason in reasons.iter().take(REASONS) {
        let ids = by_case(reason.ids.iter().copied(), CASES).join(", ");
        page.field(&format!("{:>5}", reason.ids.len()), &format!("{}\n{ids}", reason.text))?;
    }
    match reasons.len().saturating_sub(REASONS) {
        0 => Ok(()),
        more => page.field("", &format!("and {} more, in the other reports", count(more, "reason"))),
    }
}

/// Boots, if there was more than one or something befell them; those that ended alike are told once.
fn boots(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let session = view.session;
    if session.boots.len() < 2 && session.lockdep_off.is_empty() && session.gaps.is_empty() {
        return Ok(());
    }
    page.heading(Paint::Strong, &format!("{} of the bench", count(session.boots.len(), "boot")))?;
    for (end, boots) in boot_ends(session) {
        page.field(&count(boots.len(), "boot"), &format!("{end} ({})", ranges(&boots)))?;
    }
    for (why, cases) in lockdep_offs(session) {
        let cases = by_case(cases.iter().copied(), CASES).join(", ");
        page.field("lockdep off", &format!("{why}\nwhile this ran: {cases}"))?;
    }
    for (boot, from, lost, case) in &session.gaps {
        let case = case.as_deref().map(|case| format!(", while {case} ran")).unwrap_or_default();
        page.field("log lost", &format!("{lost} records of boot {boot}, from {from} on{case}"))?;
    }
    Ok(())
}

fn improvements(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let known: Vec<_> = view.known().filter(|(_, standing)| !matches!(standing, Standing::New)).collect();
    let improved: Vec<_> = known.iter().filter(|(_, standing)| standing.is_improvement()).collect();
    if !improved.is_empty() {
        page.heading(Paint::Good, &format!("{}: these lines can go", count(improved.len(), "improvement")))?;
    }
    for (id, standing) in improved {
        page.field("", &format!("{} {id}", standing.line().map(|line| line.place()).unwrap_or_default()))?;
    }
    match known.iter().filter(|(_, standing)| standing.is_excused()).count() {
        0 => Ok(()),
        excused => {
            page.line("")?;
            page.field("known", &format!("{} failed as the lists say", count(excused, "result")))
        }
    }
}
