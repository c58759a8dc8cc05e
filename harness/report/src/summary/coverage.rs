//! Contract coverage: the rules that held, and the locks that lockdep has seen at work.

use std::io;

use fencelab_events::{Place, RunCoverage, Verdict};
use fencelab_rules::RULES;

use crate::rule_coverage::RuleCoverage;
use crate::style::Paint;
use crate::text::{count, span};
use crate::view::View;
use crate::why::why;

use super::page::Page;

/// Locks of a place that are named.
const LOCKS: usize = 12;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    rules(view, page)?;
    locks(view, page)
}

/// Which rules held, and in how many places.
fn rules(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let coverage = RuleCoverage::of(view);
    if coverage.is_empty() {
        return Ok(());
    }
    let reach = coverage.reach();
    page.heading(Paint::Strong, "Contract coverage: the rules that held")?;
    page.field(&format!("{:>5}", reach.rules), &format!("of the contract's {} rules", RULES.len()))?;
    page.field(&format!("{:>5}", reach.devices), "times a rule on a device")?;
    page.field(
        &format!("{:>5}", reach.together),
        "times a rule on what a case drives together: a device, a pair, three",
    )?;
    let not_shown = coverage.not_shown();
    if !not_shown.is_empty() {
        let rules = not_shown.join(", ");
        page.field(
            &format!("{:>5}", not_shown.len()),
            &format!("claimed by cases, of which none passed\n{rules}"),
        )?;
    }
    Ok(())
}

/// What lockdep has seen of the contract at work, and what reading it cost.
fn locks(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let run = RunCoverage::of(view.session);
    if run.readings == 0 {
        return Ok(());
    }
    page.heading(Paint::Strong, "Contract coverage: the locks that lockdep has seen")?;
    for place in Place::ALL {
        let (all, by_cases) = run.count(place);
        let mut new: Vec<&str> =
            run.at(place).filter(|(_, case)| case.is_some()).map(|(class, _)| class).collect();
        let more = new.len().saturating_sub(LOCKS);
        new.truncate(LOCKS);
        let mut text = format!("{}, {by_cases} of them first by cases of this run", place.words());
        if !new.is_empty() {
            text.push_str(&format!("\n{}", new.join(", ")));
        }
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        page.field(&format!("{all:>5}"), &text)?;
    }
    let silent =
        view.cases.iter().filter(|case| case.verdict == Verdict::Pass && !why(view, case).is_empty()).count();
    if silent > 0 {
        page.field(
            &format!("{silent:>5}"),
            "of the passes claim rules of signalling sections as well, and no lock was taken inside one: signalling side not exercised",
        )?;
    }
    let each = run.took_us / u64::try_from(run.readings).unwrap_or(1).max(1);
    page.field("cost", &format!("{}, {} each", count(run.readings, "reading"), span(each)))
}
