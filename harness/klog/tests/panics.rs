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
