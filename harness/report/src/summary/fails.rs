//! Cases that did not come through, worst first: those that did the same on several devices are told once.

use std::io;

use fencelab_events::Verdict;

use crate::dossier;
use crate::group::{by_case, by_reason};
use crate::style::Paint;
use crate::text::count;
use crate::view::{Case, View};
use crate::why::why;

use super::page::Page;

const CASES: usize = 4;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    Verdict::ALL
        .into_iter()
        // A case that only splatted is told with its bug.
        .filter(|verdict| verdict.is_finding() && *verdict != Verdict::Splat)
        .try_for_each(|verdict| of_verdict(view, page, verdict))
}

/// What a verdict means to a reader who does not know the word.
fn heading(verdict: Verdict, cases: usize) -> String {
    let what = match verdict {
        Verdict::Lost => "took the machine down, or went down with it",
        Verdict::Stuck => "could not be killed",
        Verdict::Crash => "crashed",
        Verdict::Timeout => "overran the time limit",
        _ => "failed",
    };
    format!("{} {what}", count(cases, "case"))
}

fn of_verdict(view: &View<'_>, page: &mut Page<'_>, verdict: Verdict) -> io::Result<()> {
    let cases: Vec<_> = view.counted(verdict).collect();
    if cases.is_empty() {
        return Ok(());
    }
    page.heading(Paint::Bad, &heading(verdict, cases.len()))?;
    for group in same_case(&cases) {
        let said = group.iter().map(|case| (case.id(), case.record.plan.devices.as_slice(), why(view, case)));
        for reason in by_reason(said) {
            let first = group.iter().find(|case| case.id() == reason.ids[0]);
            page.line("")?;
            page.painted_field("case", &by_case(reason.ids, CASES).join(", "), Some(Paint::Strong))?;
            page.field("because", &reason.text)?;
            first.map_or(Ok(()), |case| about(view, page, case))?;
        }
    }
    Ok(())
}

/// Cases of one name, on all their devices.
fn same_case<'v, 'a>(cases: &[&'v Case<'a>]) -> Vec<Vec<&'v Case<'a>>> {
    let name = |case: &Case<'a>| (case.record.plan.suite.clone(), case.record.plan.name.clone());
    let mut groups: Vec<Vec<&Case>> = Vec::new();
    for case in cases {
        match groups.iter_mut().find(|group| name(group[0]) == name(case)) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

fn about(view: &View<'_>, page: &mut Page<'_>, case: &Case<'_>) -> io::Result<()> {
    let plan = &case.record.plan;
    let rules = if plan.rules.is_empty() { String::new() } else { format!(" ({})", plan.rules.join(", ")) };
    page.field("must hold", &format!("{}{rules}", plan.about))?;
    let failed: Vec<_> =
        case.parts.iter().filter(|part| part.failed()).map(|part| part.subtest.name.as_str()).collect();
    if !failed.is_empty() {
        page.field("parts", &by_case(failed, 3 * CASES).join(", "))?;
    }
    if let Some(stderr) = case.finished().map(|finished| &finished.stderr.text) {
        page.field("stderr", &last_lines(stderr, 2))?;
    }
    if !case.findings.is_empty() {
        page.field("kernel", "it reported something too, see above")?;
    }
    if let Some(attempt) = case.record.attempts.iter().rfind(|attempt| attempt.dossier.is_some()) {
        page.field("trace", &view.trace_command(case).unwrap_or_default())?;
        page.field("dossier", &view.path(&dossier::file_name(case.id(), attempt.number)))?;
    }
    Ok(())
}

fn last_lines(text: &str, most: usize) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}
