//! Small C programs that live in every way a process can, each with the trace that it must leave.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;
use std::path::Path;

use common::{lines, programs};
use fencelab_record::{Entry, Exit, Geometry, Options, Outcome, Reason, record};

fn options(folder: &Path) -> Options {
    let mut options = Options::new(folder);
    options.geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
    options
}

fn run_as(entry: Entry, program: &str, way: &str) -> (Outcome, Vec<String>) {
    run_with(entry, [program, "plugin.so"], way)
}

fn run_with(entry: Entry, [program, plugin]: [&str; 2], way: &str) -> (Outcome, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let command: [OsString; 3] =
        [programs().path(program).into(), way.into(), programs().path(plugin).into()];
    let outcome = record(Options { entry, ..options(folder.path()) }, &command).unwrap();
    let lines = lines(folder.path());
    (outcome, lines)
}

/// Runs a way of life that ends well and is seen whole.
#[track_caller]
fn check(entry: Entry, way: &str, expected: &[&str]) {
    let (outcome, lines) = run_as(entry, "matrix", way);
    assert_eq!(lines, expected, "{way}");
    assert_eq!(outcome.exit, Exit::Code(0), "{way}");
    assert!(outcome.loaded, "{way}");
    assert_eq!(outcome.unseen, [], "{way}");
}

macro_rules! ways {
    ($($test:ident: $way:literal $expected:expr;)*) => { $(
        #[test]
        fn $test() {
            check(Entry::Preload, $way, &$expected);
        }
    )* };
}

ways! {
    fork: "fork" ["fork: 2", "preload: 1 fork 3"];
    fork_without_handlers: "_Fork" ["fork: 2", "preload: 1 fork 3"];
    fork_in_a_signal_handler: "signal-fork" ["fork: 2", "preload: 1 fork 3"];
    clone: "clone" ["fork: 2", "preload: 1 fork 3"];
    clone_by_number: "raw-clone" ["fork: 2", "preload: 1 3"];
    clone_with_shared_memory: "clone-vm" ["borrowed: 2 exit", "preload: 1 vfork 3"];
    vfork: "vfork" ["borrowed: 2 exit", "preload: 1 vfork 3"];
    vfork_and_exec: "vfork-exec" ["borrowed: exec", "preload: 1 vfork 3", "preload: 10"];
    posix_spawn: "spawn" ["preload: 1 spawn 3", "preload: 10"];
    exec: "execv" ["preload: 1 exec", "preload: 10"];
    exec_with_a_list: "exec" ["preload: 1 exec", "preload: 10"];
    longjmp: "longjmp" ["preload: 1 2 3"];
    dlopen: "dlopen" ["preload: 1 2 3"];
    syscall_by_number: "by-number" ["preload: 1 2 3"];
    rights: "rights" ["fork: receive-fds 2", "preload: 1 socketpair fork send-fds 3"];
    close_all: "close-all" ["preload: 1 2"];
    seccomp: "seccomp" ["fork: 3", "preload: 1 confined 2 ioctl-enter ioctl-exit fork"];
    cancelled_thread: "cancel" ["preload: 1 2 3"];
    exit_at_once: "_exit" ["preload: 1"];
    numbers_that_are_used_again: "reused" ["preload: 1 socketpair dup close 3"];
}

#[test]
fn an_auditor_sees_what_goes_around_a_preload() {
    for way in ["deepbind", "dlmopen", "dlsym"] {
        let (_, preload) = run_as(Entry::Preload, "matrix", way);
        assert_eq!(preload, ["preload: 1 3"], "{way}");
        check(Entry::Audit, way, &["audit: 1 2 3"]);
    }
}

/// No auditor is asked about a function that is bound by its address.
#[test]
fn an_auditor_sees_functions_taken_by_address() {
    for entry in [Entry::Preload, Entry::Audit] {
        for way in ["dlopen", "fork", "rights"] {
            let plt = run_with(entry, ["matrix", "plugin.so"], way).1;
            assert_eq!(run_with(entry, ["by-address", "by-address.so"], way).1, plt, "{entry:?} {way}");
            assert!(plt.len() > usize::from(way == "fork"), "{plt:?}");
        }
    }
    assert_eq!(run_with(Entry::Audit, ["by-address", "by-address.so"], "deepbind").1, ["audit: 1 2 3"]);
    assert_eq!(run_with(Entry::Audit, ["by-address", "by-address.so"], "dlmopen").1, ["audit: 1 2 3"]);
}

#[test]
fn an_auditor_sees_what_a_preload_sees() {
    check(Entry::Audit, "fork", &["audit: 1 fork 3", "fork: 2"]);
    check(Entry::Audit, "spawn", &["audit: 1 spawn 3", "audit: 10"]);
    check(Entry::Audit, "vfork", &["audit: 1 vfork 3", "borrowed: 2 exit"]);
    check(Entry::Audit, "dlopen", &["audit: 1 2 3"]);
    check(Entry::Audit, "by-number", &["audit: 1 2 3"]);
    check(Entry::Audit, "longjmp", &["audit: 1 2 3"]);
}

#[test]
fn every_thread_of_many_is_seen_once() {
    let (outcome, lines) = run_as(Entry::Preload, "matrix", "churn");
    assert_eq!(outcome.status.threads, 201);
    assert_eq!(outcome.status.dropped, 0);
    for mark in 100..300 {
        assert!(lines.contains(&format!("preload: {mark}")), "{mark}");
    }
}

#[test]
fn every_record_has_its_tasks_own_id() {
    for entry in [Entry::Preload, Entry::Audit] {
        let folder = tempfile::tempdir().unwrap();
        let command: [OsString; 2] = [programs().path("matrix").into(), "ids".into()];
        record(Options { entry, ..options(folder.path()) }, &command).unwrap();
        let threads = common::threads(folder.path());
        let events = threads.iter().flat_map(|thread| &thread.events);
        let marks: Vec<_> = events.filter(|event| event.kind() == fencelab_abi::Kind::Ioctl).collect();
        // The program's first mark is 1.
        let wrong = marks.iter().filter(|event| event.first() != event.slot.tid && event.first() != 1);
        assert_eq!(wrong.map(|event| (event.first(), event.slot.tid)).collect::<Vec<_>>(), [], "{entry:?}");
        assert_eq!(marks.len(), 9, "{entry:?}");
    }
}

#[test]
fn a_killed_program_keeps_what_it_wrote() {
    let (outcome, lines) = run_as(Entry::Preload, "matrix", "sigkill");
    assert_eq!(outcome.exit, Exit::Signal(9));
    assert_eq!(lines, ["preload: 1"]);
}

#[test]
fn calls_before_constructors_are_recorded() {
    let (_, lines) = run_as(Entry::Preload, "early", "nothing");
    assert_eq!(lines, ["preload: 9 1 3"]);
}

#[test]
fn a_static_program_is_reported_as_unseen() {
    let (outcome, lines) = run_as(Entry::Preload, "static", "nothing");
    assert_eq!(lines, [""; 0]);
    assert!(!outcome.loaded);
    assert_eq!(outcome.unseen.iter().map(|unseen| unseen.reason).collect::<Vec<_>>(), [Reason::Static]);
}

#[test]
fn a_child_without_the_environment_is_reported_as_unseen() {
    let (outcome, lines) = run_as(Entry::Preload, "matrix", "spawn-bare");
    assert_eq!(lines, ["preload: 1 spawn 3"]);
    assert_eq!(outcome.unseen.iter().map(|unseen| unseen.reason).collect::<Vec<_>>(), [Reason::Environment]);
}

#[test]
fn calls_that_skip_libc_are_not_seen() {
    check(Entry::Preload, "by-instruction", &["preload: 1 3"]);
}

#[test]
fn confined_programs_are_recorded_on() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can chroot and change users");
        return;
    }
    check(Entry::Preload, "chroot", &["preload: 1 confined 2 3"]);
    check(Entry::Preload, "nobody", &["preload: 1 confined 2 3"]);
}

#[test]
fn a_daemon_is_recorded_after_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let command: [OsString; 2] = [programs().path("matrix").into(), "daemon".into()];
    record(options(folder.path()), &command).unwrap();
    let expected = ["fork: 2 3", "preload: 1"];
    for _ in 0..200 {
        if lines(folder.path()) == expected {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{:?}", lines(folder.path()));
}

#[test]
fn mistakes_look_the_same_as_without_the_recorder() {
    let program = programs().path("matrix");
    let bare = std::process::Command::new(&program).arg("garbage").output().unwrap();
    for entry in ["LD_PRELOAD", "LD_AUDIT"] {
        let folder = tempfile::tempdir().unwrap();
        let geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
        let session = fencelab_record::Session::create(folder.path(), geometry, Default::default()).unwrap();
        let mut recorded = std::process::Command::new(&program);
        recorded.arg("garbage").env(entry, session.shim()).env("FENCELAB_SESSION", session.folder());
        let recorded = recorded.output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&recorded.stdout),
            String::from_utf8_lossy(&bare.stdout),
            "{entry}"
        );
        assert_eq!(recorded.status, bare.status, "{entry}");
        assert!(!lines(folder.path()).is_empty(), "{entry}");
    }
}

#[test]
fn a_trace_that_does_not_fit_is_refused_before_the_command_runs() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("ran");
    let mut options = Options::new(folder.path().join("session"));
    options.geometry.bytes = 1 << 45;
    let command = ["touch".into(), marker.clone().into_os_string()];
    let error = record(options, &command).unwrap_err();
    assert!(matches!(error, fencelab_record::Error::Room { .. }), "{error}");
    assert!(!marker.exists());
}
