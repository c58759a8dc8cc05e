//! Sessions that grow while they are read, lose records, and end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, Mutex};

use common::pool::{Pool, Record, Sink};
use common::request::*;
use common::{ioctl, lines, one, open};
use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode};
use fencelab_trace::view::{Filter, Item, Lines, State, Style, loss_line};
use fencelab_trace::{Model, Session, Source};

/// Bytes that are read while they grow.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Sink for Shared {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.0.lock().unwrap().put(at, bytes);
    }
}

impl Source for Shared {
    fn len(&self) -> std::io::Result<u64> {
        Source::len(&*self.0.lock().unwrap())
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().read_at(at, out)
    }
}

const GPU: Driver = Driver::VirtioGpu;

fn wait(kind: Kind, enter: u64, exit: u64) -> Record {
    let record = Record::new(kind, enter, exit).fd(3).request(SYNCOBJ_WAIT).class(FdClass::Drm(GPU));
    record.words(&[1, 0, u32::MAX, 0x7fff_ffff, 1, 2, 0, 0]).section(1, 0, 1, &5u32.to_le_bytes())
}

#[test]
fn what_is_recorded_later_comes_later() {
    let bytes = Shared::default();
    let mut pool = Pool::new(bytes.clone(), 64, Mode::Stop);
    let process = pool.process(100, 1, Entry::Preload, None, "/usr/bin/one", 1);
    let mut a = pool.thread(process, 100, 100);
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &wait(Kind::IoctlEnter, 20, 0));
    pool.flush(&a);
    let header = pool.header();
    pool.out.put(0, &header);

    let mut session = Session::from_pool(bytes).unwrap();
    let mut lines = Lines::new(&session, Filter::default(), Style { follow: true, json: false });
    let drain = |session: &Session, lines: &mut Lines| {
        let mut shown = Vec::new();
        while let Some(Item::Line(line)) = lines.next(session, u64::MAX).unwrap() {
            shown.push((line.state, line.text));
        }
        shown
    };
    let first = drain(&session, &mut lines);
    assert_eq!(first.len(), 2);
    assert_eq!(first[1].0, State::Begun);

    let mut b = pool.thread(process, 100, 101);
    pool.record(&mut b, &ioctl(30, 3, GPU, SYNCOBJ_CREATE).words(&[9, 0]));
    pool.record(&mut a, &wait(Kind::IoctlExit, 20, 50));
    [&a, &b].into_iter().for_each(|thread| pool.flush(thread));
    let header = pool.header();
    pool.out.put(0, &header);
    session.refresh().unwrap();
    lines.refresh(&session);
    let second = drain(&session, &mut lines);
    assert_eq!(second.len(), 2, "{second:?}");
    assert!(second[0].1.contains("DRM_IOCTL_SYNCOBJ_CREATE"), "{second:?}");
    assert_eq!(second[1], (State::Resumed(30), "<... DRM_IOCTL_SYNCOBJ_WAIT resumed> = 0".to_owned()));
    assert!(drain(&session, &mut lines).is_empty());
}

#[test]
fn a_live_sessions_objects_are_those_of_the_dead_one() {
    let bytes = Shared::default();
    let mut pool = Pool::new(bytes.clone(), 4096, Mode::Stop);
    let process = pool.process(100, 1, Entry::Preload, None, "/usr/bin/one", 1);
    let mut a = pool.thread(process, 100, 100);
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.flush(&a);
    let header = pool.header();
    pool.out.put(0, &header);
    let mut session = Session::from_pool(bytes.clone()).unwrap();
    let mut model = Model::new(&session);
    for round in 0..300u64 {
        let at = 100 + round * 10;
        pool.record(&mut a, &ioctl(at, 3, GPU, SYNCOBJ_CREATE).words(&[round as u32 % 7 + 1, 0]));
        pool.record(&mut a, &ioctl(at + 5, 3, GPU, SYNCOBJ_DESTROY).words(&[round as u32 % 7 + 1, 0]));
        if round % 13 == 0 {
            pool.flush(&a);
            let header = pool.header();
            pool.out.put(0, &header);
            session.refresh().unwrap();
            model.refresh(&session);
            while model.next(&session).unwrap().is_some() {}
        }
    }
    pool.flush(&a);
    let header = pool.header();
    pool.out.put(0, &header);
    session.refresh().unwrap();
    model.refresh(&session);
    while model.next(&session).unwrap().is_some() {}
    let dead = Session::from_pool(bytes).unwrap();
    let mut whole = Model::new(&dead);
    while whole.next(&dead).unwrap().is_some() {}
    let names =
        |model: &Model| model.objects().iter().map(|(_, o)| (o.to_string(), o.ended)).collect::<Vec<_>>();
    assert_eq!(names(&model), names(&whole));
    assert_eq!(model.objects().len(), 301);
    assert_eq!(model.lost(), 0);
}

#[test]
fn a_wait_that_never_ended_is_pending() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &wait(Kind::IoctlEnter, 20, 0));
    let session = common::session(pool, &[&a]);
    let shown = lines(&session);
    assert!(
        shown[0].ends_with("{handles=[syncobj:1], timeout_nsec=forever, flags=WAIT_FOR_SUBMIT}) = ?"),
        "{shown:?}"
    );
    assert_eq!(session.calls_at(100, 1_000_000).len(), 1);
    assert_eq!(session.calls_at(100, 20).len(), 1);
    assert_eq!(session.calls_at(101, 1_000_000), []);
}

#[test]
fn records_that_gave_way_are_counted_where_they_were() {
    let (mut pool, mut a, _) = one();
    a.dropped = 412;
    a.sequence = 9;
    pool.set_mode(Mode::Flight);
    pool.record(&mut a, &open(1000, 3, "virtio_gpu"));
    let session = common::session(pool, &[&a]);
    let losses: Vec<String> = session.losses().iter().map(|loss| loss_line(&session, loss)).collect();
    assert_eq!(losses, ["412 records overwritten by newer ones, of thread 100, before 0.000001"]);
    assert!(lines(&session)[0].starts_with("--- 412 records"));
}

#[test]
fn records_that_found_no_room_are_counted_behind_the_last() {
    let (mut pool, mut a, _) = one();
    a.dropped = 3;
    pool.record(&mut a, &open(1000, 3, "virtio_gpu"));
    let session = common::session(pool, &[&a]);
    let losses: Vec<String> = session.losses().iter().map(|loss| loss_line(&session, loss)).collect();
    assert_eq!(losses, ["3 records dropped for want of room, of thread 100, after 0.000001"]);
    assert!(lines(&session)[1].starts_with("--- 3 records"));
}

#[test]
fn chunks_that_are_missing_in_between_are_a_gap() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &open(1000, 3, "virtio_gpu"));
    pool.flush(&a);
    a.sequence += 2;
    a.full();
    pool.record(&mut a, &open(9000, 4, "virtio_gpu"));
    let session = common::session(pool, &[&a]);
    let losses: Vec<String> = session.losses().iter().map(|loss| loss_line(&session, loss)).collect();
    assert_eq!(
        losses,
        ["2 chunks of this thread missing between others, of thread 100, between 0.000001 and 0.000009"]
    );
}

#[test]
fn a_result_may_be_any_number() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &Record { result: i32::MIN, ..ioctl(20, 3, GPU, SYNCOBJ_CREATE).words(&[9, 0]) });
    let session = common::session(pool, &[&a]);
    assert!(lines(&session)[1].ends_with(" = -1 errno 2147483648"), "{:?}", lines(&session));
}
