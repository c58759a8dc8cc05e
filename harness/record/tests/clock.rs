//! Times of a real session against the clock that they stand for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use common::programs;
use fencelab_record::{Geometry, Options, record};
use fencelab_trace::Session;

/// How far a mapped time may be off, in nanoseconds.
const EXACT: u64 = 1_000;

#[test]
fn times_are_within_a_microsecond_of_clock_monotonic() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    let mut options = Options::new(folder.path().join("session"));
    options.geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
    record(options, &[programs().path("clock").into(), notes.clone().into()]).unwrap();
    let session = Session::open(&folder.path().join("session")).unwrap();
    let text = std::fs::read_to_string(notes).unwrap();
    let mut reader = session.reader();
    let mut compared = 0;
    let ids: Vec<_> = session.calls().collect();
    for (id, line) in ids.into_iter().zip(text.lines()) {
        let call = reader.read(&session, id).unwrap().unwrap();
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let [_, before, after] = numbers[..] else { panic!("{line}") };
        let (enter, exit) = (session.clock().ns(call.enter), session.clock().ns(call.exit.unwrap()));
        assert!(before <= enter + EXACT && exit <= after + EXACT, "{before} {enter} {exit} {after}");
        assert!(session.clock().error_ns(call.enter).is_none_or(|error| error < EXACT));
        compared += 1;
    }
    assert_eq!(compared, 250);
}
