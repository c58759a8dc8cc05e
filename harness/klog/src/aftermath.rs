//! What the kernel does behind the last line of a report: it may panic over it.

use crate::kind::Kind;

/// Why the kernel panics over an exception: the end of `die()` in arch/*/kernel/traps.c, `BUG()` of
/// include/asm-generic/bug.h, `make_task_dead` of kernel/exit.c, `handle_bad_stack` of arch/arm64/kernel/traps.c.
const DIES: &[&str] = &[
    "Fatal exception",
    "BUG!",
    "killing interrupt handler!",
    "Attempted to kill the idle task!",
    "Oopsed too often",
    "ernel stack overflow",
];

/// Does the kernel go on behind the last line of a report of this kind? `oops_end`, arch/x86/kernel/dumpstack.c and its like;
/// `end_report`, mm/kasan/report.c; `ubsan_epilogue`, lib/ubsan.c; `print_report`, kernel/kcsan/report.c.
pub(crate) fn may_follow(kind: Kind) -> bool {
    matches!(kind, Kind::Oops | Kind::Bug | Kind::List | Kind::Kasan | Kind::Kcsan | Kind::Ubsan)
}

/// Is a panic with this text the end of a report of this kind, which has begun its last backtrace or not? Any other panic is a
/// report of its own.
pub(crate) fn is_own_panic(kind: Kind, text: &str, in_tail: bool, of_init: impl Fn() -> bool) -> bool {
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    match kind {
        // Before 6.2 `__schedule_bug` named itself.
        Kind::AtomicSchedule if says(&["scheduling while atomic"]) => !in_tail,
        // `check_panic_on_warn`, kernel/panic.c. What another report panics over has its banner in between.
        kind if says(&["panic_on_warn set"]) => !kind.is_lockdep() || kind == Kind::LockWarn,
        Kind::Kasan => says(&["kasan.fault="]),
        Kind::HungTask => says(&["hung_task: blocked tasks"]),
        Kind::SoftLockup => says(&["softlockup: hung tasks"]),
        Kind::HardLockup => says(&["Hard LOCKUP"]),
        Kind::RcuStall => says(&["RCU Stall"]),
        Kind::Bug if says(&["kmsan.panic"]) => true,
        // Without the first process the kernel does not go on.
        Kind::Bug | Kind::List | Kind::Oops => says(DIES) || says(&["Attempted to kill init!"]) && of_init(),
        _ => false,
    }
}
