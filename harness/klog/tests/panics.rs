//! A panic is a report of its own, unless it is the end of the report above it, which says so then.

mod common;

use common::reports;
use fencelab_klog::{Report, Text};

const WARNING: &str = "------------[ cut here ]------------
WARNING: CPU: 1 PID: 812 at drivers/gpu/drm/foo/foo.c:12 foo_do+0x12/0x30 [foo]
Modules linked in: foo
CPU: 1 UID: 0 PID: 812 Comm: cat Not tainted 6.12.0 #1
";
const REGISTERS: &str = "RIP: 0010:foo_do+0x12/0x30 [foo]
Call Trace:
 <TASK>
 foo_ioctl+0x33/0x80 [foo]
 __x64_sys_ioctl+0x94/0xd0
 </TASK>
";
const PANIC_TRACE: &str = "CPU: 1 UID: 0 PID: 812 Comm: cat Not tainted 6.12.0 #1
Call Trace:
 <TASK>
 dump_stack_lvl+0x5d/0x80
 panic+0x118/0x2f0
 </TASK>
Kernel Offset: disabled
";

/// The reports of these lines, as each way of writing a log down has them: bare, with times, with times and callers.
fn of(parts: &[&str]) -> Vec<Vec<Report>> {
    let lines = parts.concat();
    ["", "[    5.000000] ", "[    5.000000][  T812] "]
        .map(|prefix| {
            let log: String = lines.lines().map(|line| format!("{prefix}{line}\n")).collect();
            reports(log.as_bytes())
        })
        .into()
}

#[test]
fn a_panic_after_a_warning_is_a_report_of_its_own() {
    for above in [&[WARNING][..], &[WARNING, REGISTERS]] {
        let panic = [
            "Kernel panic - not syncing: foo\n",
            PANIC_TRACE,
            "---[ end Kernel panic - not syncing: foo ]---\n",
        ];
        for found in of(&[above, &panic].concat()) {
            let kinds: Vec<&str> = found.iter().map(|report| report.kind.as_str()).collect();
            assert_eq!(kinds, ["warn", "panic"]);
            assert_eq!(found[0].details.panic, None);
            assert_eq!(found[1].title, "Kernel panic - not syncing: foo");
            assert!(found[0].last_line < found[1].first_line && found[1].complete);
        }
    }
}

#[test]
fn a_warning_says_that_the_kernel_panicked_over_it() {
    let reason = "Kernel panic - not syncing: kernel: panic_on_warn set ...\n";
    let end = "---[ end Kernel panic - not syncing: kernel: panic_on_warn set ... ]---\n";
    for above in [&[WARNING][..], &[WARNING, REGISTERS]] {
        for found in of(&[above, &[reason, PANIC_TRACE, end]].concat()) {
            let [warning] = &found[..] else { panic!("{} reports", found.len()) };
            assert_eq!(warning.kind.as_str(), "warn");
            assert_eq!(warning.details.panic.as_deref(), Some("kernel: panic_on_warn set"));
            assert!(warning.complete, "{:?}", warning.missing);
            let text = Text(warning).to_string();
            assert!(text.contains("  the kernel panicked over it: kernel: panic_on_warn set\n"), "{text}");
        }
    }
}

#[test]
fn an_oops_says_that_the_kernel_panicked_over_it() {
    let bug = "kernel BUG at drivers/gpu/drm/foo/foo.c:12!\n";
    for found in of(&[bug, "Kernel panic - not syncing: Fatal exception\n", PANIC_TRACE]) {
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].details.panic.as_deref(), Some("Fatal exception"));
    }
    for found in of(&[bug, "Kernel panic - not syncing: Attempted to kill init!\n", PANIC_TRACE]) {
        assert_eq!(found.len(), 2);
    }
}

const OOPS: &str = "BUG: kernel NULL pointer dereference, address: 0000000000000010
#PF: supervisor read access in kernel mode
Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 1 UID: 0 PID: 812 Comm: cat Not tainted 6.12.0 #1
RIP: 0010:foo_do+0x12/0x30 [foo]
Call Trace:
 <TASK>
 foo_ioctl+0x33/0x80 [foo]
 </TASK>
Modules linked in: foo
CR2: 0000000000000010
---[ end trace 0000000000000000 ]---
";
/// What `oops_end` says again for those who see the end alone (arch/x86/kernel/dumpstack.c).
const SUMMARY: &str = "RIP: 0010:foo_do+0x12/0x30 [foo]
RSP: 0018:ffffc90000a7fd38 EFLAGS: 00010246
CR2: 0000000000000010 CR3: 000000000a0b6000 CR4: 00000000000006f0
";

fn panicked(reason: &str) -> String {
    format!(
        "Kernel panic - not syncing: {reason}\n{PANIC_TRACE}---[ end Kernel panic - not syncing: {reason} ]---\n"
    )
}

#[test]
fn a_panic_at_the_end_of_an_oops_is_the_same_event() {
    for reason in [
        "Fatal exception",
        "Fatal exception in interrupt",
        "Oops: Fatal exception",
        "Aiee, killing interrupt handler!",
    ] {
        for summary in ["", SUMMARY, "note: cat[812] exited with irqs disabled\n"] {
            for found in of(&[OOPS, summary, &panicked(reason)]) {
                let [oops] = &found[..] else { panic!("{reason}: {} reports", found.len()) };
                assert_eq!((oops.kind.as_str(), oops.complete, oops.frames.len()), ("oops", true, 2));
                assert_eq!(oops.details.panic.as_deref(), Some(reason));
                assert_eq!(
                    oops.last_line as usize,
                    (OOPS.to_owned() + summary + &panicked(reason)).lines().count()
                );
            }
        }
    }
}

#[test]
fn only_init_takes_the_kernel_down_with_it() {
    let reason = "Attempted to kill init! exitcode=0x0000000b";
    for (log, reports) in [(OOPS.to_owned(), 2), (OOPS.replace("PID: 812 Comm: cat", "PID: 1 Comm: init"), 1)]
    {
        for found in of(&[&log, SUMMARY, &panicked(reason)]) {
            assert_eq!(found.len(), reports);
        }
    }
}

#[test]
fn an_oops_ends_where_something_else_begins() {
    let foreign = "usb 1-1: new device\n";
    for found in of(&[OOPS, SUMMARY, foreign, &panicked("Fatal exception")]) {
        assert_eq!(found.iter().map(|report| report.kind.as_str()).collect::<Vec<_>>(), ["oops", "panic"]);
        assert!(found[0].complete && found[0].text.iter().all(|line| !line.contains("usb")));
    }
    for found in of(&[OOPS, SUMMARY, &OOPS.replace("foo_do", "bar_do").replace("[#1]", "[#2]"), SUMMARY]) {
        assert_eq!(found.iter().map(|report| report.kind.as_str()).collect::<Vec<_>>(), ["oops", "oops"]);
        assert_ne!(found[0].signature, found[1].signature);
    }
}

#[test]
fn watchdogs_and_sanitizers_say_why_they_panic() {
    let hung = "INFO: task cat:812 blocked for more than 122 seconds.\nCall Trace:\n <TASK>\n foo_wait+0x33/0x80 [foo]\n </TASK>\n";
    let soft = "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [cat:812]\nRIP: 0010:foo_do+0x12/0x30 [foo]\nCall Trace:\n <TASK>\n foo_ioctl+0x33/0x80 [foo]\n </TASK>\n";
    let rule = "==================================================================\n";
    let kasan = format!(
        "{rule}BUG: KASAN: slab-use-after-free in foo_do+0x12/0x30 [foo]\nRead of size 8 at addr ffff888100000000 by task cat/812\n\nCall Trace:\n <TASK>\n foo_do+0x12/0x30 [foo]\n </TASK>\n{rule}"
    );
    for (log, kind, reason) in [
        (hung, "hung-task", "hung_task: blocked tasks"),
        (soft, "soft-lockup", "softlockup: hung tasks"),
        (&kasan, "kasan", "KASAN: panic_on_warn set"),
        (&kasan, "kasan", "kasan.fault=panic set"),
    ] {
        for found in of(&[log, &panicked(reason)]) {
            let [report] = &found[..] else { panic!("{reason}: {} reports", found.len()) };
            assert_eq!((report.kind.as_str(), report.details.panic.as_deref()), (kind, Some(reason)));
        }
    }
}
