//! What the kernel reported: each bug once.

use std::io;

use fencelab_events::Finding;

use crate::group::by_case;
use crate::splat;
use crate::style::Paint;
use crate::text::count;
use crate::view::{Bug, View};

use super::page::Page;

/// Groups of cases that a bug shows.
const CASES: usize = 4;
/// Lines of evidence.
const EVIDENCE: usize = 2;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if view.bugs.is_empty() {
        return Ok(());
    }
    let heading = format!("The kernel reported {}", count(view.bugs.len(), "bug"));
    page.heading(Paint::Bad, &heading)?;
    view.bugs.iter().enumerate().try_for_each(|(index, bug)| one(view, page, index + 1, bug))
}

fn one(view: &View<'_>, page: &mut Page<'_>, number: usize, bug: &Bug<'_>) -> io::Result<()> {
    let best = bug.best;
    page.line("")?;
    page.painted_field(&format!("{number}."), &best.title, Some(Paint::Strong))?;
    if let Some(label) = splat::annotation(best) {
        let label = format!("{label}: mainline does not carry it, so this is not a plain kernel bug");
        page.painted_field("annotated", &label, Some(Paint::Warning))?;
    }
    for rule in &best.rules {
        page.field("rule", &format!("{}: {}", rule.id, rule.sentence))?;
    }
    if best.rules.is_empty() {
        page.field("rule", &format!("none fits; the kernel calls it {}", best.kind))?;
    }
    page.field("case", &cases(bug))?;
    page.field("thread", &thread(best))?;
    if let Some(call) = &best.attribution.call {
        page.field("call", &call.words())?;
    }
    page.field("look at", best.blame.as_deref().unwrap_or_default())?;
    page.field("evidence", &evidence(best))?;
    page.field("attributed", &best.attribution.reason)?;
    if !best.complete {
        page.field("torn", "a part of the report is missing from the log")?;
    }
    page.field("splat", &files(view, bug))
}

fn cases(bug: &Bug<'_>) -> String {
    let known = if bug.excused { " (known: the lists excuse every one of them)" } else { "" };
    if bug.cases.is_empty() {
        return "none ran".into();
    }
    format!("{}{known}", by_case(bug.cases.iter().copied(), CASES).join(", "))
}

/// `kworker/u4:2/123 in DRM_IOCTL_MODE_ATOMIC`.
pub(crate) fn thread(finding: &Finding) -> String {
    match (&finding.attribution.thread, &finding.attribution.entry) {
        (Some(thread), Some(entry)) => format!("{thread} in {entry}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => "not known".into(),
    }
}

/// The edge that shows the rule, and the kernel's lines that tell most.
fn evidence(finding: &Finding) -> String {
    let edge = finding.rules.first().map(|rule| rule.evidence.as_str()).filter(|edge| !edge.is_empty());
    let lines = finding.evidence.iter().map(String::as_str).filter(|line| Some(*line) != edge);
    edge.into_iter().chain(lines).take(EVIDENCE).collect::<Vec<_>>().join("\n")
}

fn files(view: &View<'_>, bug: &Bug<'_>) -> String {
    let path = view.path(&bug.best.file);
    match bug.files().count() {
        0 | 1 => path,
        all => format!("{path} and {} of the same", all - 1),
    }
}
