//! Hangs on purpose, in a guest: each ends by itself, leaves a machine that works, and says as data what an analysis must find.

#[path = "common/journal.rs"]
mod journal;

use std::process::{Command, Stdio};

use fencelab_events::Verdict;
use fencelab_suites::hang::{Expect, Verdict as Found};

/// One of each sort, with what analysis must come to and how many are stuck.
const HANGS: [(&str, Found, usize); 5] = [
    ("hang/pile-up@vkms", Found::Pending, 3),
    ("hang/rmfb@vkms", Found::Pending, 2),
    ("hang/cycle-explicit@vkms+cirrus", Found::Cycle, 3),
    ("hang/dead-owner@vkms", Found::Orphan, 1),
    ("hang/never-submitted@virtio-gpu", Found::NeverSubmitted, 1),
];

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn hangs_end_and_say_who_was_stuck() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("session");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.arg("run").args(HANGS.map(|(id, _, _)| id)).arg("-o").arg(&folder).stdin(Stdio::null());
    let output = command.output().expect("run fencelab");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let session = journal::session(&folder);
    assert_eq!(session.boots.len(), 1, "a hang cost its boot");
    for (id, verdict, stuck) in HANGS {
        let record = session.case(id).unwrap_or_else(|| panic!("{id} is not there"));
        assert_eq!(Verdict::of(&session, record), Verdict::Pass, "{id}");
        let notes = &record.finished().expect("its end").notes;
        let expect = notes.iter().find_map(|note| Expect::of_note(note)).expect("an expectation");
        let expect = expect.expect("JSON");
        assert_eq!((expect.verdict, expect.stuck.len()), (verdict, stuck), "{id}: {expect:?}");
    }
}
