//! What programs do that a recorder must be told of to survive it: each with the trace that it must leave.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::process::{Command, Output};

use common::{lines, programs, threads};
use fencelab_abi::Mode;
use fencelab_record::{Faults, Geometry, Session};

const ENTRIES: [(&str, &str); 2] = [("LD_PRELOAD", "preload"), ("LD_AUDIT", "audit")];

fn session(bytes: u64, mode: Mode) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry { bytes, mode, thread_bytes: 64 << 10 };
    let session = Session::create(folder.path(), geometry, Faults::default()).unwrap();
    (folder, session)
}

fn run(session: &Session, variable: &str, program: &str, arguments: &[&str]) -> Output {
    let mut run = Command::new(programs().path(program));
    run.args(arguments).env(variable, session.shim()).env("FENCELAB_SESSION", session.folder());
    run.output().unwrap()
}

/// Runs a program both ways in. It ends as without the recorder, says the same, and leaves that trace.
#[track_caller]
fn check(program: &str, arguments: &[&str], expected: &[&str]) {
    check_by(&ENTRIES, program, arguments, expected);
}

#[track_caller]
fn check_by(entries: &[(&str, &str)], program: &str, arguments: &[&str], expected: &[&str]) {
    let bare = Command::new(programs().path(program)).args(arguments).output().unwrap();
    for &(variable, entry) in entries {
        let (folder, session) = session(4 << 20, Mode::Stop);
        let recorded = run(&session, variable, program, arguments);
        assert_eq!(recorded.status, bare.status, "{variable} {arguments:?}");
        assert_eq!(text(&recorded), text(&bare), "{variable} {arguments:?}");
        let mut lines: Vec<String> =
            lines(folder.path()).iter().map(|line| line.replacen(entry, "entered", 1)).collect();
        lines.sort();
        assert_eq!(lines, expected, "{variable} {arguments:?}");
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An auditor stands behind libduring.so, whose ioctl is none of libc's.
const PRELOAD: &[(&str, &str)] = &[ENTRIES[0]];

#[test]
fn a_fork_during_a_call_leaves_each_process_its_own_record() {
    check_by(PRELOAD, "handlers", &["fork"], &["entered: 1 fork 2 3", "fork: 7 8"]);
    let expected = ["entered: 1 ioctl-enter fork ioctl-exit 3", "fork: ioctl-exit 8"];
    check_by(PRELOAD, "handlers", &["fork-in-wait"], &expected);
}

#[test]
fn a_child_handler_of_atfork_belongs_to_the_child() {
    check_by(PRELOAD, "handlers", &["atfork"], &["entered: 1 fork 3", "fork: 4 5"]);
}

#[test]
fn records_of_handlers_are_neither_lost_nor_miscounted() {
    const MARKS: &str = "60000";
    for (bytes, mode) in [(64 << 20, Mode::Stop), (1 << 20, Mode::Flight)] {
        let (folder, session) = session(bytes, mode);
        let made: u64 =
            text(&run(&session, "LD_PRELOAD", "handlers", &["alarms", MARKS])).trim().parse().unwrap();
        let threads = threads(folder.path());
        let written: u64 = threads.iter().map(|thread| thread.marks() + thread.dropped).sum();
        assert_eq!(written, made, "{mode:?}");
        assert_eq!(threads.len(), 1, "{mode:?}");
        let has_gap = threads[0].chunks.windows(2).any(|pair| pair[0] + 1 != pair[1]);
        assert!(!has_gap, "{mode:?}");
        assert_eq!(threads[0].dropped == 0, mode == Mode::Stop, "{mode:?}");
    }
}

#[test]
fn a_filter_that_came_over_an_exec_is_respected() {
    check("confined", &["exec"], &["entered: 1 confined exec", "entered: 10"]);
}

/// A fork that goes around libc is noticed by what a filter might forbid.
#[test]
fn a_filter_that_the_recorder_is_under_too_forbids_nothing() {
    for (filters, inside) in [(0, "preload: 10 11"), (1, "fork: 11")] {
        let (folder, session) = session(4 << 20, Mode::Stop);
        let pool = std::fs::OpenOptions::new().write(true).open(folder.path().join("pool")).unwrap();
        let at = std::mem::offset_of!(fencelab_abi::PoolHeader, filters) as u64;
        std::os::unix::fs::FileExt::write_all_at(&pool, &u32::to_le_bytes(filters), at).unwrap();
        assert!(run(&session, "LD_PRELOAD", "confined", &["exec-contained"]).status.success());
        assert!(lines(folder.path()).contains(&inside.to_owned()), "{filters}: {:?}", lines(folder.path()));
    }
}

#[test]
fn below_a_stack_that_is_no_threads_nobody_looks() {
    check("stacks", &["coroutine"], &["entered: ioctl ioctl-enter ioctl-exit 2"]);
    check("stacks", &["handler"], &["entered: ioctl ioctl-enter ioctl-exit 2"]);
    check("stacks", &["plain"], &["entered: 2"]);
    check("stacks", &["plain", "by libc"], &["entered: 2"]);
}

#[test]
fn without_leave_to_read_the_counter_another_clock_is_read() {
    check("confined", &["tsc"], &["entered: 1 2 3"]);
    let (folder, session) = session(4 << 20, Mode::Stop);
    run(&session, "LD_PRELOAD", "confined", &["tsc"]);
    let times: Vec<u64> = threads(folder.path())[0].events.iter().map(|event| event.slot.exit).collect();
    assert!(times.is_sorted(), "{times:?}");
    // Strict mode ends it at its next call.
    check("confined", &["strict"], &["entered: 1 confined"]);
}

#[test]
fn fds_are_seen_wherever_their_messages_lie() {
    check("messages", &["far"], &["entered: 1 socketpair send-fds receive-fds 3"]);
    check("messages", &["many"], &["entered: 1 socketpair send-fds receive-fds 3"]);
    check("messages", &["thread"], &["entered: 1 socketpair 3", "entered: send-fds receive-fds"]);
}

#[test]
fn calls_by_number_are_calls() {
    let expected = "entered: 1 socketpair dup close dup pidfd-open pidfd-getfd send-fds receive-fds 3";
    check("messages", &["number"], &[expected]);
}

#[test]
fn programs_are_started_in_many_ways() {
    let starts = "entered: 1 fork fork fork fork exec exec 3";
    let one = ["entered: 10"; 4];
    check("messages", &["starts"], &[[starts].as_slice(), &one, &["fork: exec"; 4]].concat());
}

#[test]
fn fences_are_waited_for_in_many_ways() {
    let wait = "poll-enter poll-exit";
    check_by(PRELOAD, "handlers", &["waits"], &[&format!("entered: 1 0 {wait} {wait} {wait} 3")]);
}

#[test]
fn who_borrows_memory_gives_it_back() {
    let expected = ["borrowed: 2 exit", "entered: 1 vfork confined 3"];
    check("messages", &["clone"], &expected);
    // Without the recorder these may find their stack spoilt.
    for way in ["vfork-by-number", "clone-by-number"] {
        let (folder, session) = session(4 << 20, Mode::Stop);
        assert!(run(&session, "LD_PRELOAD", "messages", &[way]).status.success(), "{way}");
        assert_eq!(lines(folder.path()), ["borrowed: 2 exit", "preload: 1 vfork confined 3"], "{way}");
    }
}

#[test]
fn an_auditor_sees_one_libc_after_the_other() {
    check_by(&ENTRIES[1..], "messages", &["libcs"], &["entered: 1 20 21 22 23 24 25 3"]);
}
