//! Findings for a terminal.

use std::fmt::Write;

use fencelab_fences::Analysis;
use fencelab_fences::finding::{Finding, Said, Stuck};
use fencelab_fences::words::{moment, span};

/// Columns of a line.
const WIDTH: usize = 110;

/// A whole analysis. `hints`: also what is merely worth a look.
pub fn text(analysis: &Analysis, hints: bool) -> String {
    let mut out = String::new();
    let verdicts = analysis.findings.iter().filter(|finding| finding.is_verdict()).count();
    let waits = analysis.findings.len() - verdicts;
    let many = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (from, to) = analysis.between_ns;
    let calls = many(analysis.calls as usize, "call");
    let over = span(to.saturating_sub(from));
    let _ = writeln!(out, "{calls} in {over}: {}, {}", many(verdicts, "verdict"), many(waits, "long wait"));
    for one in &analysis.findings {
        out += "\n";
        out += &finding(one);
    }
    list(&mut out, "missing from the trace", &analysis.gaps);
    if hints {
        list(&mut out, "not signalled at the end", &analysis.unsignalled);
        let wakes = analysis.slow_wakes.iter();
        let wakes = wakes
            .map(|wake| format!("thread {} woke from {} {} late", wake.tid, wake.at, span(wake.late_ns)));
        list(&mut out, "left to the kernel", &analysis.leaked);
        list(&mut out, "jobs that took long", &analysis.long_jobs);
        list(&mut out, "slow wakes", &wakes.collect::<Vec<_>>());
        list(&mut out, "the trace cannot show", &analysis.blind);
    }
    out
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}:");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

/// One finding.
pub fn finding(finding: &Finding) -> String {
    let mut out = String::new();
    let since = moment(finding.since_ns);
    let _ = match &finding.order {
        Some(_) => writeln!(out, "{}: around {since} s", finding.heading()),
        None => {
            let lasted = span(finding.seen_ns.saturating_sub(finding.since_ns));
            writeln!(out, "{}: since {since} s, for {lasted}", finding.heading())
        }
    };
    wrap(&mut out, "  ", "  ", &finding.sentence);
    witness(&mut out, finding);
    for (at, who) in finding.unless.iter().enumerate() {
        wrap(&mut out, if at == 0 { "  unless   " } else { "           " }, "           ", who);
    }
    for (at, stuck) in finding.stuck.iter().enumerate() {
        wrap(
            &mut out,
            if at == 0 { "  stuck    " } else { "           " },
            "             ",
            &stuck_line(stuck, finding.order.is_some()),
        );
    }
    for (at, gap) in finding.gaps.iter().enumerate() {
        wrap(&mut out, if at == 0 { "  missing  " } else { "           " }, "           ", gap);
    }
    for (at, call) in finding.calls.iter().enumerate() {
        let line = format!("{} {} {}", moment(call.entered_ns), call.tid, call.text);
        wrap(&mut out, if at == 0 { "  calls    " } else { "           " }, "             ", &line);
    }
    for said in &finding.kernel {
        kernel(&mut out, said);
    }
    if let Some(order) = &finding.order {
        let _ = writeln!(out, "  order    of {} steps, which --json has", order.steps.len());
    }
    if let Some(ended) = &finding.ended {
        wrap(&mut out, "  ended    ", "             ", &format!("{} s by {}", moment(ended.at_ns), ended.by));
    } else if finding.until_timeout {
        let _ = writeln!(out, "  ends     when the waits time out, and not before");
    }
    out
}

/// What the kernel said, no more lines of it than tell something.
fn kernel(out: &mut String, said: &Said) {
    const MOST: usize = 8;
    let _ = writeln!(out, "  kernel   {}", said.about);
    for line in said.text.lines().take(MOST) {
        let _ = writeln!(out, "             {}", line.trim());
    }
    let more = said.text.lines().count().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(out, "             and {more} lines more");
    }
}

/// The witness, a line a step.
fn witness(out: &mut String, finding: &Finding) {
    for (at, pair) in finding.witness.windows(2).enumerate() {
        let (Some(from), Some(to)) = (finding.nodes.get(pair[0]), finding.nodes.get(pair[1])) else {
            continue;
        };
        if at == 0 {
            let _ = writeln!(out, "  witness  {}{}", from.label, detail(&from.detail));
        }
        let edge = finding.edges.iter().find(|edge| (edge.from, edge.to) == (pair[0], pair[1]));
        let why = edge.map_or("needs", |edge| edge.why.as_str());
        let closes = at + 2 == finding.witness.len() && finding.witness.first() == finding.witness.last();
        let note = if closes { " (where it began)".into() } else { detail(&to.detail) };
        let _ = writeln!(out, "           -> {why} {}{note}", to.label);
    }
}

fn detail(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(", {detail}") }
}

fn stuck_line(stuck: &Stuck, predicted: bool) -> String {
    let at = if stuck.tid.is_some() { format!("in {}", stuck.at) } else { stuck.at.clone() };
    let since = moment(stuck.since_ns);
    match stuck.ended {
        Some((result, ns)) => {
            let after = span(ns.saturating_sub(stuck.since_ns));
            format!("{}, {at} since {since} s; returned {result} after {after}", stuck.what)
        }
        None if predicted => format!("{}, {at}", stuck.what),
        None => format!("{}, {at} since {since} s", stuck.what),
    }
}

/// Words into lines.
fn wrap(out: &mut String, first: &str, rest: &str, text: &str) {
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = rest.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    let _ = writeln!(out, "{line}");
}
