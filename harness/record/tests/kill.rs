//! SIGKILL at any moment: no record torn, none lost that was committed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use common::{programs, threads};
use fencelab_record::{Faults, Geometry, Session};

/// Kills per session, so that a session's file stays small.
const KILLS: u32 = 50;
const SESSIONS: u32 = 20;
const RECORDS_PER_CHUNK: u64 = 128;

/// Runs the program that marks 1, 2, 3 ... for a while, kills it, and gives the last mark that had returned.
fn run_and_kill(session: &Session, counter: &std::path::Path, nth: u32) -> (u32, u32) {
    std::fs::write(counter, [0; 4096]).unwrap();
    let mut run = Command::new(programs().path("matrix"));
    run.arg("forever").arg(counter).stdout(Stdio::null());
    run.env("LD_PRELOAD", session.shim()).env("FENCELAB_SESSION", session.folder());
    let mut child = run.spawn().unwrap();
    // Different moments, from within the program's start on.
    std::thread::sleep(Duration::from_micros(500 + u64::from(nth * 7919 % 6000)));
    child.kill().unwrap();
    child.wait().unwrap();
    let count = std::fs::read(counter).unwrap();
    (child.id(), u32::from_le_bytes(count[..4].try_into().unwrap()))
}

fn kill_in_one_session(first: u32) {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry { bytes: 32 << 20, thread_bytes: 128 << 10, ..Geometry::default() };
    let session = Session::create(folder.path(), geometry, Faults::default()).unwrap();
    let counter = folder.path().join("counter");
    let killed: Vec<(u32, u32)> =
        (first..first + KILLS).map(|nth| run_and_kill(&session, &counter, nth)).collect();
    let threads = threads(session.folder());
    for (pid, returned) in killed {
        let Some(thread) = threads.iter().find(|thread| thread.pid == pid) else {
            assert_eq!(returned, 0, "process {pid} marked and left no trace");
            continue;
        };
        let marks: Vec<u32> = thread
            .events
            .iter()
            .filter(|event| event.kind() == fencelab_abi::Kind::Ioctl)
            .map(common::Event::first)
            .collect();
        let (first, last) = (marks[0], marks[marks.len() - 1]);
        assert_eq!(marks, (first..=last).collect::<Vec<_>>(), "a record is lost or torn");
        assert!(last >= returned, "{returned} had returned, {last} is the last record");
        // A thread that dies while it starts a chunk over has voided the chunk and not yet said so.
        let untold = u64::from(first) - 1 - thread.dropped;
        assert!(untold < RECORDS_PER_CHUNK, "{untold} records are gone uncounted");
    }
}

#[test]
fn a_kill_loses_no_committed_record() {
    (0..SESSIONS).for_each(|session| kill_in_one_session(session * KILLS));
}
