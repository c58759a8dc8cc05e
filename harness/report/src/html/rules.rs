//! Contract coverage by rules: a row for each rule, a column for each device, the cases in which it held in each cell.

use std::io::{self, Write};

use fencelab_rules::RULES;

use crate::rule_coverage::{RuleCoverage, Tally};
use crate::text::count;
use crate::view::View;

use super::escape::Esc;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = RuleCoverage::of(view);
    if coverage.is_empty() {
        return Ok(());
    }
    let reach = coverage.reach();
    writeln!(
        out,
        "<section>\n<h2>Rules of the contract</h2>\n<p>{} of {} rules held in a case of this run: {} times a rule on a device, {} \
         times a rule on what a case drives together. A cell counts cases: those with a finding if there are any, red, or framed \
         where a list knows of them; else those in which the rule held; else, grey, those that told nothing.</p>\n<table class=\"grid rules\"><thead><tr><th></th>",
        reach.rules,
        RULES.len(),
        reach.devices,
        reach.together
    )?;
    let columns = columns(view, &coverage);
    for column in &columns {
        write!(out, "<th scope=\"col\"><span>{}</span></th>", Esc(column.unwrap_or("no device")))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (id, rule) in coverage.rules() {
        let sentence = rule.map_or("", |rule| rule.sentence);
        write!(out, "<tr><th scope=\"row\" title=\"{}\">{}</th>", Esc(sentence), Esc(id))?;
        for column in &columns {
            write!(out, "<td>{}</td>", cell(coverage.at(id, *column)))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>\n</section>")
}

/// The devices that cases with rules drive, in the bench's order, and behind them a column for those that drive none.
fn columns<'v>(view: &'v View<'_>, coverage: &RuleCoverage<'_>) -> Vec<Option<&'v str>> {
    let devices = view.session.devices.iter().map(|device| Some(device.name.as_str()));
    let used =
        |column: &Option<&str>| coverage.rules().any(|(id, _)| coverage.at(id, *column) != Tally::default());
    devices.chain([None]).filter(used).collect()
}

/// How many cases; the worst that they told is its colour.
fn cell(tally: Tally) -> String {
    let Tally { held, found, known, nothing } = tally;
    let by_weight = [(found, "fail"), (known, "known"), (held, "pass"), (nothing, "skip")];
    let Some((number, class)) = by_weight.iter().find(|(cases, _)| *cases > 0) else { return String::new() };
    let words = [
        (held, "held in"),
        (found, "a finding in"),
        (known, "a known finding in"),
        (nothing, "nothing told by"),
    ];
    let words: Vec<_> = words
        .iter()
        .filter(|(cases, _)| *cases > 0)
        .map(|(cases, what)| format!("{what} {}", count(*cases, "case")))
        .collect();
    format!("<b class=\"m {class}\" title=\"{}\">{number}</b>", Esc(&words.join(", ")))
}
