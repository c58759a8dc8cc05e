//! Programs in pid namespaces of their own: the shim knows them by numbers that are other processes' here, or nobody's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::programs;
use fencelab_abi::pool::{ChunkInfo, PoolInfo, state};
use fencelab_abi::process::ProcessInfo;
use fencelab_abi::{CHUNK_SIZE, ChunkKind, Mode};
use fencelab_record::{Entry, Exit, Faults, Geometry, Options, Session, record};

const UNSHARE: [&str; 4] = ["unshare", "-pf", "--mount-proc", "--kill-child"];

/// What one test starts, the other would take for its own.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn may_unshare() -> bool {
    let may = nix::unistd::geteuid().is_root();
    if !may {
        eprintln!("skipped: only root can make a pid namespace");
    }
    may
}

/// States of the chunks that hold records of a process of that number.
fn states(folder: &Path, pid: u32) -> Vec<u32> {
    let pool = std::fs::read(folder.join("pool")).unwrap();
    let info = PoolInfo::decode(&pool).unwrap();
    let chunks = (0..info.chunks_used).map(|index| &pool[info.chunk_range(index)]);
    let ours = chunks.filter(|chunk| {
        let head = ChunkInfo::decode(chunk).unwrap();
        head.kind == ChunkKind::Records && head.pid == pid
    });
    // offset_of!(ChunkHeader, state)
    ours.map(|chunk| u32::from_le_bytes(chunk[4..8].try_into().unwrap())).collect()
}

/// A child that does not outlive its test, and whose namespace goes with it.
struct Killed(Child);

impl Killed {
    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        // What it leaves may be ours, as who records is a subreaper, and would be met by the next test.
        // SAFETY: no status is asked for.
        while unsafe { libc::wait(std::ptr::null_mut()) } > 0 {}
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It has ended, if the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A number that no process has here, nor have those behind it.
fn unused_pid() -> u32 {
    let free = |pid: &u32| !(*pid..*pid + 20).any(|pid| Path::new(&format!("/proc/{pid}")).exists());
    (20_000..32_000).step_by(20).find(free).unwrap()
}

#[test]
fn a_thread_keeps_its_chunks_while_it_lives_and_no_longer() {
    if !may_unshare() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bytes = 16 * CHUNK_SIZE as u64;
    let geometry = Geometry { bytes, mode: Mode::Flight, thread_bytes: bytes };
    let mut session = Session::create(folder.path(), geometry, Faults::default()).unwrap();
    let counter = folder.path().join("counter");
    std::fs::write(&counter, [0; 4096]).unwrap();
    let before = unused_pid();
    let script = format!(
        "echo {before} > /proc/sys/kernel/ns_last_pid; {} forever {}; exit",
        programs().path("matrix").display(),
        counter.display()
    );
    let mut run = Command::new(UNSHARE[0]);
    run.args(&UNSHARE[1..]).args(["sh", "-c", &script]);
    run.env("LD_PRELOAD", session.shim()).env("FENCELAB_SESSION", session.folder());
    let mut child = Killed(run.spawn().unwrap());
    wait_until("the pool is full", || session.is_full());
    let pid = before + 1;
    for _ in 0..3 {
        session.tend().unwrap();
        let states = states(folder.path(), pid);
        assert!(states.len() > 3 && states.iter().all(|one| *one == state::HELD), "{states:?}");
    }
    child.end();
    wait_until("all is to be had", || {
        session.tend().unwrap();
        states(folder.path(), pid).iter().all(|one| *one == state::ORPHAN)
    });
}

/// A small trace by LD_PRELOAD into that folder.
fn options(folder: &Path) -> Options {
    let geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
    Options { entry: Entry::Preload, geometry, ..Options::new(folder) }
}

/// A program in a pid namespace of its own that lives long enough to be looked at.
fn sleeps() -> Vec<OsString> {
    UNSHARE.into_iter().chain(["sh", "-c", "sleep 0.5; exit"]).map(OsString::from).collect()
}

#[test]
fn whoever_was_recorded_is_not_said_to_be_unseen() {
    if !may_unshare() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let outcome = record(options(folder.path()), &sleeps()).unwrap();
    assert_eq!(outcome.exit, Exit::Code(0));
    let programs: Vec<_> = outcome.recorded.iter().filter_map(|one| one.program.file_name()).collect();
    assert!(programs.iter().any(|program| *program == "sleep"), "{programs:?}");
    assert_eq!(outcome.unseen, []);
}

#[test]
fn the_ends_of_its_processes_are_noted() {
    if !may_unshare() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    record(options(folder.path()), &sleeps()).unwrap();
    let session = fencelab_trace::Session::open(folder.path()).unwrap();
    let sleep = session.processes().iter().find(|process| process.name() == "sleep").unwrap();
    assert!(sleep.ended().is_some_and(|end| end.gone), "{sleep:?}");
}

#[test]
fn a_child_says_which_namespace_numbers_it() {
    if !may_unshare() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let outcome = record(options(folder.path()), &[programs().path("unshared").into()]).unwrap();
    assert_eq!(outcome.exit, Exit::Code(0));
    let pool = std::fs::read(folder.path().join("pool")).unwrap();
    let info = PoolInfo::decode(&pool).unwrap();
    let chunks = (0..info.chunks_used).map(|index| &pool[info.chunk_range(index)]);
    let processes = chunks.filter(|chunk| ChunkInfo::decode(chunk).unwrap().kind == ChunkKind::Process);
    let mut numbers: Vec<(u32, u32)> = processes
        .map(|chunk| ProcessInfo::decode(chunk).unwrap())
        .map(|process| (process.pid, process.pid_namespace))
        .collect();
    numbers.sort_unstable();
    let [(1, first), (2, second), (_, parent)] = numbers[..] else { panic!("{numbers:?}") };
    assert_eq!(first, second);
    assert!(first != parent && first != 0 && parent != 0, "{numbers:?}");
}
