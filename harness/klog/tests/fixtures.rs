//! The structure of every report that our own guests printed. `tests/fixtures/README.md` tells how each log was made.

mod common;

use std::fmt::Write;

use common::{fixtures, reports};
use fencelab_klog::group::Groups;
use fencelab_klog::lockdep::graph::LockGraph;
use fencelab_klog::{Report, Text};

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
fn a_report_as_text() {
    let log = fixtures().into_iter().find(|(name, _)| name == "reclaim").unwrap().1;
    insta::assert_snapshot!("text", Text(&reports(&log)[0]).to_string());
}

#[test]
fn a_cycle_as_a_picture() {
    let log = fixtures().into_iter().find(|(name, _)| name == "console").unwrap().1;
    let graph = LockGraph::of_report(&reports(&log)[0]);
    assert_eq!(graph.len(), 4);
    assert!(graph.dot().contains("\"dma_fence_map\" -> \"console_lock\" [color=red"), "{}", graph.dot());
}

#[test]
fn logs_fold_into_distinct_bugs() {
    let mut groups = Groups::default();
    for (name, log) in fixtures() {
        reports(&log).iter().for_each(|report| groups.add(&name, report));
    }
    let bugs = groups.into_bugs();
    let of = |signature: &str| bugs.iter().find(|bug| bug.signature == signature).unwrap();
    let both = of("k3:circular:lock_a > lock_b");
    assert_eq!(
        (both.count, &both.sources[..]),
        (2, &["circular".to_owned(), "circular-reverse".to_owned()][..])
    );
    assert_ne!(both.first.source, both.last.source);
    assert_eq!(
        of("k3:circular:dma_fence_map > fs_reclaim > mmu_notifier_invalidate_range_start").rules,
        ["SIG-RECLAIM"]
    );
    assert!(bugs.is_sorted_by_key(|bug| std::cmp::Reverse(bug.count)));
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

#[test]
fn a_chain_whose_top_is_lost_is_no_whole_cycle() {
    let log = fixtures().into_iter().find(|(known, _)| known == "reclaim").unwrap().1;
    let text = String::from_utf8(log).unwrap();
    let whole = &reports(text.as_bytes())[0];
    let top = whole.details.links.len() - 1;
    let (from, to) =
        (text.find(&format!("-> #{top} ")).unwrap(), text.find(&format!("-> #{} ", top - 1)).unwrap());
    let line = |at: usize| text[..at].rfind('\n').unwrap() + 1;
    let cut = &reports(format!("{}{}", &text[..line(from)], &text[line(to)..]).as_bytes())[0];
    assert_eq!(cut.missing, [fencelab_klog::Section::Chain]);
    assert_eq!(
        (cut.details.links.len(), cut.signature.as_str()),
        (top, "k3:circular:fs_reclaim > ... > dma_fence_map")
    );
}
