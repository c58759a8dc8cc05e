//! Processes that end: what is known of it, what goes with them, and how it is shown.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::pool::{Pool, Record, Thread};
use common::request::*;
use common::{ioctl, life, lines, one, open, session};
use fencelab_abi::process::{Entry, UNKNOWN_STATUS};
use fencelab_abi::section::TIMEOUT;
use fencelab_abi::{Driver, FdClass, Kind};
use fencelab_trace::model::{Effect, Until};
use fencelab_trace::view::{Filter, Item, Lines, Style};
use fencelab_trace::{How, Model, Session, perfetto};

const GPU: Driver = Driver::VirtioGpu;

fn wait(enter: u64) -> Record {
    let record = Record::new(Kind::IoctlEnter, enter, 0).fd(3).request(SYNCOBJ_WAIT).class(FdClass::Drm(GPU));
    record.words(&[1, 0, u32::MAX, 0x7fff_ffff, 1, 2, 0, 0]).section(1, 0, 1, &9u32.to_le_bytes())
}

/// A process that opens a device, makes a sync object and waits for it.
fn waiting() -> (Pool<Vec<u8>>, Thread, u32) {
    let (mut pool, mut a, process) = one();
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &ioctl(20, 3, GPU, SYNCOBJ_CREATE).words(&[9, 0]));
    pool.record(&mut a, &wait(30));
    (pool, a, process)
}

fn all(session: &Session, style: Style) -> Vec<fencelab_trace::view::Line> {
    let mut lines = Lines::new(session, Filter::default(), style);
    let mut shown = Vec::new();
    while let Some(item) = lines.next(session, u64::MAX).unwrap() {
        if let Item::Line(line) = item {
            shown.push(*line);
        }
    }
    shown
}

#[test]
fn what_a_killed_process_had_goes_with_it() {
    let (mut pool, a, process) = waiting();
    pool.gone(process, 1_030, 9);
    let session = session(pool, &[&a]);
    let end = session.processes()[0].ended().unwrap();
    assert_eq!((end.how, end.ticks, end.gone), (How::Killed(9, false), Some(1_030), true));
    assert!(!session.processes()[0].is_gone_at(1_029) && session.processes()[0].is_gone_at(1_030));
    assert_eq!(lines(&session).last().unwrap(), "100 +++ killed by SIGKILL +++");
    let life = life(&session, "syncobj:1");
    assert_eq!(
        life.last().unwrap(),
        "syncobj:1 loses handle 9 of drm-file:1; syncobj:1 ends: no name of it is left"
    );
    let mut model = Model::new(&session);
    let mut last = None;
    while let Some(event) = model.next(&session).unwrap() {
        last = Some((event.ticks, event.ended(), event.call.kind));
    }
    assert_eq!(last, Some((1_030, Some(session.processes()[0].id), Some(Kind::Exit))));
    assert_eq!(model.holders(&|_| true), []);
}

#[test]
fn a_call_lasts_until_its_process_ends() {
    let (mut pool, mut a, process) = waiting();
    pool.gone(process, 1_030, 9);
    let other = pool.process(200, 1, Entry::Preload, None, "/usr/bin/two", 5);
    let mut b = pool.thread(other, 200, 200);
    pool.record(&mut b, &open(9_000, 3, "virtio_gpu"));
    pool.flush(&b);
    pool.flush(&a);
    a.full();
    let session = session(pool, &[]);
    let line = all(&session, Style::default()).into_iter().find(|line| line.text.contains("WAIT")).unwrap();
    assert!(line.to_string().ends_with("<unfinished: waiting for 1.0 us>"), "{line}");
}

#[test]
fn who_else_has_it_keeps_it() {
    let (mut pool, mut a, process) = waiting();
    let fork = Record::new(Kind::Fork, 40, 41).result(101);
    pool.record(&mut a, &fork);
    let child = pool.process(101, 100, Entry::Fork, Some(process), "/usr/bin/one", 42);
    pool.exits(process, 500, 3 << 8, 100);
    pool.gone(process, 600, 3 << 8);
    let session = session(pool, &[&a]);
    let end = session.processes()[0].ended().unwrap();
    assert_eq!((end.how, end.ticks, end.tid), (How::Exited(3), Some(500), Some(100)), "when it said so");
    assert_eq!(session.processes()[1].ended(), None);
    let mut model = Model::new(&session);
    while model.next(&session).unwrap().is_some() {}
    let holders = model.holders(&|_| true);
    assert!(holders.len() == 2 && holders.iter().all(|holder| holder.pid == 101), "{holders:?}");
    assert_eq!(session.processes()[1].pid, 101);
    assert!(child > process);
}

#[test]
fn what_is_not_known_is_not_claimed() {
    let (mut pool, a, process) = waiting();
    pool.gone(process, 700, UNKNOWN_STATUS);
    let unknown = session(pool, &[&a]);
    assert_eq!(lines(&unknown).last().unwrap(), "100 +++ ended, and it is not known how +++");

    let (mut pool, a, process) = waiting();
    pool.exits(process, 700, 0, 100);
    let on_its_way = session(pool, &[&a]);
    assert_eq!(lines(&on_its_way).last().unwrap(), "100 +++ exited with 0, and may not be gone yet +++");
    let mut model = Model::new(&on_its_way);
    while model.next(&on_its_way).unwrap().is_some() {}
    assert_eq!(model.holders(&|_| true).len(), 2, "its files may be open");

    let (mut pool, a, process) = waiting();
    pool.gone(process, 700, 9);
    pool.set_minor(1);
    assert_eq!(session(pool, &[&a]).processes()[0].ended(), None, "an older format has no such fields");
}

#[test]
fn programs_read_it_too() {
    let (mut pool, a, process) = waiting();
    pool.gone(process, 1_030, 0x8b);
    let session = session(pool, &[&a]);
    let last = all(&session, Style { json: true, follow: false }).pop().unwrap().json.unwrap();
    assert_eq!((&last["type"], &last["at"], &last["pid"]), (&"end".into(), &1_030.into(), &100.into()));
    assert_eq!((&last["how"], &last["signal"], &last["core"]), (&"killed".into(), &11.into(), &true.into()));
    assert_eq!(last["text"], "killed by SIGSEGV (core dumped)");
    assert!(last["effects"].as_array().unwrap().iter().any(|effect| effect["do"] == "end"), "{last}");
    let head = fencelab_trace::view::session_json(&session);
    assert_eq!(head["processes"][0]["ended"]["signal"], 11);
    let mut picture = Vec::new();
    perfetto::write(&session, &mut picture).unwrap();
    let picture: serde_json::Value = serde_json::from_slice(&picture).unwrap();
    let is_end = |event: &&serde_json::Value| event["ph"] == "i" && event["pid"] == 100;
    let end = picture["traceEvents"].as_array().unwrap().iter().find(is_end).unwrap();
    assert_eq!(end["name"], "killed by SIGSEGV (core dumped)");
}

#[test]
fn a_poll_says_how_long_it_waits() {
    let (mut pool, mut a, _) = one();
    let poll = |at: u64, ns: i64| {
        let record = Record::new(Kind::PollEnter, at, 0).request(1).fds(&[5]);
        record.section(TIMEOUT, 0, 8, &ns.to_le_bytes())
    };
    let end = |at: u64| Record::new(Kind::PollExit, at, at + 5).request(1).fds(&[]);
    for (at, ns) in [(100, 1_500_000_000), (200, -1), (300, 0)] {
        pool.record(&mut a, &poll(at, ns));
        pool.record(&mut a, &end(at));
    }
    pool.record(&mut a, &Record::new(Kind::PollEnter, 400, 0).request(1).fds(&[5]));
    let session = session(pool, &[&a]);
    let shown = lines(&session);
    let expected = [
        "100 poll([5], timeout=1.5 s) = 0 []",
        "100 poll([5], timeout=forever) = 0 []",
        "100 poll([5], timeout=0) = 0 []",
        "100 poll([5]) = ?",
    ];
    assert_eq!(shown, expected);
    let mut model = Model::new(&session);
    let mut until = Vec::new();
    while let Some(event) = model.next(&session).unwrap() {
        until.extend(event.effects.iter().filter_map(|effect| match effect {
            Effect::Wait { until, .. } => Some(*until),
            _ => None,
        }));
    }
    assert_eq!(until, [Until::At(1_500_000_100), Until::Forever, Until::At(300), Until::Unknown]);
}
