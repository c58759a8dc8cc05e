//! Crash dumps that pstore kept in parts, the newest first (`pstore_dump`, fs/pstore/platform.c).

mod common;

use common::{fixtures, reports, structure};
use fencelab_klog::{Event, Loss, Options, Section, parse_log};

/// A guest's oops.
fn oops() -> Vec<u8> {
    let oops = fixtures().into_iter().find(|(name, _)| name == "oops");
    oops.map(|(_, log)| log).expect("the fixture is there")
}

/// The same, cut into parts of so many lines, each with its header; the newest is part 1.
fn parts(lines_each: usize) -> Vec<String> {
    let text = String::from_utf8(oops()).expect("the fixture is text");
    let lines: Vec<&str> = text.lines().collect();
    let chunks: Vec<&[&str]> = lines.chunks(lines_each).collect();
    let count = chunks.len();
    let part = |(at, chunk): (usize, &&[&str])| format!("Oops#1 Part{}\n{}\n", count - at, chunk.join("\n"));
    chunks.iter().enumerate().map(part).rev().collect()
}

fn whole() -> String {
    format!("{:?}", structure(&reports(&oops())[0]))
}

#[test]
fn parts_in_any_order_are_one_log() {
    for lines_each in [5, 13, 40] {
        let mut parts = parts(lines_each);
        for _ in 0..parts.len() {
            let found = reports(parts.concat().as_bytes());
            assert_eq!(found.len(), 1, "{found:#?}");
            assert_eq!((format!("{:?}", structure(&found[0])), found[0].complete), (whole(), true));
            parts.rotate_left(1);
        }
    }
}

#[test]
fn a_missing_part_is_a_loss_and_the_report_lacks_messages() {
    let mut parts = parts(12);
    assert!(parts.len() > 3);
    let middle = parts.len() / 2;
    parts.remove(middle);
    let events = parse_log(parts.concat().as_bytes(), Options::default());
    assert!(events.iter().any(|event| matches!(event, Event::Loss(Loss::MissingPart { line }) if *line > 0)));
    let report = events.into_iter().find_map(Event::into_report).unwrap();
    assert!(!report.complete && report.missing.contains(&Section::Messages), "{:?}", report.missing);
}
