//! How long recorded jobs lasted is how long those last that stand for them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode, section};
use fencelab_fences::graph::Nobody;
use fencelab_fences::{JobSpan, Options as AnalysisOptions, Walk, job_spans};
use fencelab_replay::{Options, Timing, convert};
use fencelab_scenario::{Duration, Expect};
use fencelab_trace::Session;
use pool::{Pool, Record, Thread};

/// include/uapi/drm/drm.h, i915_drm.h
const CREATE: u32 = 0xc008_64bf;
const WAIT: u32 = 0xc020_64c3;
const EXEC: u32 = 0xc040_6469;
const FENCE_ARRAY: u32 = 1 << 19;
const FENCE_SIGNAL: u32 = 2;
const ALL: u32 = 1;

fn ioctl(enter: u64, exit: u64, request: u32) -> Record {
    Record::new(Kind::Ioctl, enter, exit).fd(3).request(request).class(FdClass::Drm(Driver::I915))
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An execbuffer that signals a sync object.
fn submit(at: u64, syncobj: u32) -> Record {
    let argument = [0, 0, 0, 0, 0, 0, 0, 1, 0x2000, 0, FENCE_ARRAY, 0, 1, 0, 0, 0];
    ioctl(at, at + 1, EXEC).words(&argument).section(2, 0, 1, &words(&[syncobj, FENCE_SIGNAL]))
}

/// A wait for a sync object.
fn wait(pool: &mut Pool<Vec<u8>>, thread: &mut Thread, enter: u64, exit: u64, syncobj: u32) {
    let argument = [1, 0, u32::MAX, 0x7fff_ffff, 1, ALL, 0, 0];
    let begin = Record { kind: Kind::IoctlEnter, ..ioctl(enter, 0, WAIT) };
    pool.record(thread, &begin.words(&argument).section(1, 0, 1, &words(&[syncobj])));
    let end = Record { kind: Kind::IoctlExit, ..ioctl(enter, exit, WAIT) };
    pool.record(thread, &end.words(&argument));
}

/// A session in which one thread, with a GPU open and four sync objects, does that.
fn session(does: impl FnOnce(&mut Pool<Vec<u8>>, &mut Thread)) -> Session {
    let mut pool = Pool::new(Vec::new(), 1 << 20, Mode::Stop);
    let process = pool.process(100, 1, Entry::Preload, None, "/usr/bin/draws", 1);
    let mut thread = pool.thread(process, 100, 100);
    let open = Record::new(Kind::Open, 10, 11).fd(3).result(3).request(0x2);
    let open = open.text(section::PATH, "/dev/dri/renderD128").text(section::DRIVER, "i915");
    pool.record(&mut thread, &open);
    for syncobj in 1..=4 {
        let at = 20 + 2 * u64::from(syncobj);
        pool.record(&mut thread, &ioctl(at, at + 1, CREATE).words(&[syncobj, 0]));
    }
    does(&mut pool, &mut thread);
    pool.flush(&thread);
    Session::from_pool(pool.finish()).unwrap()
}

/// A job that is slept for, one that was over long before anybody looked, and two of which only the last is waited for.
fn four() -> Session {
    session(|pool, thread| {
        pool.record(thread, &submit(1_000, 1));
        wait(pool, thread, 2_000, 7_001_000, 1);
        pool.record(thread, &submit(8_000_000, 2));
        wait(pool, thread, 60_000_000, 60_001_000, 2);
        pool.record(thread, &submit(70_000_000, 3));
        pool.record(thread, &submit(70_001_000, 4));
        wait(pool, thread, 70_002_000, 86_000_000, 4);
    })
}

fn spans(session: &Session) -> Vec<JobSpan> {
    let mut walk = Walk::new(session, AnalysisOptions::default());
    walk.run(session, &Nobody).unwrap();
    job_spans(session, &walk)
}

#[test]
fn what_was_slept_for_is_known_exactly() {
    let spans = spans(&four());
    let [slept, found, first, last] = spans[..] else { panic!("{spans:?}") };
    assert_eq!((slept.exact, found.exact), (true, false), "{spans:?}");
    assert!((6_900_000..=7_000_000).contains(&slept.ns), "{spans:?}");
    assert!(found.ns >= 50_000_000, "{spans:?}");
    // Of the 16 ms that both took nobody knows how many were whose.
    for one in [first, last] {
        assert!(!one.exact && (15_900_000..=16_000_000).contains(&one.ns), "{spans:?}");
    }
}

#[test]
fn jobs_on_a_queue_that_are_waited_for_one_by_one_are_known_exactly() {
    let session = session(|pool, thread| {
        pool.record(thread, &submit(1_000, 1));
        pool.record(thread, &submit(2_000, 2));
        wait(pool, thread, 3_000, 5_000_000, 1);
        wait(pool, thread, 5_001_000, 8_000_000, 2);
    });
    let spans = spans(&session);
    let [first, second] = spans[..] else { panic!("{spans:?}") };
    assert!(first.exact && second.exact, "{spans:?}");
    assert!((2_900_000..=3_000_000).contains(&second.ns), "{spans:?}");
}

#[test]
fn a_job_behind_one_that_was_found_done_may_have_begun_before_that() {
    let session = session(|pool, thread| {
        pool.record(thread, &submit(1_000, 1));
        pool.record(thread, &submit(2_000, 2));
        wait(pool, thread, 5_000_000, 5_001_000, 1);
        wait(pool, thread, 5_002_000, 8_000_000, 2);
    });
    let spans = spans(&session);
    let [_, second] = spans[..] else { panic!("{spans:?}") };
    assert!(!second.exact && second.ns >= 7_900_000, "{spans:?}");
}

#[test]
fn a_job_in_a_replay_lasts_as_long_as_the_recorded_one() {
    let session = four();
    let lasted: HashMap<_, _> = spans(&session)
        .into_iter()
        .filter(|span| span.exact)
        .map(|span| (span.call, Duration(span.ns)))
        .collect();
    let [lasts] = lasted.values().copied().collect::<Vec<_>>()[..] else { panic!("{lasted:?}") };
    let options = Options {
        pids: Vec::new(),
        between_ns: None,
        timing: Timing::Fast,
        syncobjs_on: None,
        jobs_on: "software".into(),
        lasted,
        order: None,
        expect: Expect::Clean,
    };
    let converted = convert(&session, &options).unwrap();
    let text = converted.scenario.to_string();
    assert!(text.contains(&format!("lasts: {lasts}")) && text.contains("lasts: 1ms"), "{text}");
    let replaced = &converted.fidelity.replaced;
    assert_eq!(replaced.get("jobs by ones that last as long"), Some(&1), "{replaced:?}");
    assert_eq!(replaced.get("jobs by ones of 1 ms"), Some(&3), "{replaced:?}");
}
