//! Arguments as they are shown, in sessions that are built.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::pool::{Pool, Record};
use common::request::{SYNCOBJ_CREATE, SYNCOBJ_WAIT};
use common::{ioctl, lines, one, session};
use fencelab_abi::process::{Entry, blind};
use fencelab_abi::{Driver, FdClass, Kind, Mode, flags};
use fencelab_trace::UNREAD;
use fencelab_trace::view::summary;

const GPU: Driver = Driver::VirtioGpu;
const EFAULT: i32 = -14;

fn name(at: u64, request: u32, name: &[u8]) -> Record {
    let mut record = Record::new(Kind::Ioctl, at, at + 1).fd(3).class(FdClass::DmaBuf).request(request);
    record.flags |= flags::ARG;
    record.payload = name.to_vec();
    record.payload.resize(8, 0xee);
    record
}

/// include/uapi/linux/dma-buf.h: the sizes are those of a u32 and a u64, and say nothing of the name's.
#[test]
fn a_buffers_name_is_text_as_far_as_it_was_recorded() {
    const SET_NAME_A: u32 = 0x4004_6201;
    const SET_NAME_B: u32 = 0x4008_6201;
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &name(10, SET_NAME_B, b"hello\0na"));
    pool.record(&mut a, &name(20, SET_NAME_B, b"a longer"));
    pool.record(&mut a, &name(30, SET_NAME_A, b"abc\0"));
    pool.record(&mut a, &name(40, SET_NAME_A, b"abcd"));
    let shown = lines(&session(pool, &[&a]));
    let shown: Vec<&str> =
        shown.iter().filter_map(|line| line.split_once("DMA_BUF_")).map(|(_, name)| name).collect();
    let expected =
        ["SET_NAME_B, \"hello\") = 0", "SET_NAME_B, \"a longer\"...) = 0", "SET_NAME_A, \"abc\") = 0"];
    assert_eq!(shown[..3], expected);
    assert_eq!(shown[3], "SET_NAME_A, \"abcd\"...) = 0");
}

fn wait(at: u64, count: u32) -> Record {
    let record = ioctl(at, 3, GPU, SYNCOBJ_WAIT).words(&[0x1000, 0, 0, 0, count, 0, 0, 0]).result(EFAULT);
    record.section(1, 0, count.min(65535) as u16, &[])
}

#[test]
fn as_many_elements_are_missing_as_were_passed() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &wait(10, 3));
    pool.record(&mut a, &wait(20, u32::MAX));
    let shown = lines(&session(pool, &[&a]));
    assert!(shown[0].contains("handles=[and 3 more]"), "{shown:?}");
    assert!(shown[1].contains("handles=[and 4294967295 more]"), "{shown:?}");
}

/// The summary of a session with calls of which the arguments could not be read: one that returned, and maybe one that did not.
fn unread(hangs: bool) -> String {
    let (mut pool, mut a, _) = one();
    let unread = |record: Record| Record { flags: flags::UNREAD, ..record };
    pool.record(&mut a, &unread(ioctl(10, 3, GPU, SYNCOBJ_CREATE).result(EFAULT)));
    let enter = |at| Record { exit: 0, kind: Kind::IoctlEnter, ..unread(ioctl(at, 3, GPU, SYNCOBJ_WAIT)) };
    pool.record(&mut a, &enter(20));
    let exit = unread(ioctl(20, 3, GPU, SYNCOBJ_WAIT).result(EFAULT));
    pool.record(&mut a, &Record { exit: 30, kind: Kind::IoctlExit, ..exit });
    if hangs {
        pool.record(&mut a, &enter(40));
    }
    summary(&session(pool, &[&a]))
}

#[test]
fn only_what_never_returned_stays_unread() {
    assert!(!unread(false).contains("blind"), "{}", unread(false));
    assert!(unread(true).contains(&format!("#     blind: {UNREAD}\n")), "{}", unread(true));
    let poll: Vec<&str> = fencelab_trace::blind_spots(blind::UNREAD).collect();
    assert_eq!(poll, ["lists of fds of some polls could not be read: those polls are not recorded"]);
}

#[test]
fn a_flight_recorder_that_wrapped_is_not_incomplete() {
    for (mode, words) in [(Mode::Flight, "# newer records took the place"), (Mode::Stop, "# INCOMPLETE")] {
        let mut pool = Pool::new(Vec::new(), 1 << 20, mode);
        let process = pool.process(100, 1, Entry::Preload, None, "/usr/bin/one", 1);
        let mut a = pool.thread(process, 100, 100);
        (a.sequence, a.dropped) = (5, 80);
        a.full();
        pool.record(&mut a, &ioctl(10, 3, GPU, SYNCOBJ_CREATE).words(&[1, 0]));
        let text = summary(&session(pool, &[&a]));
        assert!(text.contains(words), "{text}");
        assert_eq!(text.contains("INCOMPLETE"), mode == Mode::Stop, "{text}");
    }
}

#[test]
fn a_process_that_confines_itself_does_so_with_success() {
    let (mut pool, mut a, _) = one();
    for (at, number) in [(10, 161), (20, 105), (30, 317)] {
        pool.record(&mut a, &Record::new(Kind::Confined, at, at).request(number));
    }
    assert_eq!(
        lines(&session(pool, &[&a])),
        ["100 chroot(...) = 0", "100 setuid(...) = 0", "100 seccomp(...)"]
    );
}
