//! Damaged pools: whatever the bytes are, the reader ends, does not panic, and says what is missing.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::reading::read_all;
use fencelab_trace::{Error, Lost, Session};
use proptest::prelude::*;

fn lineage() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lineage/pool")).unwrap()
}

/// Calls of the undamaged session.
const CALLS: usize = 60;

#[test]
fn the_undamaged_session_is_read_whole() {
    assert_eq!(read_all(lineage()), Some(CALLS));
}

#[test]
fn a_file_cut_short_anywhere_is_read_as_far_as_it_goes() {
    let whole = lineage();
    for len in (0..whole.len()).step_by(997) {
        let cut = whole[..len].to_vec();
        match read_all(cut.clone()) {
            None => assert!(len < 4096, "{len}"),
            Some(calls) => {
                let session = Session::from_pool(cut).unwrap();
                let lost =
                    session.losses().iter().any(|loss| matches!(loss.what, Lost::Cut | Lost::Unreadable));
                assert!(
                    calls == CALLS || lost,
                    "{calls} calls of {len} bytes, and nothing is said to be missing"
                );
            }
        }
    }
}

#[test]
fn foreign_and_newer_files_are_refused_by_name() {
    let mut newer = lineage();
    newer[8] = 9;
    let error = |bytes| Session::from_pool(bytes).err().unwrap();
    assert_eq!(
        error(newer).to_string(),
        "read the trace's header: the trace has format 9.0, this reader knows 1.x"
    );
    assert!(matches!(error(vec![0; 9000]), Error::Format(_)));
    assert!(matches!(error(Vec::new()), Error::Format(_)));
}

#[test]
fn what_a_newer_minor_version_adds_is_shown_as_unknown() {
    let mut bytes = lineage();
    bytes[10] = 7;
    // The first record's kind.
    let first = (4096 + 64..bytes.len())
        .step_by(64)
        .find(|&at| bytes[at + 32] == 4 && bytes[at + 63] & 0x80 != 0)
        .unwrap();
    bytes[first + 32] = 200;
    let session = Session::from_pool(bytes).unwrap();
    assert!(fencelab_trace::view::summary(&session).contains("newer than this reader"));
    assert!(common::lines(&session).iter().any(|line| line.contains("unknown kind 200 of record")));
}

#[test]
fn a_commit_word_that_is_gone_is_a_hole() {
    let mut bytes = lineage();
    let records: Vec<usize> = (4096 + 64..bytes.len())
        .step_by(64)
        .filter(|&at| bytes[at + 32] == 1 && bytes[at + 63] & 0x80 != 0)
        .collect();
    bytes[records[3] + 63] = 0;
    let session = Session::from_pool(bytes).unwrap();
    assert_eq!(session.len(), CALLS - 1);
    assert!(session.losses().iter().any(|loss| loss.what == Lost::Hole), "{:?}", session.losses());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn bytes_changed_anywhere(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200)) {
        let mut bytes = lineage();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_all(bytes);
    }

    #[test]
    fn headers_changed_anywhere(changes in prop::collection::vec((0usize..64 * 6, any::<u8>()), 1..12)) {
        let mut bytes = lineage();
        for (at, value) in changes {
            // The pool's header, or that of a chunk.
            let (which, within) = (at / 64, at % 64);
            let start = if which == 0 { 0 } else { 4096 + (which - 1) * 8192 };
            bytes[start + within] = value;
        }
        read_all(bytes);
    }

    #[test]
    fn records_with_any_numbers(changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..60, any::<u8>()), 1..100)) {
        let mut bytes = lineage();
        let slots = (bytes.len() - 4096) / 64;
        for (slot, within, value) in changes {
            // Commit words stay, so that what is changed is read.
            let at = 4096 + slot.index(slots) * 64 + within;
            bytes[at] = value;
        }
        read_all(bytes);
    }

    #[test]
    fn chunks_that_are_any_others(order in prop::collection::vec(0usize..5, 5)) {
        let whole = lineage();
        let mut bytes = whole[..4096].to_vec();
        for index in order {
            bytes.extend_from_slice(&whole[4096 + index * 8192..][..8192]);
        }
        read_all(bytes);
    }
}
