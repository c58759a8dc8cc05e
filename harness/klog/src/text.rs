//! A report for people: what happened, the cycle drawn, the rules, and whom to ask.

use std::fmt::{self, Write};

use crate::blame::first_real;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::lock::{Lock, LockClass};
use crate::report::{Link, Report, Section};
use crate::rules::RuleMatch;

/// How wide a line of a sentence may be.
const WIDTH: usize = 100;

/// A report as text. `{}` gives all of it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a Report);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(f, "{}: {}", report.kind, report.title)?;
        writeln!(f, "  {}", whence(report))?;
        if let Some(annotation) = &report.annotation {
            writeln!(
                f,
                "  with the annotation of patch {} ({}), which mainline does not carry",
                annotation.patch, annotation.title
            )?;
        }
        if let Some(reason) = &report.details.panic {
            writeln!(f, "  the kernel panicked over it: {reason}")?;
        }
        if !report.complete {
            writeln!(f, "  incomplete: {}", incomplete(report))?;
        }
        cycle(f, report)?;
        held(f, report)?;
        for rule in &report.rules {
            write_rule(f, rule)?;
        }
        writeln!(f)?;
        if let Some(blame) = &report.blame {
            writeln!(f, "  ask: {blame}")?;
        }
        writeln!(f, "  signature: {}", report.signature)
    }
}

/// Task, CPU, time and lines.
fn whence(report: &Report) -> String {
    let mut parts = Vec::new();
    parts.extend(report.task.as_ref().map(|task| task.to_string()));
    parts.extend(report.cpu.map(|cpu| format!("CPU {cpu}")));
    parts.extend(report.workqueue.as_ref().map(|queue| format!("workqueue {queue}")));
    parts.extend(report.entry.as_ref().map(|entry| format!("in {entry}")));
    parts.extend(report.time_us.map(|us| format!("at {}.{:06} s", us / 1_000_000, us % 1_000_000)));
    parts.extend(report.wall.clone());
    parts.extend(report.source.clone());
    parts.push(match (report.first_line, report.last_line) {
        (first, last) if first == last => format!("line {first}"),
        (first, last) => format!("lines {first} to {last}"),
    });
    parts.extend(report.kernel.clone());
    parts.join(", ")
}

fn incomplete(report: &Report) -> String {
    let name = |section: &Section| {
        serde_json::to_value(section).ok().and_then(|value| value.as_str().map(str::to_owned))
    };
    let lacks = |section: &Section| match section {
        Section::Banner => Some("no first line, which says what happened".to_owned()),
        Section::Messages => Some("the log lost messages in it".to_owned()),
        Section::Interleaved => {
            Some("another report was printed between its lines, and the log has no callers".to_owned())
        }
        section => name(section).map(|name| format!("no {name}")),
    };
    let mut parts: Vec<String> = report.missing.iter().filter_map(lacks).collect();
    if report.omitted > 0 {
        parts.push(format!("{} lines left out", report.omitted));
    }
    parts.join(", ")
}

/// The cycle, each lock with the place where it was taken under the one above.
fn cycle(f: &mut impl Write, report: &Report) -> fmt::Result {
    let links = &report.details.links;
    if report.kind == Kind::Circular && links.len() >= 2 {
        writeln!(f, "\n  ┌─▶ {}", links[0].lock.class)?;
        for (depth, link) in links[1..].iter().enumerate() {
            writeln!(f, "  │   {:indent$}└▶ {}{}", "", link.lock.class, taken(link), indent = 3 * depth)?;
        }
        return writeln!(f, "  └────── {}{}   ◀ closes the cycle", links[0].lock.class, taken(&links[0]));
    }
    match (&report.details.holding, &report.details.acquiring) {
        (Some(holding), Some(acquiring)) => {
            writeln!(f, "\n  {}{}", holding.class, at(holding))?;
            writeln!(f, "  └▶ {}{}", acquiring.class, at(acquiring))
        }
        _ => Ok(()),
    }
}

fn taken(link: &Link) -> String {
    first_real(&link.frames).map(|frame| format!("   taken in {frame}")).unwrap_or_default()
}

fn at(lock: &Lock) -> String {
    lock.at.as_ref().map(|frame: &Frame| format!("   at {frame}")).unwrap_or_default()
}

fn held(f: &mut impl Write, report: &Report) -> fmt::Result {
    if report.held.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = report.held.iter().map(LockClass::to_string).collect();
    writeln!(f, "\n  held: {}", names.join(", "))
}

fn write_rule(f: &mut impl Write, rule: &RuleMatch) -> fmt::Result {
    let evidence = match (&rule.edge, &rule.line) {
        (Some(edge), _) => format!("{} --> {}", edge.from, edge.to),
        (None, Some(line)) => line.clone(),
        (None, None) => String::new(),
    };
    writeln!(f, "\n  {}  {evidence}", rule.id)?;
    for line in wrapped(&rule.sentence, WIDTH) {
        writeln!(f, "    {line}")?;
    }
    writeln!(f, "    see {}", rule.doc)
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_ascii_whitespace() {
        let room = lines.last().map_or(0, String::len) + word.len() < width;
        match lines.last_mut() {
            Some(line) if room && !line.is_empty() => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if line.is_empty() => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
