//! Every case, the worst first, with its reason and what it said.

use std::fmt::Write as _;
use std::io::{self, Write};

use fencelab_events::Verdict;

use crate::text::{clip, span};
use crate::view::{Case, View};
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
    let known = case.standing.line().map(|line| format!(" <i>known: {}</i>", Esc(line.place())));
    writeln!(
        out,
        "<tr id=\"c{index}\" data-v=\"{}\"><td><b class=\"m {}\" title=\"{}\">{}</b></td><td>{}</td><td>{took}</td><td>{}{}{}</td></tr>",
        class(case.verdict),
        classes(case),
        case.verdict.word(),
        letter(case.verdict),
        Esc(case.id()),
        Esc(why(view, case)),
        known.unwrap_or_default(),
        more(view, case)
    )
}

/// What there is to say of a case that did not simply pass.
fn more(view: &View<'_>, case: &Case<'_>) -> String {
    let bugs = bugs(view, case);
    if matches!(case.verdict, Verdict::Pass | Verdict::Skip | Verdict::NotRun) {
        return bugs;
    }
    let texts = texts(case);
    let texts = texts.iter().filter(|text| !text.1.trim().is_empty()).map(|(name, text)| {
        format!("<dt>{name}</dt><dd><pre>{}</pre></dd>", Esc(clip(text, OUTPUT, "events.jsonl").trim_end()))
    });
    let about = &case.record.plan.about;
    format!(
        "{bugs}<details><summary>more</summary><dl><dt>must hold</dt><dd>{} {}</dd>{}</dl></details>",
        Esc(about),
        Esc(case.record.plan.rules.join(" ")),
        texts.collect::<String>()
    )
}

fn bugs(view: &View<'_>, case: &Case<'_>) -> String {
    let of = |(index, bug): (usize, &crate::Bug<'_>)| {
        bug.cases.contains(&case.id()).then(|| format!(" <a href=\"#bug{0}\">bug {0}</a>", index + 1))
    };
    if case.findings.is_empty() {
        String::new()
    } else {
        view.bugs.iter().enumerate().filter_map(of).collect()
    }
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
        texts.push(("dossier", crate::dossier::text(dossier)));
    }
    texts
}
