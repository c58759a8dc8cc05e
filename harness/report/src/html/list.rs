//! Every case, the worst first, with its reason and what it said.

use std::fmt::Write as _;
use std::io::{self, Write};

use fencelab_events::Verdict;

use crate::dossier;
use crate::text::{clip, span};
use crate::view::{Bug, Case, View};
use crate::why::why;

use super::escape::Esc;
use super::mark::{class, classes, letter};

/// Bytes of a case's output that the page holds.
const OUTPUT: usize = 8 << 10;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<section>\n<h2>All cases</h2>\n{}", filter(view))?;
    writeln!(
        out,
        "<table class=\"list\"><thead><tr><th></th><th>case</th><th>took</th><th>why</th></tr></thead><tbody>"
    )?;
    for verdict in Verdict::ALL {
        for (index, case) in view.cases.iter().enumerate().filter(|(_, case)| case.verdict == verdict) {
            row(view, out, index, case)?;
        }
    }
    writeln!(out, "</tbody></table>\n<p class=\"none\" hidden>No case matches.</p>\n</section>")
}

/// Shown only where the script runs.
fn filter(view: &View<'_>) -> String {
    let mut out = String::from(
        "<form class=\"filter\" hidden><input type=\"search\" placeholder=\"case, device, reason\" aria-label=\"filter\">",
    );
    for verdict in Verdict::ALL.into_iter().filter(|v| view.cases.iter().any(|case| case.verdict == *v)) {
        let class = class(verdict);
        let _ = write!(
            out,
            "<label><input type=\"checkbox\" value=\"{class}\" checked><b class=\"m {class}\">{}</b> {}</label>",
            letter(verdict),
            verdict.word()
        );
    }
    out + "<output></output></form>\n"
}

fn row(view: &View<'_>, out: &mut dyn Write, index: usize, case: &Case<'_>) -> io::Result<()> {
    let took = if case.finished().is_some() { span(case.took_us()) } else { String::new() };
    writeln!(
        out,
        "<tr id=\"c{index}\" data-v=\"{}\"><td><b class=\"m {}\" title=\"{}\">{}</b></td><td>{}</td><td>{took}</td><td>{}</td></tr>",
        class(case.verdict),
        classes(case),
        case.verdict.word(),
        letter(case.verdict),
        Esc(case.id()),
        reason(view, case)
    )
}

/// The reason; behind it, for a case that did not simply pass, what it said.
fn reason(view: &View<'_>, case: &Case<'_>) -> String {
    let known = case.standing.line().map(|line| format!(" <i>known: {}</i>", Esc(line.place())));
    let reason = format!("{}{}{}", Esc(why(view, case)), known.unwrap_or_default(), bugs(view, case));
    if matches!(case.verdict, Verdict::Pass | Verdict::Skip | Verdict::NotRun) {
        return reason;
    }
    let mut texts = texts(case);
    texts.push(("trace", view.trace_command(case).unwrap_or_default()));
    let texts = texts.iter().filter(|text| !text.1.trim().is_empty()).map(|(name, text)| {
        format!("<dt>{name}</dt><dd><pre>{}</pre></dd>", Esc(clip(text, OUTPUT, "events.jsonl").trim_end()))
    });
    format!(
        "<details><summary>{reason}</summary><dl><dt>must hold</dt><dd>{} {}</dd>{}</dl></details>",
        Esc(&case.record.plan.about),
        Esc(case.record.plan.rules.join(" ")),
        texts.collect::<String>()
    )
}

fn bugs(view: &View<'_>, case: &Case<'_>) -> String {
    let of = |(index, bug): (usize, &Bug<'_>)| {
        bug.cases.contains(&case.id()).then(|| format!(" <a href=\"#bug{0}\">bug {0}</a>", index + 1))
    };
    let bugs = view.bugs.iter().enumerate();
    if case.findings.is_empty() { String::new() } else { bugs.filter_map(of).collect() }
}

fn texts(case: &Case<'_>) -> Vec<(&'static str, String)> {
    let parts = case.parts.iter().filter(|part| part.failed());
    let parts: Vec<_> = parts.map(|part| format!("{}: {}", part.subtest.name, part.subtest.reason)).collect();
    let mut texts = vec![("failed parts", parts.join("\n"))];
    if let Some(finished) = case.finished() {
        texts.push(("notes", finished.notes.join("\n")));
        texts.push(("stderr", finished.stderr.text.clone()));
        texts.push(("stdout", finished.stdout.text.clone()));
    }
    for dossier in case.record.attempts.iter().filter_map(|attempt| attempt.dossier.as_ref()) {
        texts.push(("dossier", dossier::text(dossier)));
    }
    texts
}
