//! Contract coverage by rules: a row for each rule, a column for each device, in each cell how many cases told what.

use std::io::{self, Write};

use fencelab_events::Verdict;
use fencelab_rules::RULES;

use crate::rule_coverage::{RuleCoverage, Tally};
use crate::view::View;

use super::escape::Esc;
use super::grid::in_bench_order;
use super::mark::letter;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = RuleCoverage::of(view);
    if coverage.is_empty() {
        return Ok(());
    }
    let reach = coverage.reach();
    writeln!(
        out,
        "<section>\n<h2>Contract coverage: rules</h2>\n<p>{} of {} rules have a case that passed: {} combinations of such a \
         rule and a device that took part, {} of such a rule and the devices of a case in order: one, a pair, three. Each cell \
         counts cases. Red: failed, or the kernel reported. Framed: the same, and known. Green: passed. Grey: skipped, not run, \
         or not exercised.</p>\n<table class=\"grid rules\"><thead><tr><th></th>",
        reach.rules,
        RULES.len(),
        reach.with_device,
        reach.with_devices
    )?;
    let columns = columns(view, &coverage);
    for column in &columns {
        write!(out, "<th scope=\"col\"><span>{}</span></th>", Esc(column.unwrap_or("no device")))?;
    }
    writeln!(out, "<th></th></tr></thead><tbody>")?;
    for (id, rule) in coverage.rules() {
        write!(out, "<tr><th scope=\"row\">{}</th>", Esc(id))?;
        for column in &columns {
            write!(out, "<td>{}</td>", cell(coverage.at(id, *column)))?;
        }
        let sentence = rule.map_or("not of this contract", |rule| rule.sentence);
        writeln!(out, "<td class=\"says\">{}</td></tr>", Esc(sentence))?;
    }
    writeln!(out, "</tbody></table>\n</section>")
}

/// The devices of the cases, in the bench's order, and behind them a column for the cases without any.
fn columns<'v>(view: &View<'_>, coverage: &RuleCoverage<'v>) -> Vec<Option<&'v str>> {
    let devices = in_bench_order(view, coverage.devices().into_iter().collect());
    let alone = coverage.rules().any(|(id, _)| coverage.at(id, None) != Tally::default());
    devices.into_iter().map(Some).chain(alone.then_some(None)).collect()
}

/// The weightiest count, its letter before it if it is not that of passes.
fn cell(tally: Tally) -> String {
    let Tally { passed, failed, known, nothing } = tally;
    let fail = letter(Verdict::Fail);
    let by_weight = [
        (failed, "fail", fail),
        (known, "known", fail),
        (passed, "pass", ""),
        (nothing, "skip", letter(Verdict::Skip)),
    ];
    let Some((number, class, letter)) = by_weight.iter().find(|(cases, ..)| *cases > 0) else {
        return String::new();
    };
    let words = [(passed, "passed"), (failed, "failed"), (known, "known failures"), (nothing, "no result")];
    let words: Vec<_> = words
        .iter()
        .filter(|(cases, _)| *cases > 0)
        .map(|(cases, what)| format!("{what}: {cases}"))
        .collect();
    format!("<b class=\"m {class}\" title=\"{}\">{letter}{number}</b>", words.join(", "))
}
