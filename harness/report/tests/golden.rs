//! The golden sessions, from the bytes of their journals to every report.
//!
//! `UPDATE_GOLDEN=1 cargo test -p fencelab-report` writes the journals again after the event types have changed.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use fencelab_events::{Session, journal};
use fencelab_report::expect::{Kind, List};
use fencelab_report::{Expectations, Input, Style, View, exit, summary};

use common::render;
use common::sessions::{ALL, TORN};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.jsonl"))
}

fn made(name: &str) -> (Vec<u8>, BTreeMap<String, String>) {
    let (_, make) = ALL.into_iter().find(|golden| golden.0 == name).expect("a golden session");
    let journal = make();
    let mut bytes = journal.bytes();
    if name == "killed" {
        bytes.extend_from_slice(TORN);
    }
    (bytes, journal.splats)
}

/// The session that the file holds, and its splats.
fn golden(name: &str) -> (Session, BTreeMap<String, String>) {
    let bytes = std::fs::read(path(name)).expect("read the golden journal");
    let journal = journal::read(bytes.as_slice()).expect("a valid journal");
    assert_eq!(journal.torn, name == "killed");
    (Session::fold(&journal.entries), made(name).1)
}

#[test]
fn the_journals_are_those_of_these_event_types() {
    for (name, _) in ALL {
        let (bytes, _) = made(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path(name), &bytes).expect("write the golden journal");
        }
        let found = std::fs::read(path(name)).expect("read the golden journal");
        assert!(
            found == bytes,
            "{name}.jsonl is not what the event types write: UPDATE_GOLDEN=1 writes it again"
        );
    }
}

#[test]
fn summaries() {
    for (name, _) in ALL {
        let (session, splats) = golden(name);
        let text = render("summary", &session, &splats, &Expectations::default());
        insta::assert_snapshot!(format!("summary-{name}"), text);
    }
}

#[test]
fn junit() {
    for (name, _) in ALL {
        let (session, splats) = golden(name);
        let text = render("junit", &session, &splats, &Expectations::default());
        insta::assert_snapshot!(format!("junit-{name}"), text.replace("><", ">\n<"));
    }
}

#[test]
fn csv() {
    for (name, _) in ALL {
        let (session, splats) = golden(name);
        insta::assert_snapshot!(
            format!("csv-{name}"),
            render("csv", &session, &splats, &Expectations::default())
        );
    }
}

fn lists(fails: &str) -> Expectations {
    let mut lists = Expectations::default();
    lists.add(List::parse("vm-fails.txt", Kind::Fails, fails).expect("a list"));
    lists
}

fn code(session: &Session, lists: &Expectations) -> u8 {
    let splats = BTreeMap::new();
    let view = View::of(&Input { session, expectations: lists, splats: &splats, dir: "" });
    exit::of(&view).code()
}

#[test]
fn exit_codes() {
    let codes = ALL.map(|(name, _)| (name, code(&golden(name).0, &Expectations::default())));
    let expected = [("clean", 0), ("every-verdict", 1), ("killed", 3), ("annotated", 1), ("hostile", 1)];
    assert_eq!(codes, expected);
}

#[test]
fn lists_excuse_and_improve() {
    let (clean, _) = golden("clean");
    assert_eq!(code(&clean, &lists("syncobj/wait@virtio-gpu,Fail")), 2);
    let (annotated, splats) = golden("annotated");
    let known = lists("atomic/flip@.*");
    assert_eq!(code(&annotated, &known), 2, "vkms is on the list too, and passed");
    insta::assert_snapshot!("summary-annotated-known", render("summary", &annotated, &splats, &known));
    insta::assert_snapshot!("csv-annotated-known", render("csv", &annotated, &splats, &known));
    let xml = render("junit", &annotated, &splats, &known);
    assert_eq!(xml.matches("<skipped type=\"expected fail\"").count(), 3);
    assert_eq!(xml.matches("<failure type=\"improvement\"").count(), 1);
}

/// A session is reported while it grows: every prefix of its journal must do.
#[test]
fn every_prefix_is_reported() {
    for (name, make) in ALL {
        let journal = make();
        for length in 1..=journal.entries.len() {
            let session = Session::fold(&journal.entries[..length]);
            for format in fencelab_report::FORMATS {
                let text = render(format.name, &session, &journal.splats, &Expectations::default());
                assert_eq!(
                    text.is_empty(),
                    format.name == "csv" && length == 1,
                    "{name}, {length}, {}",
                    format.name
                );
            }
        }
    }
}

#[test]
fn colours_are_asked_for() {
    let (session, splats) = golden("every-verdict");
    let lists = Expectations::default();
    let view = View::of(&Input { session: &session, expectations: &lists, splats: &splats, dir: "" });
    let mut out = Vec::new();
    summary::write(&view, Style { colour: true, width: 80 }, &mut out).expect("write to memory");
    let colourful = String::from_utf8(out).expect("UTF-8");
    assert!(colourful.contains("\x1b[1;31m"));
    assert!(!render("summary", &session, &splats, &lists).contains('\x1b'));
}
