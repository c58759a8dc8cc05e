//! Where it was found: every suite as cases by devices, pairs of devices as a grid for each case.

use std::io::{self, Write};

use fencelab_events::Verdict;

use crate::text::count;
use crate::view::View;

use super::escape::Esc;
use super::grid::{Grid, axis};
use super::mark::cell;

/// The cases of a suite, by how many devices they take: indices into the view's.
struct Suite<'v> {
    name: &'v str,
    singles: Vec<usize>,
    pairs: Vec<usize>,
    others: Vec<usize>,
}

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>Suites</h2>\n<div class=\"suites\">")?;
    for suite in suites(view) {
        writeln!(
            out,
            "<div class=\"suite\">\n<h3>{} <small>{}</small></h3>",
            Esc(suite.name),
            told(view, &suite)
        )?;
        let devices = axis(view, &suite.singles, 0);
        if devices.len() > 1 {
            table(view, out, &suite.singles, &devices)?;
        } else {
            chips(view, out, &suite.singles)?;
        }
        pairs(view, out, &suite)?;
        chips(view, out, &suite.others)?;
        writeln!(out, "</div>")?;
    }
    writeln!(out, "</div>\n</section>")
}

fn suites<'v>(view: &'v View<'_>) -> Vec<Suite<'v>> {
    let mut suites: Vec<Suite> = Vec::new();
    for (index, case) in view.cases.iter().enumerate() {
        let plan = &case.record.plan;
        let at = suites.iter().position(|suite| suite.name == plan.suite).unwrap_or_else(|| {
            suites.push(Suite {
                name: &plan.suite,
                singles: Vec::new(),
                pairs: Vec::new(),
                others: Vec::new(),
            });
            suites.len() - 1
        });
        let suite = &mut suites[at];
        match plan.devices.len() {
            1 => suite.singles.push(index),
            2 => suite.pairs.push(index),
            _ => suite.others.push(index),
        }
    }
    suites
}

/// `24 cases, 3 to look at`.
fn told(view: &View<'_>, suite: &Suite<'_>) -> String {
    let all: Vec<_> = [&suite.singles, &suite.pairs, &suite.others].into_iter().flatten().collect();
    let bad =
        all.iter().filter(|i| view.cases[***i].verdict.is_finding() && view.cases[***i].is_counted()).count();
    let bad = if bad > 0 { format!(", <b>{bad} to look at</b>") } else { String::new() };
    format!("{}{bad}", count(all.len(), "case"))
}

/// A row for each case, a column for each device.
fn table(view: &View<'_>, out: &mut dyn Write, cases: &[usize], devices: &[&str]) -> io::Result<()> {
    write!(out, "<table class=\"grid\"><thead><tr><th></th>")?;
    for device in devices {
        write!(out, "<th scope=\"col\"><span>{}</span></th>", Esc(device))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (name, row) in Grid::by_name(view, cases) {
        write!(out, "<tr><th scope=\"row\">{}</th>", Esc(name))?;
        for device in devices {
            let here: String = row
                .iter()
                .filter(|i| view.cases[**i].record.plan.devices[0] == *device)
                .map(|i| cell(view, *i))
                .collect();
            write!(out, "<td>{here}</td>")?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")
}

/// Cases that have no devices to spread over: a mark with the name behind it, the quiet ones as marks alone.
fn chips(view: &View<'_>, out: &mut dyn Write, cases: &[usize]) -> io::Result<()> {
    if cases.is_empty() {
        return Ok(());
    }
    write!(out, "<ul class=\"chips\">")?;
    for index in cases {
        let case = &view.cases[*index];
        let quiet = matches!(case.verdict, Verdict::Pass | Verdict::Skip) && cases.len() > 40;
        let name = if quiet { "" } else { &case.record.plan.name };
        write!(out, "<li>{}{}</li>", cell(view, *index), Esc(name))?;
    }
    writeln!(out, "</ul>")
}

/// One small grid for each case: the first device down, the second across.
fn pairs(view: &View<'_>, out: &mut dyn Write, suite: &Suite<'_>) -> io::Result<()> {
    if suite.pairs.is_empty() {
        return Ok(());
    }
    let (down, across) = roles(suite.name);
    writeln!(out, "<p class=\"axes\">{down} ↓, {across} →</p>\n<div class=\"pairs\">")?;
    for (name, cases) in Grid::by_name(view, &suite.pairs) {
        Grid::of(view, name, &cases).write(view, out)?;
    }
    writeln!(out, "</div>")
}

/// What the devices of a pair are to each other.
fn roles(suite: &str) -> (&'static str, &'static str) {
    match suite {
        "dma-buf" => ("exporter", "importer"),
        _ => ("first device", "second device"),
    }
}
