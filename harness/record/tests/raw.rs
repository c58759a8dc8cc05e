//! `--raw`: programs without a libc that could be hooked, and those that go around theirs, each with the trace that it must
//! leave.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{lines, programs};
use fencelab_record::{Entry, Exit, Geometry, Options, Outcome, Reason, record};

/// A recorder takes this process's other children for its command's: one test at a time has any.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records a command; its trace as lines.
fn run(command: &[OsString]) -> (Outcome, Vec<String>) {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
    options.entry = Entry::Raw;
    let outcome = record(options, command).unwrap();
    let lines = lines(folder.path());
    (outcome, lines)
}

fn run_way(program: &str, way: &str) -> (Outcome, Vec<String>) {
    run(&[programs().path(program).into(), way.into(), programs().path("plugin.so").into()])
}

/// Ways of life that end well and are seen whole, in a static and in a dynamic program.
#[track_caller]
fn check(way: &str, expected: &[&str]) {
    for program in ["static", "matrix"] {
        let (outcome, lines) = run_way(program, way);
        assert_eq!(lines, expected, "{way} in {program}");
        assert_eq!(outcome.exit, Exit::Code(0), "{way} in {program}");
        assert!(outcome.loaded, "{way} in {program}");
        assert_eq!(outcome.unseen, [], "{way} in {program}");
    }
}

macro_rules! ways {
    ($($test:ident: $way:literal $expected:expr;)*) => { $(
        #[test]
        fn $test() {
            check($way, &$expected);
        }
    )* };
}

ways! {
    fork: "fork" ["fork: 2", "trace: 1 fork 3"];
    fork_without_handlers: "_Fork" ["fork: 2", "trace: 1 fork 3"];
    fork_in_a_signal_handler: "signal-fork" ["fork: 2", "trace: 1 fork 3"];
    clone: "clone" ["fork: 2", "trace: 1 fork 3"];
    clone_by_number: "raw-clone" ["fork: 2", "trace: 1 fork 3"];
    clone_with_shared_memory: "clone-vm" ["borrowed: 2 exit", "trace: 1 vfork 3"];
    vfork: "vfork" ["borrowed: 2 exit", "trace: 1 vfork 3"];
    vfork_and_exec: "vfork-exec" ["borrowed: exec", "trace: 1 vfork 3", "trace: 10"];
    posix_spawn: "spawn" ["borrowed: exec", "trace: 1 vfork 3", "trace: 10"];
    posix_spawn_without_an_environment: "spawn-bare" ["borrowed: exec", "trace: 1 vfork 3", "trace: 10"];
    exec: "execv" ["trace: 1 exec", "trace: 10"];
    longjmp: "longjmp" ["trace: 1 2 3"];
    syscall_by_number: "by-number" ["trace: 1 2 3"];
    syscall_by_instruction: "by-instruction" ["trace: 1 2 3"];
    rights: "rights" ["fork: receive-fds 2", "trace: 1 socketpair fork send-fds 3"];
    close_all: "close-all" ["trace: 1 2"];
    seccomp_is_seen_and_then_nothing: "seccomp" ["trace: 1 confined"];
    cancelled_thread: "cancel" ["trace: 1 2 3"];
    exit_at_once: "_exit" ["trace: 1"];
    numbers_that_are_used_again: "reused" ["trace: 1 socketpair dup close 3"];
}

#[test]
fn no_environment_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    (options.geometry.bytes, options.entry) = (4 << 20, Entry::Raw);
    let program = programs().path("static");
    let _alone = alone();
    record(options, &[program.into(), "execv".into()]).unwrap();
    let threads = common::threads(folder.path());
    let mut events = threads.iter().flat_map(|thread| &thread.events);
    let exec = events.find(|event| event.kind() == fencelab_abi::Kind::Exec).unwrap();
    // It lacks nothing that it would need.
    assert_eq!(exec.slot.request, 0);
}

#[test]
fn what_goes_around_a_preload_is_seen() {
    for way in ["deepbind", "dlmopen", "dlsym"] {
        let (outcome, lines) = run_way("matrix", way);
        assert_eq!(lines, ["trace: 1 2 3"], "{way}");
        assert_eq!(outcome.exit, Exit::Code(0), "{way}");
    }
}

#[test]
fn every_thread_of_many_is_seen_once() {
    for program in ["static", "matrix"] {
        let (outcome, lines) = run_way(program, "churn");
        assert_eq!(outcome.status.threads, 201, "{program}");
        assert!((100..300).all(|mark| lines.contains(&format!("trace: {mark}"))), "{program}: {lines:?}");
    }
}

#[test]
fn every_record_has_its_tasks_own_id() {
    for program in ["static", "matrix"] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path());
        (options.geometry.bytes, options.entry) = (4 << 20, Entry::Raw);
        let _alone = alone();
        record(options, &[programs().path(program).into(), "ids".into()]).unwrap();
        let threads = common::threads(folder.path());
        let events = threads.iter().flat_map(|thread| &thread.events);
        let marks: Vec<_> = events.filter(|event| event.kind() == fencelab_abi::Kind::Ioctl).collect();
        // The program's first mark is 1.
        let wrong = marks.iter().filter(|event| event.first() != event.slot.tid && event.first() != 1);
        assert_eq!(wrong.map(|event| (event.first(), event.slot.tid)).collect::<Vec<_>>(), [], "{program}");
        assert_eq!(marks.len(), 9, "{program}");
    }
}

#[test]
fn a_killed_program_keeps_what_it_wrote() {
    let (outcome, lines) = run_way("static", "sigkill");
    assert_eq!(outcome.exit, Exit::Signal(9));
    assert_eq!(lines, ["trace: 1"]);
}

#[test]
fn a_program_without_a_libc_finds_signals_stacks_and_registers_as_they_must_be() {
    let program = programs().path("bare");
    let alone = Command::new(&program).status().unwrap();
    // Without the recorder only the last check fails: there the kernel has Syscall User Dispatch.
    assert_eq!(alone.code(), Some(line_of("SYS_prctl, 59") % 250 + 1));
    let (outcome, lines) = run(&[program.into()]);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(lines, ["borrowed: 8 exit", "trace: 1 2 4 2 2 6 vfork 3", "trace: 5", "trace: 7"]);
}

/// The line of the program's source with that text.
fn line_of(text: &str) -> i32 {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/bare.c");
    let source = std::fs::read_to_string(source).unwrap();
    source.lines().position(|line| line.contains(text)).unwrap() as i32 + 1
}

#[test]
fn static_and_dynamic_programs_start_each_other() {
    let script = "\"$0\" one; \"$1\" one; exec \"$0\" one";
    let (statically, dynamically) = (programs().path("static"), programs().path("matrix"));
    let shell = ["/bin/sh".into(), "-c".into(), script.into(), statically.into(), dynamically.into()];
    let (outcome, lines) = run(&shell);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.unseen, []);
    assert_eq!(lines.iter().filter(|line| *line == "trace: 10").count(), 3, "{lines:?}");
}

#[test]
fn a_failed_exec_is_no_end() {
    let script = "/nonexistent 2>/dev/null; /etc/passwd 2>/dev/null; \"$0\" one";
    let (outcome, lines) =
        run(&["/bin/sh".into(), "-c".into(), script.into(), programs().path("static").into()]);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!(lines.contains(&"trace: 10".to_owned()), "{lines:?}");
    assert_eq!(outcome.unseen, []);
}

#[test]
fn mistakes_look_the_same_as_without_the_recorder() {
    for program in ["static", "matrix"] {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let script = format!("exec \"$0\" garbage > {}", said.display());
        let program: OsString = programs().path(program).into();
        let bare = Command::new(&program).arg("garbage").output().unwrap();
        let (outcome, _) = run(&["/bin/sh".into(), "-c".into(), script.into(), program.clone()]);
        let said = std::fs::read_to_string(said).unwrap();
        assert_eq!(said, String::from_utf8_lossy(&bare.stdout), "{program:?}");
        assert_eq!(outcome.exit, Exit::Code(0), "{program:?}");
    }
}

#[test]
fn a_program_that_another_one_traces_is_reported_as_unseen() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: no strace");
        return;
    }
    let program = programs().path("static");
    let strace = ["strace", "-o", "/dev/null", "-e", "trace=none"].map(OsString::from);
    let command: Vec<OsString> = strace.into_iter().chain([program.into(), "one".into()]).collect();
    let (outcome, _) = run(&command);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.unseen.iter().map(|unseen| unseen.reason).collect::<Vec<_>>(), [Reason::Traced]);
}

/// Compiles with a compiler that need not be there.
fn compiled(mut compiler: Command, folder: &Path) -> Option<PathBuf> {
    let program = folder.join("program");
    let _alone = alone();
    let done = compiler.arg("-o").arg(&program).output();
    match done {
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            Some(program)
        }
        Err(_) => {
            eprintln!("skipped: no {:?}", compiler.get_program());
            None
        }
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

#[test]
fn threads_of_musl_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut compiler = Command::new("musl-gcc");
    compiler.args(["-O1", "-static"]).arg(source("detached.c"));
    let Some(program) = compiled(compiler, folder.path()) else { return };
    let (outcome, lines) = run(&[program.into()]);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!((100..150).all(|mark| lines.contains(&format!("trace: {mark}"))), "{lines:?}");
}

#[test]
fn go_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut compiler = Command::new("go");
    let cache = folder.path().join("cache");
    compiler.env("CGO_ENABLED", "0").env("GOCACHE", cache).env("GOFLAGS", "-mod=mod").arg("build");
    let program = folder.path().join("program");
    let building = alone();
    let built = compiler.arg("-o").arg(&program).arg(source("marks.go")).output();
    drop(building);
    let Ok(built) = built else {
        eprintln!("skipped: no Go");
        return;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let (outcome, lines) = run(&[program.into()]);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.unseen, []);
    let marks: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
    for mark in (100..200).chain([1, 10, 3]) {
        assert_eq!(marks.iter().filter(|found| **found == mark.to_string()).count(), 1, "{mark}: {lines:?}");
    }
}
