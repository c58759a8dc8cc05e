//! Programs that went well and need not have: what is predicted of them, and of those that look alike and are sound.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode, section};
use fencelab_fences::finding::{Finding, Kind as Found};
use fencelab_fences::graph::Nobody;
use fencelab_fences::predict::{Moment, Op, Witness};
use fencelab_fences::{Options, analyse};
use fencelab_trace::Session;
use pool::{Pool, Record, Thread};

/// include/uapi/drm/drm.h, include/uapi/drm/amdgpu_drm.h, drivers/dma-buf/sw_sync.c
const CREATE: u32 = 0xc008_64bf;
const IMPORT: u32 = 0xc010_64c2;
const WAIT: u32 = 0xc020_64c3;
const RESET: u32 = 0xc010_64c4;
const SIGNAL: u32 = 0xc010_64c5;
const TIMELINE_SIGNAL: u32 = 0xc018_64cd;
const TIMELINE_WAIT: u32 = 0xc028_64ca;
const CS: u32 = 0xc018_6444;
const SW_FENCE: u32 = 0xc028_5700;
const SW_INC: u32 = 0x4004_5701;

const ALL: u32 = 1;
const FOR_SUBMIT: u32 = 2;

/// Three processes: a parent, and two children that it forks; all have one open device as fd 3.
struct Stage {
    pool: Pool<Vec<u8>>,
    threads: Vec<Thread>,
}

const PARENT: usize = 0;
const ONE: usize = 1;
const TWO: usize = 2;

impl Stage {
    fn new(driver: Driver) -> Self {
        let mut pool = Pool::new(Vec::new(), 1 << 20, Mode::Stop);
        let parent = pool.process(100, 1, Entry::Preload, None, "/usr/bin/racy", 1);
        let mut thread = pool.thread(parent, 100, 100);
        let open = Record::new(Kind::Open, 10, 11).fd(3).result(3).request(0x2);
        let open = open.text(section::PATH, "/dev/dri/renderD128");
        pool.record(&mut thread, &open.text(section::DRIVER, driver.name().unwrap()));
        Self { pool, threads: vec![thread] }
    }

    fn put(&mut self, who: usize, record: &Record) {
        self.pool.record(&mut self.threads[who], record);
    }

    /// The parent forks both children, after which it does nothing more.
    fn fork(&mut self, at: u64) {
        for (index, pid) in [(0, 200), (1, 300)] {
            let at = at + index * 10;
            self.put(PARENT, &Record::new(Kind::Fork, at, at + 5).result(pid as i32));
            let child = self.pool.process(pid, 100, Entry::Fork, Some(0), "/usr/bin/racy", at + 2);
            let thread = self.pool.thread(child, pid, pid);
            self.threads.push(thread);
        }
    }

    fn create(&mut self, handle: u32) {
        let at = 20 + u64::from(handle) * 2;
        self.put(PARENT, &ioctl(at, at + 1, CREATE).words(&[handle, 0]));
    }

    fn signal(&mut self, who: usize, at: u64, handle: u32) {
        self.put(who, &handles(ioctl(at, at + 1, SIGNAL).words(&[1, 0, 1, 0]), &[handle]));
    }

    fn reset(&mut self, who: usize, at: u64, handles_of: &[u32]) {
        let count = handles_of.len() as u32;
        self.put(who, &handles(ioctl(at, at + 1, RESET).words(&[1, 0, count, 0]), handles_of));
    }

    fn wait(&mut self, who: usize, between: (u64, u64), handles_of: &[u32], flags: u32) {
        let count = handles_of.len() as u32;
        let words = [1, 0, u32::MAX, 0x7fff_ffff, count, flags, 0, 0];
        let enter = Record { kind: Kind::IoctlEnter, ..ioctl(between.0, 0, WAIT) };
        self.put(who, &handles(enter.words(&words), handles_of));
        let exit = Record { kind: Kind::IoctlExit, ..ioctl(between.0, between.1, WAIT) };
        self.put(who, &exit.words(&words));
    }

    fn session(mut self) -> Session {
        self.threads.iter().for_each(|thread| self.pool.flush(thread));
        Session::from_pool(self.pool.finish()).unwrap()
    }

    fn predicted(self) -> Vec<Finding> {
        let findings = analyse(&self.session(), Options::default(), &Nobody).unwrap().findings;
        assert!(findings.iter().all(|finding| finding.kind == Found::Predicted), "{findings:#?}");
        findings
    }

    /// The one thing that is predicted.
    fn only(self) -> (Finding, Witness) {
        let findings = self.predicted();
        let [finding] = &findings[..] else { panic!("{findings:#?}") };
        (finding.clone(), finding.order.clone().unwrap())
    }
}

fn ioctl(enter: u64, exit: u64, request: u32) -> Record {
    Record::new(Kind::Ioctl, enter, exit).fd(3).request(request).class(FdClass::Drm(Driver::VirtioGpu))
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn handles(record: Record, of: &[u32]) -> Record {
    record.section(1, 0, of.len() as u16, &bytes(of))
}

/// Whether the order has the one step before the other.
fn is_before(witness: &Witness, one: (Op, Moment), other: (Op, Moment)) -> bool {
    let place = |of: (Op, Moment)| witness.steps.iter().position(|step| (step.call, step.moment) == of);
    place(one).unwrap() < place(other).unwrap_or(usize::MAX)
}

/// A sync object is signalled, one child waits for it, the other empties it when it thinks that all have.
fn reset_while_waited_on() -> Stage {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    stage.fork(100);
    stage.wait(ONE, (200, 210), &[1], ALL | FOR_SUBMIT);
    stage.reset(TWO, 300, &[1]);
    stage
}

#[test]
fn a_reset_that_may_come_before_a_wait_is_predicted() {
    let (finding, witness) = reset_while_waited_on().only();
    assert_eq!(witness.reaches, Found::Orphan);
    assert_eq!(witness.swapped, (Op(1, 0), Op(2, 0)));
    assert_eq!(witness.stuck, [Op(1, 0)]);
    assert!(is_before(&witness, (Op(2, 0), Moment::End), (Op(1, 0), Moment::Begin)), "{witness:?}");
    assert_eq!(finding.heading(), "D4 predicted: orphan wait");
    for word in ["racy[300]", "SYNCOBJ_RESET", "SYNCOBJ_WAIT", "racy[200]", "syncobj:1"] {
        assert!(finding.sentence.contains(word), "{word}: {}", finding.sentence);
    }
    assert!(finding.calls.iter().all(|call| !call.text.is_empty()), "{:?}", finding.calls);
}

#[test]
fn every_step_of_an_order_is_a_recorded_call_in_its_threads_order() {
    let (_, witness) = reset_while_waited_on().only();
    let session = reset_while_waited_on().session();
    let mut last = std::collections::HashMap::new();
    for step in &witness.steps {
        assert!(session.calls().any(|call| Op::from(call) == step.call), "{step:?}");
        let place = (step.call.1, step.moment == Moment::End);
        let before = last.insert(step.call.0, place);
        assert!(before.is_none_or(|before| before < place), "{step:?}");
    }
}

#[test]
fn with_a_socket_between_them_it_may_be_no_chance() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    let pair = Record::new(Kind::SocketPair, 12, 13).class(FdClass::Socket);
    stage.put(PARENT, &pair.fds(&[5, 6]));
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    stage.fork(100);
    stage.wait(ONE, (200, 210), &[1], ALL | FOR_SUBMIT);
    stage.reset(TWO, 300, &[1]);
    assert_eq!(stage.predicted(), []);
}

#[test]
fn what_a_child_did_before_its_end_comes_before_what_its_parent_does_then() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    stage.fork(100);
    stage.wait(ONE, (200, 210), &[1], ALL | FOR_SUBMIT);
    stage.reset(PARENT, 300, &[1]);
    assert_eq!(stage.predicted(), []);
}

#[test]
fn threads_of_one_process_that_were_not_seen_together_are_taken_to_be_in_order() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    let second = stage.pool.thread(0, 100, 101);
    stage.threads.push(second);
    stage.wait(PARENT, (200, 210), &[1], ALL | FOR_SUBMIT);
    stage.reset(1, 300, &[1]);
    assert_eq!(stage.predicted(), []);
}

#[test]
fn a_thread_that_has_waited_for_a_while_may_have_been_seen_to_wait() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    let second = stage.pool.thread(0, 100, 101);
    stage.threads.push(second);
    stage.wait(PARENT, (200, 200_000), &[1], ALL | FOR_SUBMIT);
    stage.reset(1, 150_000, &[1]);
    assert_eq!(stage.predicted(), []);
}

#[test]
fn threads_of_one_process_that_began_at_the_same_time_are_not() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.signal(PARENT, 50, 1);
    let second = stage.pool.thread(0, 100, 101);
    stage.threads.push(second);
    stage.wait(PARENT, (200, 310), &[1], ALL | FOR_SUBMIT);
    stage.reset(1, 300, &[1]);
    assert_eq!(stage.only().1.stuck, [Op(0, 3)]);
}

#[test]
fn a_wait_for_any_that_takes_what_another_waits_for_is_predicted() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    (1..=2).for_each(|handle| stage.create(handle));
    stage.signal(PARENT, 50, 1);
    stage.signal(PARENT, 60, 2);
    stage.fork(100);
    stage.wait(TWO, (200, 210), &[2], ALL | FOR_SUBMIT);
    stage.wait(ONE, (300, 310), &[1, 2], FOR_SUBMIT);
    stage.reset(ONE, 320, &[1, 2]);
    let (finding, witness) = stage.only();
    assert_eq!((witness.reaches, &witness.stuck[..]), (Found::Orphan, &[Op(2, 0)][..]));
    assert!(finding.culprit.contains("syncobj:2"), "{}", finding.culprit);
}

#[test]
fn a_wait_that_does_not_wait_for_a_submit_is_predicted_to_be_refused() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.fork(100);
    stage.signal(ONE, 200, 1);
    stage.wait(TWO, (300, 310), &[1], ALL);
    let (finding, witness) = stage.only();
    assert_eq!(witness.reaches, Found::Refused);
    assert!(finding.sentence.contains("EINVAL"), "{}", finding.sentence);
}

#[test]
fn a_wait_that_does_wait_for_a_submit_is_sound() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.fork(100);
    stage.signal(ONE, 200, 1);
    stage.wait(TWO, (300, 310), &[1], ALL | FOR_SUBMIT);
    assert_eq!(stage.predicted(), []);
}

#[test]
fn a_fence_that_takes_the_place_of_one_that_is_waited_for_is_predicted() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    (1..=2).for_each(|handle| stage.create(handle));
    stage.signal(PARENT, 50, 1);
    software_fence(&mut stage, 60, 1);
    stage.fork(100);
    // One waits, and only then lets the timeline go on; two puts the timeline's fence where one waits.
    stage.wait(ONE, (200, 210), &[1], ALL | FOR_SUBMIT);
    stage.put(ONE, &step(220));
    stage.put(TWO, &import(300, 1));
    let (_, witness) = stage.only();
    assert_eq!((witness.reaches.rule(), &witness.stuck[..]), (Some("D2"), &[Op(1, 0)][..]));
}

/// A software timeline as fd 7 and a fence at its next value as fd 8, both made by the parent.
fn software_fence(stage: &mut Stage, at: u64, value: u32) {
    let open = Record::new(Kind::Open, at, at + 1).fd(7).result(7).request(0x2);
    stage.put(PARENT, &open.text(section::PATH, "/sys/kernel/debug/sync/sw_sync"));
    let mut words = [0; 10];
    (words[0], words[9]) = (value, 8);
    let fence = Record::new(Kind::Ioctl, at + 2, at + 3).fd(7).request(SW_FENCE).class(FdClass::SwSync);
    stage.put(PARENT, &fence.words(&words));
}

fn step(at: u64) -> Record {
    Record::new(Kind::Ioctl, at, at + 1).fd(7).request(SW_INC).class(FdClass::SwSync).words(&[1])
}

/// A sync_file's fence goes into a sync object.
fn import(at: u64, handle: u32) -> Record {
    ioctl(at, at + 1, IMPORT).words(&[handle, 1, 8, 0])
}

#[test]
fn two_submits_to_one_queue_in_the_other_order_are_predicted() {
    let mut stage = Stage::new(Driver::Amdgpu);
    (1..=2).for_each(|handle| stage.create(handle));
    software_fence(&mut stage, 60, 1);
    stage.put(PARENT, &import(70, 1));
    submit(&mut stage, PARENT, 80, None, None);
    stage.fork(100);
    // Two hands over work, waits for it, and then lets the fence go that one's work waits for.
    submit(&mut stage, TWO, 200, None, Some(2));
    stage.wait(TWO, (210, 220), &[2], ALL | FOR_SUBMIT);
    stage.put(TWO, &step(230));
    submit(&mut stage, ONE, 300, Some(1), None);
    let (finding, witness) = stage.only();
    assert_eq!(witness.stuck, [Op(2, 1)]);
    assert!(is_before(&witness, (Op(1, 0), Moment::Begin), (Op(2, 0), Moment::Begin)), "{witness:?}");
    assert!(finding.sentence.contains("sw-sync:1"), "{}", finding.sentence);
}

/// Work on the device's one context that waits for one sync object and signals another.
fn submit(stage: &mut Stage, who: usize, at: u64, waits: Option<u32>, signals: Option<u32>) {
    // AMDGPU_CHUNK_ID_SYNCOBJ_IN is 4, _OUT is 5; struct drm_amdgpu_cs_chunk.
    let chunks: Vec<(u32, u32)> =
        waits.map(|handle| (4, handle)).into_iter().chain(signals.map(|handle| (5, handle))).collect();
    let list: Vec<u32> = chunks.iter().flat_map(|(id, _)| [*id, 1, 0x1000, 0]).collect();
    let mut record = ioctl(at, at + 1, CS).class(FdClass::Drm(Driver::Amdgpu)).words(&[77, 0, 0, 0, 0, 0]);
    let count = chunks.len() as u16;
    record = record.section(section::ARG_BEFORE, 0, 24, &bytes(&[1, 0, count.into(), 0, 0x2000, 0]));
    record = record.section(1, 0, count, &bytes(&list));
    for (nth, (_, handle)) in chunks.iter().enumerate() {
        record = record.section(0x11, nth as u16 + 1, 1, &bytes(&[*handle]));
    }
    stage.put(who, &record);
}

#[test]
fn a_point_that_comes_after_a_higher_one_is_no_hang() {
    let mut stage = Stage::new(Driver::VirtioGpu);
    stage.create(1);
    stage.fork(100);
    for (who, at, point) in [(ONE, 200, 1), (TWO, 300, 2)] {
        let record = ioctl(at, at + 1, TIMELINE_SIGNAL).words(&[1, 0, 2, 0, 1, 0]);
        stage.put(who, &handles(record, &[1]).section(2, 0, 1, &bytes(&[point, 0])));
    }
    let words = [1, 0, 2, 0, u32::MAX, 0x7fff_ffff, 1, 3, 0, 0];
    let wait = ioctl(400, 410, TIMELINE_WAIT).words(&words);
    stage.put(ONE, &handles(wait, &[1]).section(2, 0, 1, &bytes(&[2, 0])));
    assert_eq!(stage.predicted(), []);
}
