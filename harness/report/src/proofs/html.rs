//! One page of proofs: offline, self-contained.

use std::fmt::Write as _;
use std::io::Write;

use fencelab_rules::{Judgement, Proof, Proofs, ROWS, Tally, rule_of};

use super::{kernels, laid_to, sentence, wanted};
use crate::Error;
use crate::html::{Esc, STYLE};
use crate::text::date;

pub(super) fn write(proofs: &Proofs, out: &mut dyn Write) -> Result<(), Error> {
    let tone = if proofs.is_good() { "good" } else { "bad" };
    let title = format!("fencelab prove: {}, {}", proofs.bench, date(proofs.began_ms));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header class=\"{tone}\">\n<p class=\"brand\">fencelab prove {}</p>\n<h1>{}.</h1>\n{}</header>\n",
        Esc(&title),
        Esc(&proofs.fencelab),
        Esc(sentence(proofs)),
        kernels(proofs).map(|kernels| format!("<p>{}</p>\n", Esc(kernels))).unwrap_or_default(),
    )?;
    write!(out, "{}{}{}{}", faults(proofs), rules(proofs), rows(proofs), controls(proofs))?;
    out.write_all(b"</body>\n</html>\n")?;
    Ok(())
}

fn table(title: &str, heads: &[&str], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    format!(
        "<h2>{title}</h2>\n<table class=\"proofs\">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// The mark of a judgement: as of a case, so that the page reads like a night's.
fn mark(judgement: Judgement) -> (&'static str, char) {
    match judgement {
        Judgement::Attributed => ("pass", '✓'),
        Judgement::Missed => ("fail", 'M'),
        Judgement::WrongKind | Judgement::WrongRule => ("splat", 'W'),
        Judgement::Misattributed => ("timeout", 'A'),
        Judgement::NotRun => ("not-run", '-'),
    }
}

fn faults(proofs: &Proofs) -> String {
    let mut rows = String::new();
    for proof in &proofs.proofs {
        let (class, letter) = mark(proof.judgement);
        let _ = writeln!(
            rows,
            "<tr><td><b class=\"m {class}\" title=\"{word}\">{letter}</b></td><td><code>{}</code><br>{}</td><td>{}</td><td>{}</td></tr>",
            Esc(&proof.name),
            Esc(proof.subject.what()),
            Esc(wanted(proof)),
            outcome(proof),
            word = proof.judgement.word(),
        );
    }
    table("Faults", &["", "planted", "expected", "what came of it"], &rows)
}

fn outcome(proof: &Proof) -> String {
    let mut text = String::new();
    if !proof.why.is_empty() {
        let _ = write!(text, "<b>{}</b>: {}<br>", proof.judgement.word(), Esc(&proof.why));
    }
    if let (Some(seen), Some(to)) = (&proof.seen, laid_to(proof)) {
        let _ = write!(text, "<a href=\"{}\">{}</a>, {}", Esc(&seen.file), Esc(&seen.kind), Esc(to));
    }
    text
}

fn counts(tally: Tally) -> String {
    let class = if tally.planted > 0 && tally.is_good() { "good" } else { "bad" };
    format!(
        "<td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td>",
        tally.planted, tally.detected, tally.attributed, tally.falsely
    )
}

fn rules(proofs: &Proofs) -> String {
    let mut rows = String::new();
    for row in proofs.by_rule() {
        let sentence = rule_of(row.rule).map_or("", |rule| rule.sentence);
        let _ = writeln!(
            rows,
            "<tr><td><code>{}</code></td><td>{}</td>{}</tr>",
            row.rule,
            Esc(sentence),
            counts(row.tally)
        );
    }
    table("By rule", &["rule", "what must hold", "planted", "detected", "attributed", "false"], &rows)
}

fn rows(proofs: &Proofs) -> String {
    let mut rows = String::new();
    for row in ROWS.iter().filter(|row| proofs.whole || proofs.of_row(row.number).planted > 0) {
        let tally = proofs.of_row(row.number);
        let cells = match proofs.explanation(row.number).filter(|_| tally.planted == 0) {
            Some(reason) => format!("<td colspan=\"4\">not shown: {}</td>", Esc(reason)),
            None => counts(tally),
        };
        let _ = writeln!(
            rows,
            "<tr><td>{:02}</td><td>{}<br><small>in mainline: {}</small></td>{cells}</tr>",
            row.number,
            Esc(row.patch),
            Esc(row.mainline)
        );
    }
    table("By patch of the series", &["", "patch", "planted", "detected", "attributed", "false"], &rows)
}

fn controls(proofs: &Proofs) -> String {
    let mut rows = String::new();
    for control in &proofs.controls {
        let (class, letter) = if control.silent { ("pass", '✓') } else { ("fail", 'F') };
        let said = if control.silent { "silent" } else { control.why.as_str() };
        let _ = writeln!(
            rows,
            "<tr><td><b class=\"m {class}\">{letter}</b></td><td><code>{}</code> ({})</td><td>{}</td><td>{}</td></tr>",
            Esc(&control.case),
            Esc(&control.kernel),
            Esc(control.knobs.join(", ")),
            Esc(said)
        );
    }
    table("Controls", &["", "case", "with the lawful variants of", ""], &rows)
}
