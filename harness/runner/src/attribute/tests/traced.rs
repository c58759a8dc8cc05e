//! Two cases, the later one running: the trace of both, with the log's clock 500 us ahead of the trace's.

use fencelab_events::DeviceKind;

use super::*;
use crate::recorded::made_up::{ATOMIC, CREATE, Made, NONBLOCK, Pool};

const AHEAD: u64 = 500;

fn windows() -> Vec<Window> {
    let window = |case: &str, first, end, pid, started_us| {
        let log_clock = Some(LogClock { ahead_us: AHEAD.cast_signed(), within_us: 0 });
        Window { case: case.into(), first, end, tids: vec![pid], started_us, log_clock }
    };
    vec![window("a", 10, Some(20), 100, 1_000_000), window("b", 20, None, 200, 2_000_000)]
}

fn device(name: &str, node: &str) -> Device {
    let (name, node) = (name.to_owned(), Some(node.to_owned()));
    let (render_node, bus_path) = (None, None);
    let (has_kms, has_render) = (true, false);
    Device {
        driver: name.clone(),
        name,
        kind: DeviceKind::Drm,
        has_kms,
        has_render,
        node,
        render_node,
        bus_path,
    }
}

/// Case a commits on vkms without waiting, then its child makes a sync object; case b commits on qxl and waits for it.
fn trace() -> Session {
    let mut pool = Pool::new();
    let (a, child, b) =
        (pool.process(100, 1, 1_000_100), pool.process(101, 100, 1_000_200), pool.process(200, 1, 2_000_100));
    let vkms = Made::open(1_100_000, "/dev/dri/card0", 4);
    pool.thread(a, 100, 100, &[vkms, Made::ioctl(ATOMIC, 4, NONBLOCK, 1_999_000, Some(1_999_200))]);
    pool.thread(child, 101, 101, &[Made::ioctl(CREATE, 4, 0, 1_500_000, Some(1_500_050))]);
    let qxl = Made::open(2_000_200, "/dev/dri/card1", 4);
    let wide = Made::ioctl(ATOMIC, 4, 0, 2_001_000, None);
    pool.thread(b, 200, 200, &[qxl, Made::ioctl(CREATE, 4, 0, 2_000_500, Some(2_000_550)), wide]);
    pool.session()
}

fn attribute(clues: &Clues, fences: &Fences) -> Attribution {
    let trace = trace();
    let devices = [device("vkms", "/dev/dri/card0"), device("qxl", "/dev/dri/card1")];
    super::super::attribute(
        clues,
        &Evidence { windows: &windows(), trace: Some(&trace), fences, devices: &devices },
    )
}

fn at(us: u64, seq: u64) -> Clues {
    Clues { seq, at_us: Some(us + AHEAD), ..Clues::default() }
}

#[test]
fn a_thread_inside_an_ioctl_names_it_with_its_device() {
    let clues = Clues { caller: Some(200), entry: Some("drm_mode_atomic_ioctl".into()), ..at(2_001_300, 25) };
    let found = attribute(&clues, &Fences::default());
    assert_eq!((found.case.as_deref(), found.how), (Some("b"), How::Call));
    let call = found.call.unwrap();
    assert_eq!(
        call.words(),
        "in DRM_IOCTL_MODE_ATOMIC on fd 4 (qxl card1), by thread 200, 0.3 ms after it was called"
    );
}

#[test]
fn a_call_that_begins_within_what_the_clocks_are_apart_is_the_one() {
    let trace = trace();
    let clues = Clues { caller: Some(200), entry: Some("drm_mode_atomic_ioctl".into()), ..at(2_000_600, 25) };
    let how = |within_us| {
        let mut windows = windows();
        windows[1].log_clock = Some(LogClock { ahead_us: AHEAD.cast_signed(), within_us });
        let fences = Fences::default();
        let evidence = Evidence { windows: &windows, trace: Some(&trace), fences: &fences, devices: &[] };
        let found = super::super::attribute(&clues, &evidence);
        (found.how, found.call.unwrap().ioctl)
    };
    assert_eq!(how(0), (How::Caller, "DRM_IOCTL_SYNCOBJ_CREATE".into()));
    assert_eq!(how(1_000), (How::Call, "DRM_IOCTL_MODE_ATOMIC".into()));
}

#[test]
fn between_two_calls_the_last_one_is_told_as_such() {
    let found = attribute(&Clues { caller: Some(100), ..at(1_700_000, 15) }, &Fences::default());
    assert_eq!((found.case.as_deref(), found.how), (Some("a"), How::Caller));
    assert!(found.call.is_some_and(|call| call.ioctl == "open" && !call.in_progress));
    assert!(found.reason.contains("no call of it is recorded for that moment"), "{}", found.reason);
}

#[test]
fn a_thread_that_the_case_never_spoke_of_is_known_by_its_process() {
    let found = attribute(&Clues { caller: Some(101), ..at(1_500_020, 15) }, &Fences::default());
    assert_eq!((found.case.as_deref(), found.how), (Some("a"), How::Call));
    assert_eq!(found.call.map(|call| call.ioctl).as_deref(), Some("DRM_IOCTL_SYNCOBJ_CREATE"));
}

/// The report's lines lie in b's part of the log, and a's commit is what the worker was still at.
#[test]
fn a_workers_late_report_goes_to_the_case_that_queued_its_work() {
    let kworker = Some(("kworker/u8:1".to_owned(), 9));
    let work = Some("commit_work".to_owned());
    let late = Clues { task: kworker, entry: work, driver: Some("vkms".into()), ..at(2_000_700, 22) };
    let found = attribute(&late, &Fences::default());
    assert_eq!((found.case.as_deref(), found.how), (Some("a"), How::Queued));
    assert_eq!(found.call.map(|call| (call.tid, call.after_us)), Some((100, 1_700)));
    assert!(found.reason.contains("non-blocking commit on vkms"), "{}", found.reason);
    // On another driver nothing was queued: only the time is left.
    let other = Clues { driver: Some("qxl".into()), ..late };
    let found = attribute(&other, &Fences::default());
    assert_eq!((found.case.as_deref(), found.how), (Some("b"), How::Worker));
}

#[test]
fn a_worker_that_signals_a_fence_goes_back_to_who_made_it() {
    let mut fences = Fences::default();
    fences.push(
        b" a-101 [000] ..... 1.500020: dma_fence_init: driver=x timeline=y context=3 seqno=1\n\
          kworker/0:1-9 [000] ..... 2.000900: dma_fence_signaled: driver=x timeline=y context=3 seqno=1\n",
    );
    let kworker = Some(("kworker/0:1".to_owned(), 9));
    let found = attribute(&Clues { task: kworker, ..at(2_000_700, 22) }, &fences);
    assert_eq!((found.case.as_deref(), found.how), (Some("a"), How::Queued));
    assert!(found.reason.contains("signalled the fence x y 3:1, which thread 101"), "{}", found.reason);
    assert_eq!(found.call.map(|call| call.ioctl).as_deref(), Some("DRM_IOCTL_SYNCOBJ_CREATE"));
}
