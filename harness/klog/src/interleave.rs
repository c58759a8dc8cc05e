//! Logs without caller ids in which two reports were printed at once: which lines are whose nobody can say.

use crate::collector::Collector;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::shape::Shape;

/// What another report, whose banner came before this one had ended, may have put between the lines of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mixed {
    /// Nothing.
    #[default]
    No,
    /// Frames, registers and lists of held locks, which look the same in every report.
    Frames,
    /// These and the entries of a chain: both reports are lockdep's.
    Locks,
}

/// The functions at the bottom of a stack: with one of them a backtrace is all there. A name that ends in `*` stands for all
/// that begin so (arch/*/kernel/entry*.S, head*.S).
#[rustfmt::skip]
const BOTTOM: &[&str] = &[
    "ret_from_*", "entry_SYSCALL*", "entry_SYSENTER*", "entry_INT80*", "system_call*", "sysenter_*", "tracesys*",
    "ia32_sysenter*", "ia32_syscall*", "secondary_startup*", "start_secondary", "secondary_start_kernel", "start_kernel",
    "x86_64_start_kernel", "__primary_switched", "__secondary_switched", "el0_svc_naked", "el0t_*", "el0_sync*", "ret_fast_syscall",
    "ret_to_user", "__irq_usr", "__dabt_usr", "common_startup_64", "ret_from_exception", "handle_syscall", "handle_sys*",
    "syscall_exit", "syscall_trace_*", "kernel_thread_starter", "kernel_thread_helper", "child_rip",
];

fn is_bottom(function: &str) -> bool {
    BOTTOM.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => function.starts_with(start),
        None => function == *name,
    })
}

/// Is all of the report there, whatever follows? `stack_open` tells that a `<TASK>` has no end yet.
pub(crate) fn is_whole(report: &Collector, stack_open: bool) -> bool {
    let frames = || report.lines.iter().rev().filter(|taken| taken.shape == Shape::Frame);
    let at_bottom = || {
        // Below the bottom some print a frame that they are not sure of.
        let last = frames().filter_map(|taken| Frame::parse_line(taken.line.text.trim()));
        last.take(2).any(|frame| is_bottom(&frame.function))
    };
    report.ended || report.in_tail() && !stack_open && at_bottom()
}

/// Are reports of the first kind printed one after the other, with those of the second, by a single thread: khungtaskd, or the
/// reader of /sys/kernel/debug/kmemleak?
pub(crate) fn is_one_printer(kind: Option<Kind>, other: Option<Kind>) -> bool {
    matches!(kind, Some(Kind::HungTask | Kind::Kmemleak)) && kind == other
}

/// What two reports of these kinds may have of each other.
pub(crate) fn mixed(kind: Option<Kind>, other: Option<Kind>) -> Mixed {
    let is_lockdep = |kind: Option<Kind>| kind.is_some_and(Kind::is_lockdep);
    if is_lockdep(kind) && is_lockdep(other) { Mixed::Locks } else { Mixed::Frames }
}
