//! Orders that are predicted of recordings that went well hang when they are followed, by the rules of fences alone.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode, section};
use fencelab_fences::graph::Nobody;
use fencelab_fences::predict::{Moment as Predicted, Witness};
use fencelab_fences::{Options as AnalysisOptions, analyse};
use fencelab_replay::{Devices, Moment, Options, Order, Timing, convert, minimize};
use fencelab_scenario::{Expect, Verdict, simulate};
use fencelab_trace::Session;
use pool::{Pool, Record, Thread};

/// include/uapi/drm/drm.h
const CREATE: u32 = 0xc008_64bf;
const WAIT: u32 = 0xc020_64c3;
const RESET: u32 = 0xc010_64c4;
const SIGNAL: u32 = 0xc010_64c5;
const ALL_FOR_SUBMIT: u32 = 3;

fn ioctl(enter: u64, exit: u64, request: u32) -> Record {
    Record::new(Kind::Ioctl, enter, exit).fd(3).request(request).class(FdClass::Drm(Driver::VirtioGpu))
}

fn array(at: u64, request: u32) -> Record {
    ioctl(at, at + 1, request).words(&[1, 0, 1, 0]).section(1, 0, 1, &1u32.to_le_bytes())
}

/// A parent signals a sync object; one of its children waits for it, and the other empties it later.
fn racy() -> Session {
    let mut pool = Pool::new(Vec::new(), 1 << 20, Mode::Stop);
    let parent = pool.process(100, 1, Entry::Preload, None, "/usr/bin/racy", 1);
    let mut threads: Vec<Thread> = vec![pool.thread(parent, 100, 100)];
    let open = Record::new(Kind::Open, 10, 11).fd(3).result(3).request(0x2);
    let open = open.text(section::PATH, "/dev/dri/renderD128").text(section::DRIVER, "virtio_gpu");
    pool.record(&mut threads[0], &open);
    pool.record(&mut threads[0], &ioctl(22, 23, CREATE).words(&[1, 0]));
    pool.record(&mut threads[0], &array(50, SIGNAL));
    for (at, pid) in [(100, 200), (110, 300)] {
        pool.record(&mut threads[0], &Record::new(Kind::Fork, at, at + 5).result(pid as i32));
        let child = pool.process(pid, 100, Entry::Fork, Some(0), "/usr/bin/racy", at + 2);
        threads.push(pool.thread(child, pid, pid));
    }
    let words = [1, 0, u32::MAX, 0x7fff_ffff, 1, ALL_FOR_SUBMIT, 0, 0];
    let enter = Record { kind: Kind::IoctlEnter, ..ioctl(200, 0, WAIT) };
    pool.record(&mut threads[1], &enter.words(&words).section(1, 0, 1, &1u32.to_le_bytes()));
    let exit = Record { kind: Kind::IoctlExit, ..ioctl(200, 210, WAIT) };
    pool.record(&mut threads[1], &exit.words(&words));
    pool.record(&mut threads[2], &array(300, RESET));
    threads.iter().for_each(|thread| pool.flush(thread));
    Session::from_pool(pool.finish()).unwrap()
}

fn options(order: Option<Order>) -> Options {
    Options {
        pids: Vec::new(),
        between_ns: None,
        timing: Timing::Fast,
        syncobjs_on: None,
        jobs_on: "software".into(),
        lasted: HashMap::new(),
        order,
        expect: Expect::Hang,
    }
}

fn order(witness: &Witness) -> Order {
    let moment = |moment| if moment == Predicted::Begin { Moment::Begin } else { Moment::End };
    let steps = witness.steps.iter().map(|step| (step.call.into(), moment(step.moment)));
    Order { from_ns: witness.recorded_until_ns, steps: steps.collect() }
}

#[test]
fn the_recorded_order_goes_well_and_the_predicted_one_hangs() {
    let session = racy();
    let recorded = convert(&session, &options(None)).unwrap();
    assert_eq!(simulate(&recorded.scenario).verdict, Verdict::Clean, "{}", recorded.scenario);
    let findings = analyse(&session, AnalysisOptions::default(), &Nobody).unwrap().findings;
    let witness = findings.iter().find_map(|finding| finding.order.as_ref()).unwrap();
    let predicted = convert(&session, &options(Some(order(witness)))).unwrap().scenario;
    let outcome = simulate(&predicted);
    assert_eq!(outcome.verdict, Verdict::D3, "{predicted}");
    let small =
        minimize(&predicted, Devices::Kept, &mut |candidate| simulate(candidate).verdict == Verdict::D3)
            .scenario;
    assert!(small.len() <= 3, "{small}");
}
