//! What recording costs in system calls once a process has started: none; in raw mode, which ones.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::programs;
use fencelab_record::{Entry, Faults, Geometry, Options, Session, record};

/// Marks in the shorter and in the longer run: what the second makes more is the marks' doing.
const FEW: u32 = 10;
const MANY: u32 = 1010;

type Counts = BTreeMap<String, u32>;

fn geometry() -> Geometry {
    Geometry { bytes: 4 << 20, ..Geometry::default() }
}

fn has_strace() -> bool {
    let there = Command::new("strace").arg("-V").output().is_ok();
    if !there {
        eprintln!("skipped: no strace");
    }
    there
}

/// `strace -c`'s table: "% time  seconds  usecs/call  calls  [errors]  syscall".
fn counts(table: &str) -> Counts {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.first()?.parse::<f64>().ok()?;
        let name = words.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
    };
    table.lines().filter_map(line).collect()
}

/// What the marks of the longer run cost.
fn cost(run: impl Fn(u32) -> Counts) -> Vec<(String, u32)> {
    let few = run(FEW);
    let more = |(name, calls): (String, u32)| {
        let more = calls - few.get(&name).copied().unwrap_or(0);
        (more > 0).then_some((name, more))
    };
    run(MANY).into_iter().filter_map(more).collect()
}

fn of_hooked(variable: &str) -> Vec<(String, u32)> {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::create(folder.path(), geometry(), Faults::default()).unwrap();
    cost(|marks| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-o", "/dev/stdout"]);
        strace.arg(format!("-E{variable}={}", session.shim().display()));
        strace.arg(format!("-EFENCELAB_SESSION={}", session.folder().display()));
        let run = strace.arg(programs().path("matrix")).args(["count", &marks.to_string()]).output().unwrap();
        counts(&String::from_utf8(run.stdout).unwrap())
    })
}

#[test]
fn a_call_costs_no_other_system_call() {
    if has_strace() {
        let ioctls = [("ioctl".to_owned(), MANY - FEW)];
        assert_eq!(of_hooked("LD_PRELOAD"), ioctls);
        assert_eq!(of_hooked("LD_AUDIT"), ioctls);
    }
}

/// The process whose command line has that word.
fn process_with(word: &Path) -> Option<u32> {
    let has = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(2) == Some(word.as_os_str().as_encoded_bytes())
    };
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.into_iter().find(has)
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(found) = what() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not come");
}

/// Has a program recorded in raw mode, and strace come along when the recorder has let go of it: a process has one tracer.
fn of_raw(marks: u32) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let gate: PathBuf = folder.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let options =
        Options { entry: Entry::Raw, geometry: geometry(), ..Options::new(folder.path().join("session")) };
    let command: [OsString; 4] =
        [programs().path("static").into(), "gate".into(), gate.clone().into(), marks.to_string().into()];
    let recorder = std::thread::spawn(move || record(options, &command).unwrap());
    let pid = wait_for(|| process_with(&gate));
    let status = |line: &'static str| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        text.lines().find_map(|l| Some(l.strip_prefix(line)?.trim().to_owned()))
    };
    // In the open, and free.
    let at = |number: &str| {
        let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        (call.split(' ').next() == Some(number) && status("TracerPid:").as_deref() == Some("0")).then_some(())
    };
    const OPENAT: &str = "257";
    wait_for(|| at(OPENAT));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-o"]).arg(folder.path().join("table")).arg("-p").arg(pid.to_string());
    let mut strace = strace.stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| status("TracerPid:").filter(|tracer| tracer != "0"));
    drop(fs::OpenOptions::new().write(true).open(&gate).unwrap());
    let outcome = recorder.join().unwrap();
    strace.wait().unwrap();
    assert!(outcome.loaded && outcome.status.events >= u64::from(marks));
    let mut counts = counts(&fs::read_to_string(folder.path().join("table")).unwrap());
    // The call that it was caught in is counted or not, as strace comes.
    if counts.get("openat") == Some(&1) {
        counts.remove("openat");
    }
    counts
}

/// Each call of the program's is a SIGSYS, made by its handler, which asks who it is to find the thread's place, and returns.
#[test]
fn a_raw_call_costs_two_more() {
    if has_strace() {
        let calls = ["gettid", "ioctl", "rt_sigreturn"].map(|name| (name.to_owned(), MANY - FEW));
        assert_eq!(cost(of_raw), calls);
    }
}
