//! The parser at work on a live log: when reports come out, what goes off, what is lost.
//! The lines are synthetic, written from the kernel's format strings.

use std::time::Duration;

use fencelab_klog::{Caller, Event, Kind, LockdepOff, Loss, OffCause, Options, Parser, Report};

/// A WARN, as `__warn` prints it on x86.
const WARN: &[&str] = &[
    "------------[ cut here ]------------",
    "WARNING: CPU: 1 PID: 77 at drivers/gpu/drm/foo/foo.c:12 foo_commit+0x10/0x20 [foo]",
    "Modules linked in: foo",
    "CPU: 1 UID: 0 PID: 77 Comm: test Not tainted 6.12.0 #1",
    "RIP: 0010:foo_commit+0x10/0x20 [foo]",
    "Call Trace:",
    " <TASK>",
    " commit_tail+0x9a/0x1a0",
    " </TASK>",
    "---[ end trace 0000000000000000 ]---",
];

/// "bad unlock balance" with the pieces of the lock's name on lines of their own.
const BAD_UNLOCK: &[&str] = &[
    "",
    "=====================================",
    "WARNING: bad unlock balance detected!",
    "6.12.0 #1 Not tainted",
    "-------------------------------------",
    "test/78 is trying to release lock (",
    "&bar->lock",
    ") at:",
    "bar_unlock+0x10/0x20 [bar]",
    "but there are no more locks to release!",
    "",
    "other info that might help us debug this:",
    "1 lock held by test/78:",
    " #0: ffff888100000000",
    " (",
    "sb_writers",
    "#5",
    "){.+.+}-{0:0}",
    ", at: vfs_write+0x10/0x20",
    "",
    "stack backtrace:",
    "CPU: 0 UID: 0 PID: 78 Comm: test Not tainted 6.12.0 #1",
    "Call Trace:",
    " <TASK>",
    " bar_unlock+0x10/0x20 [bar]",
    " </TASK>",
];

struct Live {
    parser: Parser,
    seq: u64,
    events: Vec<Event>,
}

impl Live {
    fn new() -> Live {
        Live { parser: Parser::new(Options::default()), seq: 100, events: Vec::new() }
    }

    fn say(&mut self, caller: &str, message: &str) {
        let record =
            format!("4,{},{},-,caller={caller};{message}\n SUBSYSTEM=test\n", self.seq, self.seq * 1000);
        self.seq += 1;
        self.parser.push_record(record.as_bytes());
        self.events.extend(self.parser.drain());
    }

    fn reports(&self) -> Vec<&Report> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Report(report) = event { Some(&**report) } else { None })
            .collect()
    }

    fn offs(&self) -> Vec<&LockdepOff> {
        self.events
            .iter()
            .filter_map(|event| if let Event::LockdepOff(off) = event { Some(off) } else { None })
            .collect()
    }

    fn losses(&self) -> Vec<&Loss> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Loss(loss) = event { Some(loss) } else { None })
            .collect()
    }
}

#[test]
fn a_report_comes_out_with_its_last_line() {
    let mut live = Live::new();
    for line in &WARN[..WARN.len() - 1] {
        live.say("T77", line);
    }
    assert!(live.reports().is_empty());
    live.say("T77", WARN[WARN.len() - 1]);
    let report = live.reports()[0];
    assert_eq!((report.kind, report.complete, report.caller), (Kind::Warn, true, Some(Caller::Task(77))));
    assert_eq!(report.place.as_deref(), Some("drivers/gpu/drm/foo/foo.c:12"));
    assert_eq!(report.task.as_ref().map(|task| (task.comm.as_str(), task.pid)), Some(("test", 77)));
    assert_eq!(report.blame.as_ref().map(|frame| frame.function.as_str()), Some("foo_commit"));
    assert_eq!((report.seq, report.cpu), (Some((100, 109)), Some(1)));
    assert_eq!(report.signature, "k3:warn:drivers/gpu/drm/foo/foo.c @ foo_commit");
}

#[test]
fn two_reports_at_once_are_kept_apart_by_caller() {
    let mut live = Live::new();
    for index in 0..BAD_UNLOCK.len().max(WARN.len()) {
        for (caller, lines) in [("T78", BAD_UNLOCK), ("T77", WARN), ("C1", &["usb 1-1: noise"][..])] {
            if let Some(line) = lines.get(index) {
                live.say(caller, line);
            }
        }
    }
    let kinds: Vec<_> = live.reports().iter().map(|report| (report.kind, &report.missing[..])).collect();
    assert_eq!(kinds, [(Kind::Warn, &[][..]), (Kind::BadUnlock, &[][..])]);
    let unlock = live.reports()[1];
    assert_eq!(unlock.acquiring.as_ref().map(|class| class.name.as_str()), Some("&bar->lock"));
    assert_eq!(unlock.held[0].to_string(), "sb_writers#5");
    assert_eq!(unlock.details.held[0].locks[0].at.as_ref().map(|at| at.function.as_str()), Some("vfs_write"));
    assert!(unlock.text.iter().all(|line| !line.contains("usb")));
}

#[test]
fn a_quiet_log_closes_what_is_open() {
    let mut live = Live::new();
    live.say("T5", "INFO: task kworker/0:1:7 blocked for more than 20 seconds.");
    live.say("T5", "Call Trace:");
    live.say("T5", " __schedule+0x10/0x20");
    live.say("T5", " foo_wait+0x10/0x20 [foo]");
    live.parser.flush_idle(Duration::from_millis(500));
    assert_eq!(live.parser.drain().count(), 0);
    live.parser.flush_idle(Duration::from_secs(1));
    let report = live.parser.drain().find_map(Event::into_report).unwrap();
    assert_eq!((report.kind, report.complete, report.details.seconds), (Kind::HungTask, true, Some(20)));
    assert_eq!(report.signature, "k3:hung-task:foo_wait < foo_wait");
}

#[test]
fn the_first_splat_turns_lockdep_off_at_its_banner() {
    let mut live = Live::new();
    live.say("T78", BAD_UNLOCK[1]);
    live.say("T78", BAD_UNLOCK[2]);
    assert_eq!(live.offs()[0].cause, OffCause::Splat { kind: Kind::BadUnlock });
    assert_eq!(live.offs()[0].seq, Some(101));
    live.say("T79", "INFO: lockdep is turned off.");
    assert_eq!(live.offs().len(), 1);
    assert!(live.parser.lockdep().off().is_some());
    live.parser.note_boot();
    assert!(live.parser.lockdep().off().is_none());
}

#[test]
fn a_full_table_and_a_taint_are_told_apart() {
    let mut live = Live::new();
    live.say("T1", "BUG: MAX_LOCKDEP_CHAIN_HLOCKS too low!");
    live.say("T1", "turning off the locking correctness validator.");
    assert_eq!(live.offs()[0].cause, OffCause::TableFull { limit: "MAX_LOCKDEP_CHAIN_HLOCKS".to_owned() });

    let mut live = Live::new();
    live.say("T1", "Disabling lock debugging due to kernel taint");
    assert_eq!(live.offs()[0].cause, OffCause::Taint);

    let mut live = Live::new();
    live.say("T1", "BUG: kernel NULL pointer dereference, address: 0000000000000010");
    live.say("T1", "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI");
    assert!(!live.parser.lockdep().is_present(), "kernels without lockdep die as well");
    live.say("T1", "INFO: lockdep is turned off.");
    assert_eq!(live.offs().iter().map(|off| &off.cause).collect::<Vec<_>>(), [&OffCause::Oops]);
    assert!(live.parser.lockdep().is_present());

    let mut live = Live::new();
    live.say("T1", "WARNING: suspicious RCU usage");
    assert!(live.offs().is_empty(), "RCU reports leave lockdep on");
}

#[test]
fn losses_are_data() {
    let mut live = Live::new();
    live.say("T1", "one");
    live.seq += 5;
    live.say("T1", "two");
    live.parser.note_overrun();
    live.parser.push_record(b"no record at all");
    live.say("T1", "** 12 printk messages dropped **");
    assert_eq!(
        live.losses(),
        [
            &Loss::Gap { after: 100, before: 106 },
            &Loss::Overrun { line: 2 },
            &Loss::BadRecord { line: 3 },
            &Loss::Dropped { count: 12, line: 4 }
        ]
    );
}

#[test]
fn without_callers_lines_of_others_are_kept_aside() {
    let mut lines: Vec<&str> = BAD_UNLOCK.to_vec();
    lines.insert(lines.len() - 2, "usb 1-1: new high-speed USB device number 2 using xhci_hcd");
    let log: String = lines.iter().map(|line| format!("[    5.000001] {line}\n")).collect();
    let mut parser = Parser::new(Options::default());
    parser.push_text(log.as_bytes());
    parser.finish();
    let report = parser.drain().find_map(Event::into_report).unwrap();
    assert_eq!((report.kind, report.complete, report.frames.len()), (Kind::BadUnlock, true, 1));
    assert_eq!(report.foreign, ["usb 1-1: new high-speed USB device number 2 using xhci_hcd"]);
    assert!(report.text.iter().all(|line| !line.contains("usb")));
}

#[test]
fn what_user_space_writes_to_kmsg_is_no_report() {
    let mut parser = Parser::new(Options::default());
    parser.push_record(b"12,1,1,-;BUG: unable to handle page fault for address: 0");
    parser.finish();
    assert_eq!(parser.drain().count(), 0);
}

#[test]
fn one_line_reports_of_drivers() {
    let mut live = Live::new();
    live.say("T9", "vkms_vblank: [drm] *ERROR* [CRTC:36:crtc-0] flip_done timed out");
    live.say("T9", "amdgpu 0000:03:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=1, emitted seq=3");
    live.say("T9", "amdgpu 0000:03:00.0: amdgpu: GPU reset begin!");
    let kinds: Vec<_> = live.reports().iter().map(|report| report.kind).collect();
    // How the reset ends may still come, and whose job it was no more.
    assert_eq!(kinds, [Kind::FlipTimeout, Kind::GpuHang]);
    live.parser.flush_idle(Duration::from_secs(1));
    live.events.extend(live.parser.drain());
    assert_eq!(live.reports().last().map(|report| report.kind), Some(Kind::GpuReset));
    assert_eq!(live.reports()[0].rules[0].id, "ATOM-TIME");
}

/// Banners that continue a report count like its other lines: their stream may have no end.
#[test]
fn endless_banners_stay_within_a_report_s_bounds() {
    let mut parser = Parser::new(Options { report_lines: 50, ..Options::default() });
    parser.push_text(b"BUG: unable to handle kernel NULL pointer dereference at 0000000000000010\n");
    for _ in 0..1000 {
        parser.push_text(b"Kernel panic - not syncing: Fatal exception\n");
    }
    parser.finish();
    let report = parser.drain().find_map(Event::into_report).unwrap();
    assert_eq!((report.kind, report.text.len() as u64 + report.omitted), (Kind::Oops, 1001));
    assert!(report.text.len() <= 50, "{}", report.text.len());
}
