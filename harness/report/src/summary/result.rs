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
        Verdict::Unarmed | Verdict::NotRun => Paint::Warning,
        _ => Paint::Bad,
    }
}

/// The whole session in a sentence.
pub(crate) fn sentence(view: &View<'_>) -> String {
    let bad = view.cases.iter().filter(|case| case.verdict.is_finding() && case.is_counted()).count();
    let bugs = view.bugs.iter().filter(|bug| !bug.excused);
    let (annotated, plain): (Vec<_>, Vec<_>) = bugs.partition(|bug| bug.best.annotation.is_some());
    let mut facts = Vec::new();
    if !plain.is_empty() {
        facts.push(format!("the kernel reported {}", count(plain.len(), "bug")));
    }
    if !annotated.is_empty() {
        let also = if plain.is_empty() { "the kernel reported" } else { "and" };
        facts.push(format!("{also} {} under annotations that mainline lacks", count(annotated.len(), "bug")));
    }
    if bad > 0 {
        facts.push(format!("{} did not come through clean", count(bad, "case")));
    }
    let found = if facts.is_empty() { "no findings".into() } else { facts.join(", ") };
    format!("{found}; {}", end(view))
}

fn end(view: &View<'_>) -> String {
    match &view.session.end {
        Some(SessionEnd::Complete) => match view.counted(Verdict::Unarmed).count() {
            0 => "the run is complete".into(),
            unarmed => format!("the run is complete, but {} ran unarmed", count(unarmed, "case")),
        },
        Some(SessionEnd::Interrupted) => "the run was interrupted".into(),
        Some(SessionEnd::Aborted { why }) => format!("the run was given up: {why}"),
        None => "the run has not ended, or was killed (fencelab resume takes it up)".into(),
    }
}
