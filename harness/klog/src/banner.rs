//! The first lines of reports: which words, in which place, begin which kind.

use crate::die_line;
use crate::kind::Kind;

/// Where the words of a banner must stand.
enum Place {
    /// Behind `WARNING:`, `[ INFO:` or `[ BUG:`, as lockdep has printed its banners over the years.
    Lockdep,
    /// At the very start of the message, or behind a subsystem's prefix such as `rcu: `.
    Start,
    /// Anywhere: drivers put their device and function in front.
    Anywhere,
}

use Place::{Anywhere, Lockdep, Start};

/// (where, words, more words further on in the line, kind). The first row that fits decides.
const BANNERS: &[(Place, &str, &str, Kind)] = &[
    // kernel/locking/lockdep.c
    (Lockdep, "possible circular locking dependency detected", "", Kind::Circular),
    (Lockdep, "possible recursive locking detected", "", Kind::Recursive),
    (Lockdep, "inconsistent lock state", "", Kind::Inconsistent),
    (Lockdep, "unsafe lock order detected", "", Kind::IrqOrder),
    (Lockdep, "possible irq lock inversion dependency detected", "", Kind::IrqInversion),
    (Lockdep, "Invalid wait context", "", Kind::WaitContext),
    (Lockdep, "Nested lock was not taken", "", Kind::NestedNotHeld),
    (Lockdep, "bad unlock balance detected!", "", Kind::BadUnlock),
    (Lockdep, "bad contention detected!", "", Kind::BadContention),
    (Lockdep, "held lock freed!", "", Kind::HeldFreed),
    (Lockdep, "still has locks held!", "", Kind::StillHeld),
    (Lockdep, "lock held at task exit time!", "", Kind::StillHeld),
    (Lockdep, "lock held when returning to user space!", "", Kind::HeldAtReturn),
    (Lockdep, "suspicious RCU usage", "", Kind::Rcu),
    (Lockdep, "suspicious rcu_dereference_check() usage", "", Kind::Rcu),
    (Lockdep, "chain_key collision", "", Kind::ChainCollision),
    (Start, "chain_key collision", "", Kind::ChainCollision),
    (Start, "BUG: MAX_", " too low!", Kind::Limit),
    (Start, "INFO: trying to register non-static key", "", Kind::NonStaticKey),
    (Start, "BUG: key ", "has not been registered!", Kind::NonStaticKey),
    (Start, "BUG: key ", "not in .data!", Kind::NonStaticKey),
    (Start, "BUG: looking up invalid subclass", "", Kind::LockWarn),
    (Start, "DEBUG_LOCKS_WARN_ON(", "", Kind::LockWarn),
    // kernel/sched/core.c, kernel/hung_task.c, kernel/watchdog.c, kernel/rcu
    (Start, "BUG: sleeping function called from invalid context", "", Kind::Sleeping),
    (Start, "Debug: sleeping function called from invalid context", "", Kind::Sleeping),
    (Start, "BUG: scheduling while atomic", "", Kind::AtomicSchedule),
    (Start, "bad: scheduling while atomic", "", Kind::AtomicSchedule),
    (Start, "BUG: scheduling with irqs disabled", "", Kind::AtomicSchedule),
    (Start, "BUG: scheduling in a non-blocking section", "", Kind::AtomicSchedule),
    (Start, "INFO: task ", " blocked for", Kind::HungTask),
    (Start, "INFO: task ", " can't die for more than ", Kind::HungTask),
    (Start, "INFO: task ", " blocked in I/O wait for more than ", Kind::HungTask),
    (Start, "BUG: soft lockup", "", Kind::SoftLockup),
    (Start, "Watchdog detected hard LOCKUP", "", Kind::HardLockup),
    (Start, "BUG: NMI Watchdog detected LOCKUP", "", Kind::HardLockup),
    (Start, "CPU ", " hard LOCKUP", Kind::HardLockup),
    (Start, "CPU", ": Watchdog detected hard LOCKUP", Kind::HardLockup),
    (Start, "Watchdog CPU:", " Hard LOCKUP", Kind::HardLockup),
    (Start, "INFO: rcu", " stall", Kind::RcuStall),
    // mm/kasan, kernel/kcsan, lib
    (Start, "BUG: KASAN: ", "", Kind::Kasan),
    (Start, "BUG: KASan: ", "", Kind::Kasan),
    (Start, "BUG: KCSAN: ", "", Kind::Kcsan),
    (Start, "UBSAN: ", "", Kind::Ubsan),
    (Start, "BUG: memory leak", "", Kind::Kmemleak),
    (Start, "unreferenced object 0x", "", Kind::Kmemleak),
    (Anywhere, " new suspected memory leaks", "", Kind::Kmemleak),
    (Start, "refcount_t: ", "", Kind::Refcount),
    (Start, "list_add corruption", "", Kind::List),
    (Start, "list_add double add", "", Kind::List),
    (Start, "list_del corruption", "", Kind::List),
    // arch/*/kernel/traps.c, arch/*/mm/fault.c, lib/bug.c, kernel/panic.c
    (Start, "BUG: unable to handle", "", Kind::Oops),
    (Start, "BUG: kernel NULL pointer dereference", "", Kind::Oops),
    (Start, "BUG: Kernel NULL pointer dereference", "", Kind::Oops),
    (Start, "BUG: Unable to handle", "", Kind::Oops),
    (Start, "BUG: stack guard page was hit", "", Kind::Oops),
    (Start, "BUG: TASK stack guard page was hit", "", Kind::Oops),
    (Start, "BUG: IRQ stack guard page was hit", "", Kind::Oops),
    (Start, "Unable to handle kernel", "", Kind::Oops),
    (Start, "Oops: ", "", Kind::Oops),
    (Start, "Oops - ", "", Kind::Oops),
    (Start, "Internal error: ", "", Kind::Oops),
    (Start, "Unhandled fault: ", " at 0x", Kind::Oops),
    (Start, "Unhandled prefetch abort: ", " at 0x", Kind::Oops),
    // arch/arm64/mm/fault.c, the second from 4.12 to 4.17
    (Start, "Unhandled debug exception: ", " at 0x", Kind::Oops),
    (Start, "Synchronous External Abort: ", " at 0x", Kind::Oops),
    // kernel/cfi.c
    (Start, "CFI failure at ", "", Kind::Oops),
    (Start, "CPU ", " Unable to handle kernel", Kind::Oops),
    (Start, "Kernel Fault: ", "", Kind::Oops),
    (Start, "general protection fault", "", Kind::Oops),
    (Start, "PANIC: double fault", "", Kind::Oops),
    (Start, "Insufficient stack space to handle exception", "", Kind::Oops),
    (Start, "kernel BUG at ", "", Kind::Bug),
    (Start, "Kernel BUG at ", "", Kind::Bug),
    (Start, "Kernel panic - not syncing", "", Kind::Panic),
    (Start, "WARNING: ", "", Kind::Warn),
    (Start, "Badness at ", "", Kind::Warn),
    (Start, "BUG: ", "", Kind::Bug),
    // kernel/locking/rtmutex-debug.c, until 5.11.
    (Start, "[ BUG: ", "detected! ]", Kind::Bug),
    // Before 4.8 KASAN let SLUB describe the object, below its own first line (mm/kasan/report.c).
    (Start, "BUG ", "): kasan: bad access detected", Kind::Kasan),
    (Start, "BUG ", "): ", Kind::Bug),
    // drivers/gpu/drm
    (Anywhere, "flip_done timed out", "", Kind::FlipTimeout),
    (Anywhere, "hw_done timed out", "", Kind::FlipTimeout),
    (Anywhere, "cleanup_done timed out", "", Kind::FlipTimeout),
    (Anywhere, "commit wait timed out", "", Kind::FlipTimeout),
    (Anywhere, "vblank wait timed out", "", Kind::FlipTimeout),
    (Anywhere, "vblank time out", "", Kind::FlipTimeout),
    (Anywhere, "Waiting for fences timed out", "", Kind::FlipTimeout),
    (Anywhere, "frame done wait timed out", "", Kind::FlipTimeout),
    (Anywhere, "frame done timeout", "", Kind::FlipTimeout),
    (Anywhere, "Asynchronous wait on fence ", " timed out", Kind::GpuHang),
    (Anywhere, "Fence expiration time out", "", Kind::GpuHang),
    (Anywhere, "GPU HANG: ", "", Kind::GpuHang),
    (Anywhere, "GPU hang detected", "", Kind::GpuHang),
    (Anywhere, "GPU hung", "", Kind::GpuHang),
    (Anywhere, "GPU lockup", "", Kind::GpuHang),
    (Anywhere, "hangcheck detected gpu lockup", "", Kind::GpuHang),
    (Anywhere, "hangcheck recover!", "", Kind::GpuHang),
    (Anywhere, "stuck on ", " ring", Kind::GpuHang),
    (Anywhere, "ring ", " timeout, ", Kind::GpuHang),
    (Anywhere, "ring ", " stalled for more than ", Kind::GpuHang),
    (Anywhere, "gpu sched timeout", "", Kind::GpuHang),
    (Anywhere, "job timeout", "", Kind::GpuHang),
    (Anywhere, "Job timeout", "", Kind::GpuHang),
    (Anywhere, "progress timeout", "", Kind::GpuHang),
    (Anywhere, "fence wait loop timeout", "", Kind::GpuHang),
    (Anywhere, "TLB invalidation fence timeout", "", Kind::GpuHang),
    (Anywhere, "timed out, cancelling all in-flight rendering", "", Kind::GpuHang),
    (Anywhere, "IP block:", " is hung!", Kind::GpuHang),
    (Anywhere, "Timedout job: ", "", Kind::GpuHang),
    (Anywhere, "Check job timeout: ", "", Kind::GpuHang),
    (Anywhere, "fifo: SCHED_ERROR ", "", Kind::GpuHang),
    (Anywhere, "PFIFO][", "SCHED_ERROR ", Kind::GpuHang),
    (Anywhere, "failed to idle channel", "", Kind::GpuHang),
    (Anywhere, "channel ", " killed!", Kind::GpuHang),
    // nouveau: nvkm/engine/fifo and nvkm/engine/gr, nvkm/subdev/gsp/r535.c; and the tags that it had until 4.2
    (Anywhere, "fifo: fault ", " engine ", Kind::GpuHang),
    (Anywhere, "fifo: ", " fault at ", Kind::GpuHang),
    (Anywhere, "PFIFO][", " fault at ", Kind::GpuHang),
    (Anywhere, "fifo: channel ", ": killed", Kind::GpuHang),
    (Anywhere, "gr: FECS watchdog timeout", "", Kind::GpuHang),
    (Anywhere, "gr: wait for idle timeout", "", Kind::GpuHang),
    (Anywhere, "gsp: Xid:", "", Kind::GpuHang),
    (Anywhere, "gsp: rc engn:", "", Kind::GpuHang),
    (Anywhere, "gsp: mmu fault queued", "", Kind::GpuHang),
    (Anywhere, "errored - disabling channel", "", Kind::GpuHang),
    (Anywhere, "rc scheduled", "", Kind::GpuHang),
    (Anywhere, "NVRM: Xid ", "", Kind::GpuHang),
    (Anywhere, "offending task: ", "", Kind::GpuHang),
    (Anywhere, "recover hung GPU", "", Kind::GpuHang),
    (Anywhere, "GPU recovery timed out", "", Kind::GpuHang),
    (Anywhere, "GPU reset", " begin!", Kind::GpuReset),
    (Anywhere, "GPU reset(", ") succeeded!", Kind::GpuReset),
    (Anywhere, "GPU reset(", ") failed", Kind::GpuReset),
    (Anywhere, "GPU reset end with ret", "", Kind::GpuReset),
    (Anywhere, "GPU reset succee", "", Kind::GpuReset),
    (Anywhere, "GPU reset failed", "", Kind::GpuReset),
    (Anywhere, "lost due to GPU reset", "", Kind::GpuReset),
    (Anywhere, "GPU Recovery Failed", "", Kind::GpuReset),
    (Anywhere, "GPU mode1 reset", "", Kind::GpuReset),
    (Anywhere, "GPU psp mode1 reset", "", Kind::GpuReset),
    (Anywhere, "GPU mode2 reset", "", Kind::GpuReset),
    (Anywhere, "MODE1 reset", "", Kind::GpuReset),
    (Anywhere, "MODE2 reset", "", Kind::GpuReset),
    (Anywhere, "BACO reset", "", Kind::GpuReset),
    (Anywhere, "GPU softreset", "", Kind::GpuReset),
    (Anywhere, "GPU soft-reset", "", Kind::GpuReset),
    (Anywhere, "gpu soft reset timed out", "", Kind::GpuReset),
    (Anywhere, "gpu hard reset timed out", "", Kind::GpuReset),
    (Anywhere, "Failed to reset chip", "", Kind::GpuReset),
    (Anywhere, "failed to reset GPU", "", Kind::GpuReset),
    (Anywhere, "reset request timed out", "", Kind::GpuReset),
    (Anywhere, "Resetting chip for ", "", Kind::GpuReset),
    (Anywhere, "Resetting GPU", "", Kind::GpuReset),
    (Anywhere, "Resetting ", " for ", Kind::GpuReset),
    (Anywhere, "Engine reset: ", "", Kind::GpuReset),
    (Anywhere, "Engine reset failed", "", Kind::GpuReset),
    (Anywhere, "engine reset request failed", "", Kind::GpuReset),
    (Anywhere, "asic reset failed", "", Kind::GpuReset),
    (Anywhere, "ASIC reset failed", "", Kind::GpuReset),
    (Anywhere, "Starting ", " ring reset", Kind::GpuReset),
    (Anywhere, "Ring ", " reset succeeded", Kind::GpuReset),
    (Anywhere, "Ring ", " reset fail", Kind::GpuReset),
    (Anywhere, "fifo: ", ": scheduled for recovery", Kind::GpuReset),
    (Anywhere, "fifo: ", " engine fault on channel ", Kind::GpuReset),
    (Anywhere, "PFIFO][", " engine fault on channel ", Kind::GpuReset),
    (Anywhere, "GT", ": reset started", Kind::GpuReset),
    (Anywhere, "GT", ": reset queued", Kind::GpuReset),
    (Anywhere, "GT", ": reset done", Kind::GpuReset),
    (Anywhere, "GT", ": reset failed", Kind::GpuReset),
    (Anywhere, "GT", ": trying reset", Kind::GpuReset),
    (Anywhere, "device wedged", "", Kind::GpuReset),
    (Anywhere, "declared ", "wedged", Kind::GpuReset),
];

/// The line that stands above a `WARN` or `BUG` (include/linux/bug.h).
pub(crate) const CUT_HERE: &str = "[ cut here ]";

/// Strings of which each banner holds at least one, so that one fast search finds every line worth a look. The search stops
/// at their first two letters, so that words begin where these are rare in any log. The last few are no banners: they end
/// lockdep, or tell of lost lines.
pub(crate) const NEEDLES: &[&str] = &[
    "WARNING: ",
    "INFO: ",
    "BUG: ",
    "DEBUG_LOCKS_WARN_ON(",
    "chain_key collision",
    "LOCKUP",
    "UBSAN: ",
    "unreferenced object 0x",
    "suspected memory leaks",
    "refcount_t: ",
    "list_add ",
    "list_del ",
    "Unable to handle kernel",
    "Oops",
    "Internal error: ",
    "general protection fault",
    "[#",
    "Unhandled ",
    "External Abort: ",
    "CFI failure at ",
    "Kernel Fault: ",
    "Badness at ",
    "Debug: sleeping",
    "bad: scheduling",
    "GPU ",
    "gpu lockup",
    "uck on ",
    " stalled for",
    "ifo: ",
    "PFIFO][",
    "gsp: ",
    "failed to idle",
    " killed!",
    "ling channel",
    "rc scheduled",
    "NVRM: Xid ",
    "offending task: ",
    " is hung!",
    "hangcheck recover",
    "Timedout job",
    "Resetting ",
    " reset",
    "wedged",
    "hung GPU",
    "double fault",
    "Insufficient stack space",
    "BUG ",
    "Kernel panic - ",
    "timed out",
    "time out",
    "timeout",
    CUT_HERE,
    "Disabling lock debugging",
    "messages dropped",
    crate::lockdep_state::HELLO,
    LINUX,
];

/// How the kernel's first line begins (`linux_banner`, init/version-timestamp.c).
pub(crate) const LINUX: &str = "Linux version ";

/// Which kind of report a message begins, if any.
pub(crate) fn find(message: &str) -> Option<Kind> {
    let text = without_subsystem(message.trim_start());
    let listed =
        BANNERS.iter().find(|(place, words, more, _)| fits(text, place, words, more)).map(|row| row.3);
    listed.or_else(|| die_line::is_die_line(text).then_some(Kind::Oops))
}

fn fits(text: &str, place: &Place, words: &str, more: &str) -> bool {
    let found = match place {
        Start => text.starts_with(words).then_some(0),
        Lockdep => lockdep_lead(text).then(|| text.find(words)).flatten(),
        Anywhere => text.find(words),
    };
    found.is_some_and(|at| more.is_empty() || text[at + words.len()..].contains(more))
}

fn lockdep_lead(text: &str) -> bool {
    ["WARNING: ", "[ INFO: ", "[ BUG: ", "INFO: ", "BUG: "].iter().any(|lead| text.starts_with(lead))
}

/// Drops the `pr_fmt` prefix of the subsystems that print reports.
fn without_subsystem(text: &str) -> &str {
    const PREFIXES: [&str; 8] = [
        "rcu: ",
        "watchdog: ",
        "NMI watchdog: ",
        "traps: ",
        "workqueue: ",
        "8<--- ",
        "kmemleak: ",
        "rcu_tasks: ",
    ];
    PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_banner_holds_a_needle() {
        for (_, words, more, _) in BANNERS {
            let leads = ["WARNING: "];
            let banner = format!("{words} {more}");
            let by_place = lockdep_words(words) && leads.iter().any(|lead| NEEDLES.contains(lead));
            assert!(by_place || NEEDLES.iter().any(|needle| banner.contains(needle)), "{banner}");
        }
    }

    fn lockdep_words(words: &str) -> bool {
        BANNERS.iter().any(|(place, other, ..)| matches!(place, Lockdep) && *other == words)
    }

    #[test]
    fn banners_old_and_new() {
        for (line, kind) in [
            ("WARNING: possible circular locking dependency detected", Kind::Circular),
            ("[ INFO: possible circular locking dependency detected ]", Kind::Circular),
            ("WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", Kind::IrqOrder),
            ("[ BUG: Invalid wait context ]", Kind::WaitContext),
            ("WARNING: cat/123 still has locks held!", Kind::StillHeld),
            ("BUG: MAX_LOCKDEP_CHAIN_HLOCKS too low!", Kind::Limit),
            ("rcu: INFO: rcu_preempt self-detected stall on CPU", Kind::RcuStall),
            ("watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1:30]", Kind::SoftLockup),
            ("Kernel bug detected[#1]:", Kind::Oops),
            ("illegal operation: 0001 ilc:1 [#1] SMP ", Kind::Oops),
            ("watchdog: CPU 1 self-detected hard LOCKUP @ foo+0x1/0x2", Kind::HardLockup),
            ("WARNING: CPU: 0 PID: 1 at kernel/foo.c:1 foo+0x1/0x2", Kind::Warn),
            ("vkms_vblank: [drm] *ERROR* [CRTC:36:crtc-0] flip_done timed out", Kind::FlipTimeout),
        ] {
            assert_eq!(find(line), Some(kind), "{line}");
        }
        assert_eq!(find("mlx5 [#1] link is up"), None);
        assert_eq!(find("foo: task blocked for more than a while"), None);
    }
}
