//! The table for a terminal.

use std::io::{self, Write};

use fencelab_rules::{Judgement, Proof, Proofs, ROWS, Tally, rule_of};

use super::{kernels, laid_to, sentence, wanted};
use crate::Error;
use crate::style::{Paint, Style};
use crate::text::line;

pub(super) fn write_plain(proofs: &Proofs, out: &mut dyn Write) -> Result<(), Error> {
    write(proofs, Style::PLAIN, out)
}

/// Writes the table by rule and by patch, then whatever is wrong.
///
/// # Errors
/// The writer's.
pub fn write(proofs: &Proofs, style: Style, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "{}", style.paint(Paint::Strong, sentence(proofs)))?;
    if let Some(kernels) = kernels(proofs) {
        writeln!(out, "{}", line(&kernels))?;
    }
    by_rule(proofs, style, out)?;
    by_row(proofs, style, out)?;
    caught(proofs, style, out)?;
    wrong(proofs, style, out)?;
    Ok(())
}

fn head(style: Style, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let title = format!("{title:<58}");
    writeln!(out, "\n{} planted detected attributed  false", style.paint(Paint::Strong, title))
}

fn counts(tally: Tally, style: Style) -> String {
    let Tally { planted, detected, attributed, falsely } = tally;
    let text = format!("{planted:>7} {detected:>8} {attributed:>10} {falsely:>6}");
    let paint = match tally {
        Tally { planted: 0, .. } => Paint::Warning,
        tally if tally.is_good() => Paint::Good,
        _ => Paint::Bad,
    };
    style.paint(paint, text).to_string()
}

fn by_rule(proofs: &Proofs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    head(style, "by rule", out)?;
    for row in proofs.by_rule() {
        let sentence = rule_of(row.rule).map_or("", |rule| rule.sentence);
        let label = fit(&format!("{:<18} {sentence}", row.rule), 58);
        writeln!(out, "{label} {}", counts(row.tally, style))?;
    }
    Ok(())
}

fn by_row(proofs: &Proofs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    head(style, "by patch of the series", out)?;
    let tried = ROWS.iter().filter(|row| proofs.whole || proofs.of_row(row.number).planted > 0);
    for row in tried {
        let label = fit(&format!("{:02} {}", row.number, row.patch), 58);
        let tally = proofs.of_row(row.number);
        match proofs.explanation(row.number).filter(|_| tally.planted == 0) {
            Some(reason) => {
                writeln!(out, "{label} {}", style.paint(Paint::Faint, format!("not shown: {reason}")))?;
            }
            None => writeln!(out, "{label} {}", counts(tally, style))?,
        }
    }
    if proofs.whole {
        writeln!(out, "{} of {} patches are shown, or explained", proofs.rows_settled(), ROWS.len())?;
    }
    Ok(())
}

/// One line a fault that was caught: what was seen, and to what it was laid.
fn caught(proofs: &Proofs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let good: Vec<&Proof> =
        proofs.proofs.iter().filter(|proof| proof.judgement == Judgement::Attributed).collect();
    if good.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(Paint::Strong, "caught"))?;
    for proof in good {
        let kind = proof.seen.as_ref().map_or("", |seen| seen.kind.as_str());
        let laid = laid_to(proof).unwrap_or_default();
        writeln!(out, "  {:<26} {kind:<15} {}", fit(&proof.name, 26).trim_end(), line(&laid))?;
    }
    Ok(())
}

fn wrong(proofs: &Proofs, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let bad = proofs.proofs.iter().filter(|proof| proof.judgement != Judgement::Attributed);
    for (n, proof) in bad.enumerate() {
        if n == 0 {
            writeln!(out, "\n{}", style.paint(Paint::Bad, "not caught"))?;
        }
        writeln!(out, "  {:<14} {}: {}", proof.judgement.word(), proof.name, line(&proof.why))?;
        writeln!(out, "  {:<14} planted: {}", "", line(proof.subject.what()))?;
        writeln!(out, "  {:<14} expected: {}, by {}", "", wanted(proof), proof.case)?;
        if let Some(seen) = &proof.seen {
            writeln!(out, "  {:<14} seen: {}, {} ({})", "", seen.kind, line(&seen.title), seen.file)?;
        }
    }
    for (n, control) in proofs.controls.iter().filter(|control| !control.silent).enumerate() {
        if n == 0 {
            writeln!(out, "\n{}", style.paint(Paint::Bad, "controls that were not silent"))?;
        }
        writeln!(out, "  {} ({}): {}", control.case, control.kernel, line(&control.why))?;
        if !control.knobs.is_empty() {
            writeln!(out, "  {:<14} with the lawful variants of {}", "", control.knobs.join(", "))?;
        }
    }
    Ok(())
}

/// The text in exactly this many columns.
fn fit(text: &str, columns: usize) -> String {
    match text.chars().count() > columns {
        true => text.chars().take(columns - 1).chain(['…']).collect(),
        false => format!("{text:<columns$}"),
    }
}
