//! The end: counts, the sentence that matters, the files.

use std::io;

use fencelab_events::{Counts, SessionEnd, Verdict};

use crate::FORMATS;
use crate::exit::{self, Exit};
use crate::style::Paint;
use crate::text::count;
use crate::view::View;

use super::page::Page;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let exit = exit::of(view);
    page.line("")?;
    page.line(counts(view, page))?;
    let paint = match exit {
        Exit::Clean | Exit::Improvements => Paint::Good,
        Exit::LockdepLost => Paint::Warning,
        Exit::Findings | Exit::Infrastructure => Paint::Bad,
    };
    page.painted_field("result", &sentence(view), Some(paint))?;
    let files: Vec<_> = FORMATS.iter().map(|format| format.file).chain(["events.jsonl"]).collect();
    page.field("reports", &format!("{}  ({})", view.path(""), files.join(", ")))?;
    page.field("exit code", &format!("{}, {}", exit.code(), exit.meaning()))
}

/// `187 cases: 2 failed ...`, the worst first.
fn counts(view: &View<'_>, page: &Page<'_>) -> String {
    let counts = Counts::of(view.session);
    let each = Verdict::ALL.into_iter().filter(|verdict| counts.get(*verdict) > 0).map(|verdict| {
        let text = format!("{} {}", counts.get(verdict), verdict.word());
        page.style.paint(paint(verdict), text).to_string()
    });
    let each: Vec<_> = each.collect();
    format!("{}: {}", count(counts.total(), "case"), each.join(", "))
}

fn paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Pass => Paint::Good,
        Verdict::Skip => Paint::Faint,
        Verdict::Unarmed | Verdict::Unexercised | Verdict::NotRun => Paint::Warning,
        _ => Paint::Bad,
    }
}

/// The whole session in a sentence.
pub(crate) fn sentence(view: &View<'_>) -> String {
    let own = view.cases.iter().filter(|case| case.is_counted());
    let own = own.filter(|case| case.verdict.is_finding() && case.verdict != Verdict::Splat).count();
    let mut facts: Vec<String> = bugs(view).into_iter().collect();
    if own > 0 {
        facts.push(format!("{} did not come through", count(own, "case")));
    }
    if facts.is_empty() {
        facts.push("no findings".into());
    }
    let unarmed = view.counted(Verdict::Unarmed).count();
    if unarmed > 0 {
        facts.push(format!("{} ran unarmed", count(unarmed, "case")));
    }
    let unexercised = view.counted(Verdict::Unexercised).count();
    if unexercised > 0 {
        facts.push(format!("{} exercised nothing of the signalling side", count(unexercised, "case")));
    }
    facts.push(end(view));
    facts.join("; ")
}

/// What the kernel reported, and what of it only an annotation made visible.
fn bugs(view: &View<'_>) -> Option<String> {
    let bugs: Vec<_> = view.bugs.iter().filter(|bug| !bug.excused).collect();
    let annotated = bugs.iter().filter(|bug| bug.best.annotation.is_some()).count();
    let under = match (annotated, bugs.len()) {
        (0, _) => String::new(),
        (all, of) if all == of => ", under annotations that mainline lacks".into(),
        (some, _) => format!(", {some} of them only under annotations that mainline lacks"),
    };
    (!bugs.is_empty()).then(|| format!("the kernel reported {}{under}", count(bugs.len(), "bug")))
}

fn end(view: &View<'_>) -> String {
    match &view.session.end {
        Some(SessionEnd::Complete) => "the run is complete".into(),
        Some(SessionEnd::Interrupted) => "the run was interrupted".into(),
        Some(SessionEnd::Aborted { why }) => format!("the run was given up: {why}"),
        None => "the run has not ended, or was killed (fencelab resume takes it up)".into(),
    }
}
