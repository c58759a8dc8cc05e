//! How processes end, as the trace tells it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use common::programs;
use fencelab_record::{Entry, Faults, Geometry, Options, record};
use fencelab_trace::view::{Filter, Item, Lines, Style};
use fencelab_trace::{How, Session};

fn geometry() -> Geometry {
    Geometry { bytes: 4 << 20, ..Geometry::default() }
}

fn ran(entry: Entry, program: &str, way: &str) -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    let command: [OsString; 2] = [programs().path(program).into(), way.into()];
    let options = Options { entry, geometry: geometry(), ..Options::new(folder.path()) };
    record(options, &command).unwrap();
    let session = Session::open(folder.path()).unwrap();
    (folder, session)
}

/// The ends of a session's processes, in order of their first sight; whether the process is known to be gone, and said so itself.
fn ends(session: &Session) -> Vec<(How, bool, bool)> {
    let mut processes: Vec<_> = session.processes().iter().collect();
    processes.sort_by_key(|process| process.seen);
    let end = |process: &&fencelab_trace::Process| {
        let end = process.ended().unwrap_or_else(|| panic!("no end of {process:?}"));
        assert!(end.ticks.is_some_and(|ticks| ticks >= process.seen), "{end:?}");
        (end.how, end.gone, end.tid.is_some())
    };
    processes.iter().map(end).collect()
}

fn lines(session: &Session) -> Vec<String> {
    let mut lines = Lines::new(session, Filter::default(), Style::default());
    let mut shown = Vec::new();
    while let Some(item) = lines.next(session, u64::MAX).unwrap() {
        if let Item::Line(line) = item {
            shown.push(line.text);
        }
    }
    shown
}

#[test]
fn whoever_exits_says_so() {
    for entry in [Entry::Preload, Entry::Audit] {
        for (way, status) in [
            ("nothing", 0),
            ("exit", 7),
            ("quick_exit", 5),
            ("exit_group", 6),
            ("_exit", 0),
            ("pthread_exit", 0),
        ] {
            let (_folder, session) = ran(entry, "matrix", way);
            assert_eq!(ends(&session), [(How::Exited(status), true, true)], "{way} {entry:?}");
            assert_eq!(*lines(&session).last().unwrap(), format!("+++ exited with {status} +++"), "{way}");
        }
    }
    for (way, status) in [("exit", 7), ("exit_group", 6), ("_exit", 0)] {
        let (_folder, session) = ran(Entry::Raw, "static", way);
        assert_eq!(ends(&session), [(How::Exited(status), true, true)], "{way} raw");
    }
}

#[test]
fn a_killed_process_is_told_of_by_the_recorder() {
    let (_folder, session) = ran(Entry::Preload, "matrix", "sigkill");
    assert_eq!(ends(&session), [(How::Killed(9, false), true, false)]);
    assert_eq!(*lines(&session).last().unwrap(), "+++ killed by SIGKILL +++");
}

#[test]
fn so_are_children_that_others_wait_for() {
    let (_folder, session) = ran(Entry::Preload, "matrix", "kills");
    let ends = ends(&session);
    assert_eq!(ends.len(), 4);
    assert_eq!(ends[0], (How::Exited(0), true, true));
    assert!(ends.iter().all(|(_, gone, _)| *gone), "{ends:?}");
    // Its parent may have waited for the first one before anybody could look.
    assert!(matches!(ends[1].0, How::Killed(9, false) | How::Unknown), "{ends:?}");
    // Only the parent is told, before Linux 6.15, if it is quicker.
    assert!(matches!(ends[2].0, How::Killed(11, _) | How::Unknown), "{ends:?}");
    assert!(matches!(ends[3].0, How::Killed(15, false) | How::Unknown), "{ends:?}");
}

#[test]
fn a_program_that_execs_gives_way_to_another() {
    let (_folder, session) = ran(Entry::Preload, "matrix", "execv");
    let ends = ends(&session);
    assert_eq!(ends, [(How::Exec, true, false), (How::Exited(0), true, true)]);
    let ended = lines(&session).iter().filter(|line| line.starts_with("+++")).count();
    assert_eq!(ended, 1);
}

#[test]
fn a_child_that_borrows_memory_ends_alone() {
    let (_folder, session) = ran(Entry::Preload, "matrix", "vfork");
    assert_eq!(ends(&session), [(How::Exited(0), true, true)]);
    let ended: Vec<String> = lines(&session).into_iter().filter(|line| line.starts_with("+++")).collect();
    assert_eq!(ended, ["+++ exited with 0 +++", "+++ exited with 0 +++"]);
}

/// Nobody looks: neither is there a recorder, nor do the processes say anything.
#[test]
fn without_a_recorder_whoever_is_not_there_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let session = fencelab_record::Session::create(folder.path(), geometry(), Faults::default()).unwrap();
    let mut child = run_forever(&session, folder.path());
    let orphaned = |folder: &Path| {
        // offset_of!(PoolHeader, recorder): a pid that no process has.
        let pool = folder.join("pool");
        let file = std::fs::OpenOptions::new().write(true).open(pool).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &0x7fff_fff0u32.to_le_bytes(), 36).unwrap();
    };
    orphaned(folder.path());
    let open = |folder: &Path| Session::open(folder).unwrap();
    assert_eq!(open(folder.path()).processes()[0].ended(), None, "it runs");
    child.0.kill().unwrap();
    // Dead, and not waited for.
    while open(folder.path()).processes()[0].ended().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.0.wait().unwrap();
    let session = open(folder.path());
    let end = *session.processes()[0].ended().unwrap();
    assert_eq!((end.how, end.ticks, end.gone), (How::Unknown, None, true));
    assert_eq!(*lines(&session).last().unwrap(), "+++ ended, and it is not known how or when +++");
}

/// Ends with the test, whatever becomes of that.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run_forever(session: &fencelab_record::Session, folder: &Path) -> Running {
    let counter = folder.join("counter");
    std::fs::write(&counter, [0; 4096]).unwrap();
    let mut run = Command::new(programs().path("matrix"));
    run.arg("forever").arg(&counter).stdout(Stdio::null());
    run.env("LD_PRELOAD", session.shim()).env("FENCELAB_SESSION", session.folder());
    let child = Running(run.spawn().unwrap());
    while std::fs::read(&counter).unwrap()[..4] == [0; 4] {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child
}

#[test]
fn an_fd_goes_with_the_last_process_that_has_it() {
    let (_folder, session) = ran(Entry::Preload, "matrix", "rights");
    let mut model = fencelab_trace::Model::new(&session);
    let mut over = 0;
    while let Some(event) = model.next(&session).unwrap() {
        over += usize::from(event.ended().is_some());
    }
    assert_eq!(over, 2);
    assert_eq!(model.holders(&|_| true), []);
    assert!(model.objects().iter().all(|(_, object)| object.ended));
}
