//! The structure of every report that our own guests printed. `tests/fixtures/README.md` tells how each log was made.

mod common;

use std::fmt::Write;

use common::{fixtures, reports};
use fencelab_klog::Report;

/// What a person would check in a report.
fn summary(report: &Report) -> String {
    let mut out = format!("{}: {}\n  {}\n", report.kind, report.title, report.signature);
    let names = |classes: &[fencelab_klog::LockClass]| {
        classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(out, "  missing: {:?}", report.missing);
    let _ = writeln!(
        out,
        "  task: {:?}, cpu {:?}, caller {:?}",
        report.task.as_ref().map(ToString::to_string),
        report.cpu,
        report.caller.map(|c| c.to_string())
    );
    let _ = writeln!(out, "  chain: {}", names(&report.chain));
    let _ = writeln!(out, "  acquiring: {:?}", report.acquiring.as_ref().map(ToString::to_string));
    let _ = writeln!(out, "  held: {}", names(&report.held));
    let _ = writeln!(
        out,
        "  place: {:?}, {} frames, blame {:?}",
        report.place,
        report.frames.len(),
        report.blame.as_ref().map(ToString::to_string)
    );
    let _ = writeln!(out, "  annotation: {:?}", report.annotation.map(|annotation| annotation.patch));
    for rule in &report.rules {
        let edge = rule.edge.as_ref().map(|edge| format!("{} --> {}", edge.from, edge.to));
        let _ = writeln!(
            out,
            "  {} ({}): {}",
            rule.id,
            edge.or(rule.line.clone()).unwrap_or_default(),
            rule.sentence
        );
    }
    out
}

#[test]
fn reports_of_our_guests() {
    for (name, log) in fixtures() {
        let summaries: Vec<String> = reports(&log).iter().map(summary).collect();
        insta::assert_snapshot!(name, summaries.join("\n"));
    }
}

#[test]
fn a_cycle_has_one_signature_whichever_edge_closes_it() {
    let of = |name: &str| {
        let log = fixtures().into_iter().find(|(known, _)| known == name).unwrap().1;
        reports(&log)[0].clone()
    };
    let (forth, back) = (of("circular"), of("circular-reverse"));
    assert_eq!(forth.signature, back.signature);
    assert_ne!(forth.chain, back.chain);
}
