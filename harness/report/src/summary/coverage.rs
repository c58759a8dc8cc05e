//! Contract coverage: the rules that cases passed with, and the locks that lockdep has seen at work.

use std::io;

use fencelab_events::{Place, RunCoverage, Verdict};
use fencelab_rules::RULES;

use crate::rule_coverage::RuleCoverage;
use crate::style::Paint;
use crate::text::{count, span};
use crate::view::View;
use crate::why::why;

use super::page::Page;

/// Rules and locks that are named; the rest is counted.
const NAMED: usize = 12;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    rules(view, page)?;
    locks(view, page)
}

/// Which rules cases passed with, in how many places, and which rules are missing.
fn rules(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let coverage = RuleCoverage::of(view);
    if coverage.is_empty() {
        return Ok(());
    }
    let (reach, missing) = (coverage.reach(), coverage.missing());
    page.heading(Paint::Strong, "Contract coverage: the rules that cases passed with")?;
    number(page, reach.rules, &format!("of {} rules", RULES.len()))?;
    number(page, reach.with_device, "combinations of such a rule and a device that took part")?;
    number(
        page,
        reach.with_devices,
        "of such a rule and the devices of a case in order: one, a pair, three",
    )?;
    for (rules, what) in [
        (&missing.failed, "broken in some case, and no other passed"),
        (&missing.nothing, "without a result: skipped, not run, or nothing exercised them"),
        (&missing.unclaimed, "that no case of this run claims"),
    ] {
        if !rules.is_empty() {
            number(page, rules.len(), &format!("{what}\n{}", some(rules)))?;
        }
    }
    Ok(())
}

/// `a, b, c and 9 more`
fn some(names: &[&str]) -> String {
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn number(page: &mut Page<'_>, number: usize, what: &str) -> io::Result<()> {
    page.field(&format!("{number:>5}"), what)
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
        let new: Vec<&str> =
            run.at(place).filter(|(_, case)| case.is_some()).map(|(class, _)| class).collect();
        let mut text = format!("{}, {by_cases} of them first by cases of this run", place.words());
        if !new.is_empty() {
            text.push_str(&format!("\n{}", some(&new)));
        }
        number(page, all, &text)?;
    }
    let silent =
        view.cases.iter().filter(|case| case.verdict == Verdict::Pass && !why(view, case).is_empty()).count();
    if silent > 0 {
        number(
            page,
            silent,
            "of the passes claim rules of signalling sections as well, and no lock was taken inside one: signalling side not exercised",
        )?;
    }
    let each = run.took_us / u64::try_from(run.readings).unwrap_or(1).max(1);
    page.field("cost", &format!("{}, {} each", count(run.readings, "reading"), span(each)))
}
