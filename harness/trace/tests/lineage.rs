//! Objects followed through processes, drivers and numbers that are used again, in sessions that are built.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::pool::Record;
use common::request::*;
use common::{close, ioctl, life, lines, one, open, pool, session};
use fencelab_abi::kind::{MSG_CTRUNC, MSG_PEEK};
use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, section};
use fencelab_trace::Model;
use fencelab_trace::model::{Access, Effect, ObjectKind, Origin, Target};

const GPU: Driver = Driver::VirtioGpu;

#[test]
fn a_number_that_is_used_again_is_another_object() {
    let (mut pool, mut a, _) = one();
    let create = |at| ioctl(at, 3, GPU, SYNCOBJ_CREATE).words(&[1, 0]);
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &create(20));
    pool.record(&mut a, &ioctl(30, 3, GPU, SYNCOBJ_DESTROY).words(&[1, 0]));
    pool.record(&mut a, &create(40));
    pool.record(&mut a, &close(50, 3, FdClass::Drm(GPU)));
    pool.record(&mut a, &open(60, 3, "virtio_gpu"));
    pool.record(&mut a, &create(70));
    let session = session(pool, &[&a]);
    let shown = lines(&session);
    let named: Vec<&str> =
        shown.iter().filter_map(|line| line.split_once("handle=")?.1.split(',').next()).collect();
    assert_eq!(named, ["syncobj:1", "syncobj:1}) = 0", "syncobj:2", "syncobj:3"]);
    // The file's close takes its second sync object along.
    assert_eq!(
        life(&session, "syncobj:2").last().unwrap(),
        "syncobj:2 loses handle 1 of drm-file:1; syncobj:2 ends: no name of it is left"
    );
}

#[test]
fn what_one_thread_closes_another_may_be_given_before_the_close_returns() {
    let (mut pool, mut a, process) = one();
    let mut b = pool.thread(process, 100, 101);
    pool.record(&mut a, &open(10, 5, "virtio_gpu"));
    pool.record(&mut a, &Record { exit: 200, ..close(100, 5, FdClass::Drm(GPU)) });
    pool.record(&mut b, &Record { exit: 150, ..open(110, 5, "virtio_gpu") });
    pool.record(&mut b, &ioctl(300, 5, GPU, SYNCOBJ_CREATE).words(&[1, 0]));
    let shown = lines(&session(pool, &[&a, &b]));
    assert!(shown[1].starts_with("100 close(5<drm-file:1 "), "{shown:#?}");
    assert!(shown[3].starts_with("100 ioctl(5<drm-file:2 "), "{shown:#?}");
}

#[test]
fn a_forked_child_has_its_parents_fds_as_they_were() {
    let (mut pool, mut a, parent) = one();
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &Record::new(Kind::Fork, 20, 40).result(200));
    pool.record(&mut a, &close(25, 3, FdClass::Drm(GPU)));
    let child = pool.process(200, 100, Entry::Fork, Some(parent), "/usr/bin/one", 30);
    let mut b = pool.thread(child, 200, 200);
    pool.record(&mut b, &ioctl(50, 3, GPU, SYNCOBJ_CREATE).words(&[7, 0]));
    let shown = lines(&session(pool, &[&a, &b]));
    assert!(shown.last().unwrap().contains("ioctl(3<drm-file:1 virtio_gpu>"), "{shown:#?}");
}

#[test]
fn an_exec_keeps_what_the_new_program_says_it_has() {
    let (mut pool, mut a, _) = one();
    let keep = Record::new(Kind::Dup, 20, 21).fd(3).class(FdClass::Drm(GPU)).result(8);
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &keep);
    pool.record(&mut a, &Record::new(Kind::Exec, 30, 0).text(section::PATH, "/usr/bin/two"));
    let after = pool.process(100, 1, Entry::Preload, None, "/usr/bin/two", 40);
    let mut b = pool.thread(after, 100, 100);
    let inherited = Record::new(Kind::Inherited, 41, 0).fd(8).class(FdClass::Drm(GPU));
    pool.record(
        &mut b,
        &inherited.text(section::PATH, "/dev/dri/renderD128").text(section::DRIVER, "virtio_gpu"),
    );
    pool.record(&mut b, &ioctl(50, 8, GPU, SYNCOBJ_CREATE).words(&[7, 0]));
    pool.record(&mut b, &ioctl(60, 3, GPU, SYNCOBJ_CREATE).words(&[8, 0]));
    let session = session(pool, &[&a, &b]);
    let shown = lines(&session);
    assert!(shown[4].contains("ioctl(8<drm-file:1 virtio_gpu>"), "{shown:#?}");
    // O_CLOEXEC closed fd 3: what is there now, nobody saw come.
    assert!(shown[5].contains("ioctl(3<drm-file:2 virtio_gpu>"), "{shown:#?}");
    assert_eq!(
        life(&session, "drm-file:2")[0],
        "drm-file:2 is opaque: where it came from was not seen; drm-file:2 gets fd 3"
    );
}

/// Two sync_files of a program that an exec replaces, and how its next program, which says so of both, knows them.
fn two_over_an_exec(recorded: bool) -> Vec<String> {
    let (mut pool, mut a, _) = one();
    for (at, made) in [(10, 4), (20, 5)] {
        pool.record(&mut a, &ioctl(at, 3, GPU, HANDLE_TO_FD).words(&[1, 1, made, 0]));
    }
    if recorded {
        pool.record(&mut a, &Record::new(Kind::Exec, 30, 0).text(section::PATH, "/usr/bin/two"));
    }
    let after = pool.process(100, 1, Entry::Preload, None, "/usr/bin/two", 40);
    let mut b = pool.thread(after, 100, 100);
    for (at, fd) in [(41, 4), (42, 5)] {
        let inherited = Record::new(Kind::Inherited, at, 0).fd(fd).class(FdClass::SyncFile);
        pool.record(&mut b, &inherited.text(section::PATH, "anon_inode:sync_file"));
    }
    let shown = lines(&session(pool, &[&a, &b]));
    shown.iter().filter_map(|line| Some(line.split_once("started with ")?.1.to_owned())).collect()
}

/// A sync_file is made with FD_CLOEXEC; fcntl, which takes that away, is not recorded.
#[test]
fn an_exec_renumbers_nothing() {
    let expected =
        ["4<sync-file:1>", "5<sync-file:2>"].map(|fd| format!("{fd} open on \"anon_inode:sync_file\""));
    assert_eq!(two_over_an_exec(true), expected);
    assert_eq!(two_over_an_exec(false), expected);
}

#[test]
fn an_fd_that_is_replaced_by_another_file_is_no_longer_what_it_was() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &open(10, 4, "virtio_gpu"));
    pool.record(&mut a, &Record::new(Kind::Dup, 20, 21).fd(1).result(4));
    // Whatever the recorder still takes them for.
    pool.record(&mut a, &Record::new(Kind::Dup, 25, 26).fd(4).class(FdClass::Drm(GPU)).result(5));
    pool.record(&mut a, &close(30, 5, FdClass::Drm(GPU)));
    pool.record(&mut a, &close(40, 4, FdClass::Drm(GPU)));
    pool.record(&mut a, &close(50, 4, FdClass::Drm(GPU)));
    let session = session(pool, &[&a]);
    let shown = lines(&session);
    assert_eq!(shown[1..5], ["100 dup(1) = 4", "100 dup(4) = 5", "100 close(5) = 0", "100 close(4) = 0"]);
    assert_eq!(shown[5], "100 close(4<drm-file:2 virtio_gpu>) = 0", "an fd that nobody saw come");
    assert_eq!(
        life(&session, "drm-file:1").last().unwrap(),
        "drm-file:1 loses fd 4; drm-file:1 ends: no name of it is left"
    );
}

#[test]
fn what_takes_a_number_is_named_by_it() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &open(10, 4, "virtio_gpu"));
    pool.record(&mut a, &open(20, 5, "vgem"));
    pool.record(&mut a, &Record::new(Kind::Dup, 30, 31).fd(4).class(FdClass::Drm(GPU)).result(5));
    assert_eq!(
        lines(&session(pool, &[&a]))[2],
        "100 dup(4<drm-file:1 virtio_gpu>) = 5<drm-file:1 virtio_gpu>"
    );
}

#[test]
fn fds_travel_over_a_connection() {
    let (mut pool, mut a, _) = one();
    let server = pool.process(200, 1, Entry::Preload, None, "/usr/bin/server", 2);
    let mut b = pool.thread(server, 200, 200);
    let named =
        |kind, at, fd| Record::new(kind, at, at + 1).fd(fd).section(section::ADDRESS, 0, 9, b"/tmp/sock");
    pool.record(&mut b, &named(Kind::Bind, 5, 4));
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &named(Kind::Connect, 20, 6));
    pool.record(&mut a, &Record::new(Kind::Send, 30, 31).fd(6).class(FdClass::Socket).fds(&[3]));
    pool.record(&mut a, &close(40, 3, FdClass::Drm(GPU)));
    pool.record(&mut b, &Record::new(Kind::Accept, 50, 51).fd(4).class(FdClass::Socket).result(5));
    pool.record(&mut b, &Record::new(Kind::Receive, 60, 61).fd(5).class(FdClass::Socket).fds(&[9]));
    pool.record(&mut b, &ioctl(70, 9, Driver::Other, SYNCOBJ_CREATE).words(&[1, 0]));
    let session = session(pool, &[&a, &b]);
    let shown = lines(&session);
    assert!(shown.last().unwrap().contains("200 ioctl(9<drm-file:1 virtio_gpu>"), "{shown:#?}");
    assert!(!life(&session, "drm-file:1").iter().any(|step| step.contains("ends")), "it was in flight");
}

/// Two messages with a file each, of which the first is `first`; then what `receives` takes of them.
fn two_messages(first: &[i32], receives: &[(u32, &[i32])]) -> Vec<String> {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &Record::new(Kind::SocketPair, 5, 6).fd(20).class(FdClass::Socket).fds(&[20, 21]));
    (3..6).for_each(|fd| pool.record(&mut a, &open(10 + fd as u64, fd, "virtio_gpu")));
    for (at, fds) in [(30, first), (32, &[5])] {
        pool.record(&mut a, &Record::new(Kind::Send, at, at + 1).fd(20).class(FdClass::Socket).fds(fds));
    }
    for (at, (flags, fds)) in (40..).zip(receives) {
        let receive = Record::new(Kind::Receive, at, at).fd(21).class(FdClass::Socket).request(*flags);
        pool.record(&mut a, &receive.fds(fds));
    }
    let shown = lines(&session(pool, &[&a]));
    shown.iter().filter_map(|line| Some(line.split_once("recvmsg(21<socket:2>, ")?.1.to_owned())).collect()
}

#[test]
fn a_message_that_is_looked_at_stays() {
    let shown = two_messages(&[3], &[(MSG_PEEK, &[7]), (0, &[8]), (0, &[9])]);
    assert_eq!(shown[0], "[7<drm-file:1 virtio_gpu>], MSG_PEEK) = 0");
    assert_eq!(shown[1..], ["[8<drm-file:1 virtio_gpu>]) = 0", "[9<drm-file:3 virtio_gpu>]) = 0"]);
}

#[test]
fn a_message_that_found_no_room_is_gone() {
    let shown = two_messages(&[3, 4], &[(MSG_CTRUNC, &[7]), (0, &[8])]);
    assert_eq!(shown, ["[7<drm-file:1 virtio_gpu>], MSG_CTRUNC) = 0", "[8<drm-file:3 virtio_gpu>]) = 0"]);
    let shown = two_messages(&[4], &[(MSG_CTRUNC, &[]), (0, &[8])]);
    assert_eq!(shown[1], "[8<drm-file:3 virtio_gpu>]) = 0");
}

#[test]
fn a_pidfd_brings_another_processs_fd() {
    let (mut pool, mut a, _) = one();
    let other = pool.process(200, 1, Entry::Preload, None, "/usr/bin/other", 2);
    let mut b = pool.thread(other, 200, 200);
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut b, &Record::new(Kind::PidfdOpen, 20, 21).fd(5).request(100).result(5));
    pool.record(
        &mut b,
        &Record::new(Kind::PidfdGetfd, 30, 31).fd(5).class(FdClass::Pidfd).request(3).result(6),
    );
    let shown = lines(&session(pool, &[&a, &b]));
    assert_eq!(shown[2], "200 pidfd_getfd(5<pidfd:1>, 3) = 6<drm-file:1 virtio_gpu>");
}

/// A wait without a target could be taken for one that nobody can end.
#[test]
fn a_poll_of_what_is_not_known_waits_for_the_unknown() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &Record::new(Kind::Receive, 20, 21).fd(5).class(FdClass::Socket).fds(&[7]));
    let poll = |kind, exit| Record::new(kind, 30, exit).fds(&[7]);
    pool.record(&mut a, &poll(Kind::PollEnter, 0).section(section::TIMEOUT, 0, 8, &(-1i64).to_le_bytes()));
    pool.record(&mut a, &poll(Kind::PollExit, 40).result(1));
    let session = session(pool, &[&a]);
    let mut model = Model::new(&session);
    let mut waits = Vec::new();
    while let Some(event) = model.next(&session).unwrap() {
        for effect in event.effects {
            if let Effect::Wait { targets, .. } = effect {
                waits.push(event.targets_of(targets).to_vec());
            }
        }
    }
    assert_eq!(waits, [[Target::Unknown]]);
}

#[test]
fn one_buffer_in_two_devices_is_one_dma_buf() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &open(12, 4, "vgem"));
    pool.record(&mut a, &ioctl(20, 4, Driver::Vgem, DUMB).words(&[16, 16, 32, 0, 1, 64, 1024, 0]));
    pool.record(&mut a, &ioctl(30, 4, Driver::Vgem, PRIME_EXPORT).words(&[1, 2, 7]));
    pool.record(&mut a, &ioctl(40, 4, Driver::Vgem, PRIME_EXPORT).words(&[1, 2, 8]));
    pool.record(&mut a, &ioctl(50, 3, GPU, PRIME_IMPORT).words(&[5, 0, 8]));
    pool.record(&mut a, &ioctl(60, 3, GPU, PRIME_IMPORT).words(&[5, 0, 7]));
    let session = session(pool, &[&a]);
    let shown = lines(&session);
    assert!(shown[3].contains("fd=7<dma-buf:1>") && shown[4].contains("fd=8<dma-buf:1>"), "{shown:#?}");
    assert!(shown[5].contains("handle=gem:2") && shown[6].contains("handle=gem:2"), "{shown:#?}");
    let mut model = Model::new(&session);
    while model.next(&session).unwrap().is_some() {}
    let gems: Vec<_> =
        model.objects().iter().filter(|(_, o)| o.kind == ObjectKind::Gem).map(|(id, _)| id).collect();
    assert_eq!(model.dma_buf(gems[0]), model.dma_buf(gems[1]));
}

/// The effects of one call, at its beginning and end.
fn effects(session: &fencelab_trace::Session, ioctl: &str) -> (Vec<Effect>, Vec<Target>) {
    let mut model = Model::new(session);
    let (mut effects, mut targets) = (Vec::new(), Vec::new());
    while let Some(event) = model.next(session).unwrap() {
        if event.ioctl.is_some_and(|known| known.name == ioctl) {
            effects.extend(event.effects.iter().cloned());
            targets.extend_from_slice(event.targets);
        }
    }
    (effects, targets)
}

/// What a submission waits for and what it signals, as points of sync objects and else by what they are.
fn submission(session: &fencelab_trace::Session, ioctl: &str) -> (Vec<String>, Vec<String>) {
    let (effects, targets) = effects(session, ioctl);
    let text = |target: &Target| match target {
        Target::Point(_, point) => format!("@{point}"),
        Target::Buffer(_, Access::Read) => "read".to_owned(),
        Target::Buffer(_, Access::Write) => "write".to_owned(),
        Target::File(_) => "file".to_owned(),
        Target::Seqno(_, number) => format!("#{number}"),
        other => format!("{other:?}"),
    };
    let submit = effects.iter().find_map(|effect| match effect {
        Effect::Submit { waits, signals, .. } => Some((waits.clone(), signals.clone())),
        _ => None,
    });
    let (waits, signals) = submit.unwrap();
    let all = |range: std::ops::Range<u32>| {
        targets[range.start as usize..range.end as usize].iter().map(text).collect()
    };
    (all(waits), all(signals))
}

#[test]
fn amdgpus_chunks_say_what_a_job_waits_for_and_signals() {
    let (mut pool, mut a, _) = one();
    let chunk = |id: u32, dwords: u32| {
        [id, dwords, 0x1000, 0].into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let chunks = [chunk(4, 1), chunk(9, 4), chunk(3, 6), chunk(8, 8)].concat();
    let submit = ioctl(30, 3, Driver::Amdgpu, AMDGPU_CS)
        .words(&[77, 0, 0, 0, 0, 0])
        .section(section::ARG_BEFORE, 0, 24, &words(&[1, 0, 4, 0, 0x2000, 0]))
        .section(1, 0, 4, &chunks)
        .section(0x11, 1, 1, &words(&[21]))
        .section(0x11, 2, 4, &words(&[22, 0, 5, 0]))
        .section(0x11, 3, 6, &words(&[0, 0, 0, 1, 41, 0]))
        .section(0x11, 4, 8, &words(&[23, 0, 6, 0, 24, 0, 7, 0]));
    pool.record(&mut a, &open(10, 3, "amdgpu"));
    pool.record(&mut a, &submit);
    let session = session(pool, &[&a]);
    let (waits, signals) = submission(&session, "DRM_IOCTL_AMDGPU_CS");
    assert_eq!(
        (waits, signals),
        (["@0", "#41", "@6", "@7"].map(String::from).to_vec(), vec!["@5".to_owned()])
    );
    let line = lines(&session).pop().unwrap();
    assert!(line.contains("{chunk_id=SYNCOBJ_TIMELINE_WAIT, data=[syncobj:3@6, syncobj:4@7]}"), "{line}");
}

#[test]
fn i915s_timeline_extension_pairs_handles_with_points() {
    let (mut pool, mut a, _) = one();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    // struct drm_i915_gem_execbuffer_ext_timeline_fences, two fences.
    let extension = words(&[0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x3000, 0, 0x4000, 0]);
    let object = [words(&[5, 0]), vec![0; 24], words(&[4, 0]), vec![0; 16]].concat();
    let argument = [0x1000, 0, 1, 0, 0, 0, 0, 0, 0x2000, 0, 1 << 21, 0, 9, 0, 0, 0];
    let submit = ioctl(30, 3, Driver::I915, I915_EXEC)
        .words(&argument)
        .section(1, 0, 1, &object)
        .section(3, 0, 1, &extension)
        .section(0x13, 1, 2, &words(&[21, 1, 22, 2]))
        .section(0x23, 1, 2, &words(&[4, 0, 5, 0]));
    pool.record(&mut a, &open(10, 3, "i915"));
    pool.record(&mut a, &submit);
    let session = session(pool, &[&a]);
    let (waits, signals) = submission(&session, "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR");
    assert_eq!((waits, signals), (vec!["@4".to_owned()], vec!["write".to_owned(), "@5".to_owned()]));
    let line = lines(&session).pop().unwrap();
    assert!(
        line.contains("handles_ptr=[{handle=syncobj:1@4, flags=WAIT}, {handle=syncobj:2@5, flags=SIGNAL}]"),
        "{line}"
    );
}

#[test]
fn xes_syncs_tell_by_their_flags() {
    let (mut pool, mut a, _) = one();
    let sync = |kind: u32, flags: u32, handle: u32, point: u32| {
        [0, 0, kind, flags, handle, 0, point, 0, 0, 0, 0, 0]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let syncs = [sync(0, 0, 21, 0), sync(1, 1, 22, 8), sync(2, 1, 0x5000, 1)].concat();
    let argument = [0, 0, 4, 3, 0x1000, 0, 0, 0, 1, 0, 0, 0, 0, 0];
    pool.record(&mut a, &open(10, 3, "xe"));
    pool.record(&mut a, &ioctl(30, 3, Driver::Xe, XE_EXEC).words(&argument).section(1, 0, 3, &syncs));
    let session = session(pool, &[&a]);
    let (waits, signals) = submission(&session, "DRM_IOCTL_XE_EXEC");
    assert_eq!((waits, signals), (vec!["@0".to_owned()], vec!["@8".to_owned(), "Unknown".to_owned()]));
}

#[test]
fn a_commit_has_in_fences_and_out_fences() {
    let (mut pool, mut a, _) = one();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let export = ioctl(20, 3, GPU, HANDLE_TO_FD).words(&[1, 1, 9, 0]);
    let commit = ioctl(30, 3, GPU, ATOMIC)
        .words(&[0x200, 1, 0, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0])
        .section(1, 0, 1, &words(&[40]))
        .section(2, 0, 1, &words(&[2]))
        .section(3, 0, 2, &words(&[17, 18]))
        .section(4, 0, 2, &words(&[9, 0, 0x7000, 0]))
        .section(section::OUT_FENCES, 0, 1, &words(&[40, 18, 11, 0]));
    pool.record(&mut a, &open(10, 3, "virtio_gpu"));
    pool.record(&mut a, &ioctl(15, 3, GPU, SYNCOBJ_CREATE).words(&[1, 0]));
    pool.record(&mut a, &export);
    pool.record(&mut a, &commit);
    let session = session(pool, &[&a]);
    assert_eq!(submission(&session, "DRM_IOCTL_MODE_ATOMIC"), (vec!["file".to_owned()], vec![]));
    let line = lines(&session).pop().unwrap();
    assert!(
        line.contains("flags=NONBLOCK") && line.contains("out-fences: [11<sync-file:2> of object 40]"),
        "{line}"
    );
    assert_eq!(life(&session, "sync-file:1").last().unwrap(), "the work waits for sync-file:1");
}

#[test]
fn fences_go_into_a_buffer_and_out_of_it() {
    let (mut pool, mut a, _) = one();
    let on = |at, request| Record::new(Kind::Ioctl, at, at + 1).fd(7).request(request).class(FdClass::DmaBuf);
    pool.record(&mut a, &on(10, FENCES_OUT).words(&[1, 8]));
    pool.record(&mut a, &on(20, FENCES_IN).words(&[2, 8]));
    let session = session(pool, &[&a]);
    let expected = ["fences of dma-buf:1 go to sync-file:1", "fences of sync-file:1 are added to dma-buf:1"];
    let steps = life(&session, "sync-file:1");
    assert!(expected.iter().all(|step| steps.iter().any(|found| found.contains(step))), "{steps:#?}");
}

#[test]
fn what_is_opaque_says_so() {
    let (mut pool, mut a, _) = one();
    pool.record(&mut a, &ioctl(20, 3, GPU, SYNCOBJ_DESTROY).words(&[4, 0]));
    let session = session(pool, &[&a]);
    let mut model = Model::new(&session);
    while model.next(&session).unwrap().is_some() {}
    let origins: Vec<_> = model.objects().iter().map(|(_, object)| (object.kind, object.origin)).collect();
    assert_eq!(origins, [(ObjectKind::DrmFile, Origin::Unseen), (ObjectKind::Syncobj, Origin::Unseen)]);
}

#[test]
fn a_refused_ioctl_says_nothing_of_its_fd() {
    let (mut pool, mut a, _) = one();
    let refused = Record::new(Kind::Ioctl, 20, 21).fd(3).request(SYNCOBJ_DESTROY).result(-25).words(&[4, 0]);
    pool.record(&mut a, &refused);
    let session = session(pool, &[&a]);
    assert_eq!(lines(&session), ["100 ioctl(3, DRM_IOCTL_SYNCOBJ_DESTROY, {handle=4}) = -1 ENOTTY"]);
    let mut model = Model::new(&session);
    while model.next(&session).unwrap().is_some() {}
    assert!(model.objects().is_empty());
}

#[test]
fn programs_start_with_nothing_that_was_not_seen() {
    let mut pool = pool();
    let process = pool.process(300, 1, Entry::Preload, None, "/usr/bin/late", 5);
    let mut a = pool.thread(process, 300, 300);
    let inherited = Record::new(Kind::Inherited, 6, 0).fd(4).class(FdClass::DmaBuf).request(99);
    pool.record(&mut a, &inherited.text(section::PATH, "/dmabuf:"));
    let shown = lines(&session(pool, &[&a]));
    assert_eq!(shown, ["300 started with 4<dma-buf:1> open on \"/dmabuf:\""]);
}
