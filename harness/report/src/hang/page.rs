//! The page of a hang: one HTML file that needs nothing else.

use std::fmt::Write;

use fencelab_fences::finding::{Finding, Stuck};
use fencelab_fences::predict::Moment;
use fencelab_fences::words::{moment, span};
use fencelab_fences::{Analysis, Timeline};
use serde_json::json;

use super::svg::drawing;
use crate::html::Esc;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What a page is made of.
#[derive(Debug, Default)]
pub struct Page<'a> {
    /// Whose session, in a few words: its folder, a case's name.
    pub title: &'a str,
    /// What was found, and what is missing.
    pub analysis: Analysis,
    /// A timeline for each finding that is shown, in their order.
    pub timelines: Vec<Timeline>,
    /// Stacks, splats and the like, each with its title.
    pub texts: Vec<(String, String)>,
    /// A program or scenario that shows it again.
    pub reproducer: Option<String>,
}

/// Writes the page.
pub fn page(page: &Page<'_>) -> String {
    let shown = &page.analysis.findings[..page.analysis.findings.len().min(page.timelines.len())];
    let title = Esc(page.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body>\n<p class=\"brand\">fencelab · {title}</p>\n"
    );
    if shown.is_empty() {
        out += "<header class=\"good\"><h1>Nobody waited for long</h1></header>\n";
    }
    for (index, finding) in shown.iter().enumerate() {
        section(&mut out, index, finding, &page.timelines[index]);
    }
    for (title, text) in &page.texts {
        let _ = writeln!(out, "<h2>{}</h2>\n<pre>{}</pre>", Esc(title), Esc(text));
    }
    if let Some(program) = &page.reproducer {
        let _ = writeln!(out, "<h2>A program that shows it again</h2>\n<pre>{}</pre>", Esc(program));
    }
    notes(&mut out, &page.analysis);
    let data = json!(page.timelines).to_string().replace("</", "<\\/");
    let _ = writeln!(
        out,
        "<script type=\"application/json\" id=\"data\">{data}</script><script>{SCRIPT}</script></body></html>"
    );
    out
}

fn section(out: &mut String, index: usize, finding: &Finding, timeline: &Timeline) {
    let class = if finding.is_verdict() { "bad" } else { "warn" };
    let heading = finding.heading();
    let _ = writeln!(
        out,
        "<header class=\"{class}\"><p class=\"kind\">{}</p><h1>{}</h1>",
        Esc(&heading),
        Esc(capital(&finding.sentence))
    );
    facts(out, finding);
    out.push_str("</header>\n");
    // A call that would be refused waits for nobody.
    if !finding.nodes.is_empty() {
        let graph = drawing(finding, "");
        let _ = writeln!(out, "<h2>Who waits for whom</h2>\n<div class=\"wide\">{graph}</div>");
    }
    let left_out = match timeline.left_out {
        0 => String::new(),
        count => format!(" {count} calls are left out."),
    };
    let _ = writeln!(
        out,
        "<h2>When</h2>\n<p class=\"soft\">Turn the wheel to zoom, drag to move, double-click for all of it. Calls that the verdict \
         rests on are red.{left_out}</p>\n<canvas class=\"when\" data-of=\"{index}\" tabindex=\"0\"></canvas><p class=\"tip\" id=\"tip{index}\">\u{a0}</p>"
    );
    calls(out, finding);
    stuck(out, &finding.stuck);
    for said in &finding.kernel {
        let _ = writeln!(out, "<h2>{}</h2>\n<pre>{}</pre>", Esc(&said.about), Esc(&said.text));
    }
    order(out, finding);
}

/// In which order of calls it would come to that.
fn order(out: &mut String, finding: &Finding) {
    /// More than anybody reads; the JSON has them all.
    const MOST: usize = 60;
    let Some(order) = &finding.order else { return };
    out.push_str("<h2>The order that comes to it</h2>\n<p class=\"soft\">Calls that the verdict rests on, as they would be made.</p>\n<ol>\n");
    let begun: Vec<_> = order.steps.iter().filter(|step| step.moment == Moment::Begin).collect();
    for step in &begun[begun.len().saturating_sub(MOST)..] {
        if let Some(call) = finding.calls.iter().find(|call| call.id == (step.call.0, step.call.1)) {
            let stuck = if order.stuck.contains(&step.call) { " <b>never returns</b>" } else { "" };
            let _ = writeln!(out, "<li>{}: <code>{}</code>{stuck}</li>", call.tid, Esc(&call.text));
        }
    }
    out.push_str("</ol>\n");
}

/// A sentence with a large first letter, unless that is somebody's name.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first_word = sentence.split([' ', ':', ',']).next().unwrap_or_default();
    let is_word = !first_word.is_empty() && first_word.chars().all(char::is_alphabetic);
    match letters.next().filter(|_| is_word) {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => sentence.to_owned(),
    }
}

fn facts(out: &mut String, finding: &Finding) {
    out.push_str("<dl>");
    let mut fact = |name: &str, text: &str| {
        let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", Esc(text));
    };
    fact("waited for", &finding.culprit);
    let (since, lasted) = (moment(finding.since_ns), span(finding.seen_ns.saturating_sub(finding.since_ns)));
    match finding.order {
        Some(_) => fact("around", &format!("{since} s")),
        None => fact("since", &format!("{since} s, for {lasted}")),
    }
    if !finding.unless.is_empty() {
        fact("unless", &format!("{} acts", fencelab_fences::words::list(&finding.unless, "or")));
    }
    match &finding.ended {
        Some(ended) => fact("ended", &format!("at {} s by {}", moment(ended.at_ns), ended.by)),
        None if finding.until_timeout => fact("ends", "when the waits time out, and not before"),
        None => {}
    }
    for gap in &finding.gaps {
        fact("missing", gap);
    }
    out.push_str("</dl>\n");
}

fn calls(out: &mut String, finding: &Finding) {
    if finding.calls.is_empty() {
        return;
    }
    out.push_str("<h2>The calls that it rests on</h2>\n<div class=\"wide\"><table><tr><th>s</th><th>thread</th><th>call</th><th>took</th></tr>\n");
    let mut calls: Vec<_> = finding.calls.iter().collect();
    calls.sort_by_key(|call| call.entered_ns);
    for call in calls {
        let took = call
            .returned_ns
            .map_or_else(|| "has not returned".into(), |at| span(at.saturating_sub(call.entered_ns)));
        let at = moment(call.entered_ns);
        let _ = writeln!(
            out,
            "<tr><td>{at}</td><td>{}</td><td><code>{}</code></td><td>{took}</td></tr>",
            call.tid,
            Esc(&call.text)
        );
    }
    out.push_str("</table></div>\n");
}

fn stuck(out: &mut String, stuck: &[Stuck]) {
    if stuck.is_empty() {
        return;
    }
    out.push_str("<h2>Everybody who is stuck</h2>\n<div class=\"wide\"><table><tr><th>who</th><th>where</th><th>since, s</th><th>end</th></tr>\n");
    for one in stuck {
        let end = one.ended.map_or_else(String::new, |(result, ns)| {
            format!("returned {result} after {}", span(ns.saturating_sub(one.since_ns)))
        });
        let (what, at, since) = (Esc(&one.what), Esc(&one.at), moment(one.since_ns));
        let _ = writeln!(out, "<tr><td>{what}</td><td>{at}</td><td>{since}</td><td>{end}</td></tr>");
    }
    out.push_str("</table></div>\n");
}

fn notes(out: &mut String, analysis: &Analysis) {
    let parts = [("Missing from the trace", &analysis.gaps), ("What the trace cannot show", &analysis.blind)];
    for (title, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(out, "<h2>{title}</h2>\n<ul>");
        lines.iter().for_each(|line| _ = writeln!(out, "<li>{}</li>", Esc(line)));
        out.push_str("</ul>\n");
    }
}
