//! Full traces, faults on request, and pools that were there before.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use common::{programs, threads};
use fencelab_abi::{Kind, Mode, flags};
use fencelab_record::{Faults, Geometry, Options, Outcome, Session, record};

const MARKS: u32 = 3000;

fn record_marks(folder: &Path, geometry: Geometry, faults: Faults) -> Outcome {
    let mut options = Options::new(folder);
    (options.geometry, options.faults) = (geometry, faults);
    let command: [OsString; 3] = [programs().path("matrix").into(), "count".into(), MARKS.to_string().into()];
    record(options, &command).unwrap()
}

fn small(mode: Mode) -> Geometry {
    Geometry { bytes: 12 * 8192, mode, thread_bytes: 4 * 8192 }
}

#[test]
fn a_flight_recorder_keeps_the_newest_and_counts_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = record_marks(folder.path(), small(Mode::Flight), Faults::default());
    let threads = threads(folder.path());
    let marks: Vec<u32> = threads[0]
        .events
        .iter()
        .filter(|event| event.kind() == Kind::Ioctl)
        .map(common::Event::first)
        .collect();
    assert_eq!(*marks.last().unwrap(), MARKS);
    assert_eq!(marks[0], threads[0].dropped as u32 + 1);
    assert_eq!(outcome.status.dropped, threads[0].dropped);
    assert_eq!(outcome.status.events, u64::from(MARKS));
    let told = threads[0].events.iter().filter(|event| event.kind() == Kind::Dropped).count();
    assert!(told >= 3, "{told} chunks tell of what was there before");
}

#[test]
fn a_full_trace_keeps_the_oldest_and_counts_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = record_marks(folder.path(), small(Mode::Stop), Faults::default());
    let threads = threads(folder.path());
    let marks: Vec<u32> = threads[0].events.iter().map(common::Event::first).collect();
    assert_eq!(marks, (1..=marks.len() as u32).collect::<Vec<_>>());
    assert_eq!(threads[0].dropped, u64::from(MARKS) - marks.len() as u64);
    assert_eq!(outcome.status.dropped, threads[0].dropped);
}

#[test]
fn faults_hit_the_same_calls_for_the_same_seed() {
    let hit = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults { seed, delay_ppm: 100_000, delay_ns: 1, ..Faults::default() };
        record_marks(folder.path(), Geometry { bytes: 4 << 20, ..Geometry::default() }, faults);
        let events = threads(folder.path()).remove(0).events;
        let delayed = events.iter().filter(|event| event.slot.flags & flags::DELAYED != 0);
        delayed.map(common::Event::first).collect::<Vec<_>>()
    };
    let first = hit(7);
    assert!((200..400).contains(&first.len()), "{} of {MARKS} at one in ten", first.len());
    assert_eq!(hit(7), first);
    assert_ne!(hit(8), first);
}

/// A file in place of a device's memory, with what an earlier session left in it.
#[test]
fn a_pool_that_is_there_already_is_taken_over_with_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("device");
    std::fs::write(&device, vec![0xa5; 64 * 8192]).unwrap();
    let session_folder = folder.path().join("session");
    let mut session =
        Session::adopt(&session_folder, &device, Geometry::default(), Faults::default()).unwrap();
    let mut command = Command::new(programs().path("matrix"));
    let environment = session.environment(&["A=b".into()]);
    for entry in &environment {
        let (name, value) = entry.to_str().unwrap().split_once('=').unwrap();
        command.env(name, value);
    }
    assert!(command.args(["count", "5"]).status().unwrap().success());
    session.tend().unwrap();
    let threads = threads(&session_folder);
    let marks: Vec<u32> = threads[0].events.iter().map(common::Event::first).collect();
    assert_eq!(marks, [1, 2, 3, 4, 5]);
    let again = Session::adopt(&session_folder, &device, Geometry::default(), Faults::default()).err();
    assert!(matches!(again, Some(fencelab_record::Error::Exists(_))), "{again:?}");
    std::fs::write(&device, [0; 8192]).unwrap();
    let small = Session::adopt(&folder.path().join("x"), &device, Geometry::default(), Faults::default());
    let told = small.err().unwrap().to_string();
    assert!(told.ends_with("device has 8192 bytes, too few for a trace"), "{told}");
}

#[test]
fn what_was_preloaded_already_stays() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::create(folder.path(), small(Mode::Flight), Faults::default()).unwrap();
    let environment = session.environment(&["LD_PRELOAD=/lib/other.so".into(), "LD_PRELOADED=x".into()]);
    let shim = session.shim().display();
    let session = folder.path().canonicalize().unwrap();
    let expected = [
        "LD_PRELOADED=x".to_owned(),
        format!("LD_PRELOAD={shim}:/lib/other.so"),
        format!("FENCELAB_SESSION={}", session.display()),
    ];
    assert_eq!(environment, expected.map(OsString::from));
}
