//! What was found: each bug of the kernel once.

use std::io::{self, Write};

use fencelab_events::Finding;

use crate::group::by_case;
use crate::splat;
use crate::summary::thread;
use crate::text::{clip, count};
use crate::view::{Bug, View};

use super::chain;
use super::escape::Esc;

/// Groups of cases that a bug shows.
const CASES: usize = 12;
/// Bytes of a splat that the page holds; its file has the whole.
const SPLAT: usize = 48 << 10;

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    if view.bugs.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>The kernel reported {}</h2>", count(view.bugs.len(), "bug"))?;
    view.bugs.iter().enumerate().try_for_each(|(index, bug)| one(view, out, index + 1, bug))?;
    writeln!(out, "</section>")
}

fn one(view: &View<'_>, out: &mut dyn Write, number: usize, bug: &Bug<'_>) -> io::Result<()> {
    let best = bug.best;
    write!(
        out,
        "<article class=\"bug{}\" id=\"bug{number}\">\n<h3><span class=\"no\">{number}</span> {}</h3>\n{}{}",
        if bug.excused { " known" } else { "" },
        Esc(&best.title),
        labels(bug),
        rules(bug)
    )?;
    let text = view.splat(best);
    write!(out, "{}{}", text.and_then(chain::of).unwrap_or_default(), facts(bug))?;
    if let Some(text) = text {
        writeln!(
            out,
            "<details><summary>The kernel's text</summary><pre>{}</pre></details>",
            Esc(clip(text, SPLAT, &view.path(&best.file)))
        )?;
    }
    writeln!(out, "</article>")
}

fn labels(bug: &Bug<'_>) -> String {
    let mut labels: Vec<(&str, String)> = vec![("kind", bug.best.kind.clone())];
    if let Some(label) = splat::annotation(bug.best) {
        labels.push(("annotated", format!("{label}, not a plain kernel bug: mainline does not carry it")));
    }
    if bug.excused {
        labels.push(("kind", "known: the lists excuse every case of it".into()));
    }
    if !bug.best.complete {
        labels.push(("torn", "a part of the report is missing from the log".into()));
    }
    if bug.all.len() > 1 {
        labels.push(("kind", format!("reported {} times", bug.all.len())));
    }
    let labels = labels.iter().map(|(class, text)| format!("<li class=\"{class}\">{}</li>", Esc(text)));
    format!("<ul class=\"labels\">{}</ul>\n", labels.collect::<String>())
}

fn rules(bug: &Bug<'_>) -> String {
    let rules = bug.best.rules.iter().map(|rule| {
        format!(
            "<li><b>{}</b> {}<code>{}</code></li>",
            Esc(&rule.id),
            Esc(&rule.sentence),
            Esc(&rule.evidence)
        )
    });
    let rules: String = rules.collect();
    if rules.is_empty() { rules } else { format!("<ul class=\"rules\">{rules}</ul>\n") }
}

fn facts(bug: &Bug<'_>) -> String {
    let best = bug.best;
    let cases = match by_case(bug.cases.iter().copied(), CASES) {
        groups if groups.is_empty() => vec!["none ran".to_owned()],
        groups => groups,
    };
    let lines =
        |lines: &[String]| lines.iter().map(|line| Esc(line).to_string()).collect::<Vec<_>>().join("<br>");
    let rows = [
        ("cases", lines(&cases)),
        ("thread", Esc(thread(best)).to_string()),
        ("call", call(best)),
        ("look at", best.blame.as_deref().map(|f| format!("<code>{}</code>", Esc(f))).unwrap_or_default()),
        ("evidence", format!("<code>{}</code>", lines(&best.evidence))),
        ("attributed", Esc(&best.attribution.reason).to_string()),
        ("splat", files(bug)),
    ];
    let rows = rows.iter().filter(|row| !row.1.is_empty());
    let rows = rows.map(|(name, fact)| format!("<dt>{name}</dt><dd>{fact}</dd>"));
    format!("<dl>{}</dl>\n", rows.collect::<String>())
}

/// The call that it goes back to, its arguments behind a fold.
fn call(finding: &Finding) -> String {
    let Some(call) = &finding.attribution.call else { return String::new() };
    let (words, arguments) = (Esc(call.words()), Esc(&call.arguments));
    format!("<details class=\"same\"><summary>{words}</summary><code>{arguments}</code></details>")
}

/// The best report's file, and the others behind a fold.
fn files(bug: &Bug<'_>) -> String {
    let link = |file: &str| format!("<a href=\"{0}\">{0}</a>", Esc(file));
    let others: Vec<_> = bug.files().filter(|file| *file != bug.best.file).map(link).collect();
    let first = link(&bug.best.file);
    match others.len() {
        0 => first,
        more => format!(
            "{first}<details class=\"same\"><summary>and {more} of the same</summary>{}</details>",
            others.join("<br>")
        ),
    }
}
