//! What a line looks like: does it belong into a report at all, and does it say where we are in one?

use crate::frame::Frame;
use crate::lock::Lock;

/// The look of one message line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing but blanks.
    Blank,
    /// A rule of `=` or `-`.
    Rule,
    /// A stack frame.
    Frame,
    /// `</TASK>`, the last line of a backtrace on x86.
    StackEnd,
    /// The line in front of a backtrace: `Call Trace:`, `Backtrace:`.
    TraceStart,
    /// `stack backtrace:`, which lockdep prints in front of its last part.
    LastPart,
    /// `---[ end trace ...`.
    EndTrace,
    /// `-> #2 (...)`, a line that only lockdep prints.
    Lockdep,
    /// A lock, or a piece of one.
    Lock,
    /// `3 locks held by comm/pid:`.
    HeldCount(u32),
    /// Registers, code bytes, modules, hardware and the like.
    Detail,
    /// None of these: the text of a report, or of somebody else.
    Other,
}

/// Starts of lines that lockdep prints around locks and traces, and nobody else.
#[rustfmt::skip]
const LOCKDEP: &[&str] = &[
    "-> #", "-> (", "but task is already holding", "and this task is already holding",
    "which lock already depends on", "which would create a new lock", "but this new dependency connects",
    "the existing dependency chain", "the dependencies between", "the shortest dependencies between",
    "... which became", "... key ", "... acquired at", "to a ", "other info that might help us debug this",
    "Chain exists of", "Possible unsafe locking scenario", "Possible interrupt unsafe locking scenario",
    "CPU0", "----", "lock(", "rlock(", "sync(", "local_irq_disable", "<Interrupt>", "*** DEADLOCK ***",
    "May be due to missing lock nesting", "inconsistent {", "{", "but task is not holding",
    "but this task is not holding", "but there are no more locks", "but there are no locks held",
    "but this lock ", "and interrupts could create inverse", "the first lock", "the second lock",
    "context-{", "depth: ", "rcu_scheduler_active", "INITIAL USE at", "INITIAL READ USE at", "HARDIRQ-ON-",
    "SOFTIRQ-ON-", "IN-HARDIRQ-", "IN-SOFTIRQ-", "RECLAIM_FS-", "IN-RECLAIM_FS-", "FS-RECLAIM-",
];

/// Starts of lines that go with any backtrace.
#[rustfmt::skip]
const DETAILS: &[&str] = &[
    "CPU: ", "CPU#", "Pid: ", "Hardware name:", "Workqueue:", "Tainted:", "Modules linked in:", "Stopper:", "Sched_ext:",
    "irq event stamp:", "hardirqs last", "softirqs last", "INFO: lockdep is turned off",
    "Preemption disabled at", "RIP:", "EIP:", "RSP:", "ESP:", "RAX:", "EAX:", "RDX:", "ESI:", "RBP:",
    "EBP:", "R10:", "R13:", "DS:", "FS:", "CS:", "CR0:", "CR2:", "DR0:", "DR3:", "DR6:", "PKRU:", "Code:",
    "Stack:", "ORIG_RAX:", "FAULT_FLAG", "FRAME:", "pstate:", "pc :", "lr :", "sp :", "x29:", "x2", "x1",
    "x8 :", "x5 :", "x9 :", "x6 :", "x3 :", "x0 :", "pc : ", "pmr_save:", "REGS:", "CFAR:", "Call Trace",
    "Krnl PSW", "Last Breaking", "krnl ", "epc :", "NIP:", "LR:", "MSR:", "GPR", "PC is at", "LR is at",
    "psr:", "r10:", "r7 :", "r3 :", "Flags:", "Control:", "Process ", "Register ", "Exception stack",
    "Internal error", "Mem abort info", "ESR =", "EC =", "SET =", "EA =", "FSC =", "ISV =", "CM =",
    "Data abort info", "swapper pgtable", "user pgtable", "[0000", "[ffff", "[dead", "PGD ", "#PF:",
    "Oops:", "Oops ", "SMP ", "Dumping ftrace", "Kernel Offset", "note: ", "task:", "NMI backtrace for cpu",
    "Sending NMI", "Read of size", "Write of size", "Allocated by task", "Freed by task",
    "The buggy address", "Memory state around", "KASAN: ", "Stack dump", "Fixing recursive fault", "pwq ",
    "Showing all locks held", "Showing busy workqueues", "rcu: ", "rcu_", "\"echo 0 > ", "preempt_count:",
    "RCU nest depth:", "in_atomic():", "RCU used illegally", "stack is not available", "Not tainted",
    "Rebooting in", "RIP ", "RSP <", "Modules:", "Instruction dump:", "Last Breaking", "possible reason:", "unwind:", "WARNING: stack", "EFLAGS:",
];

/// Looks at one message.
pub(crate) fn shape(message: &str) -> Shape {
    let text = without_kmemleak(message).trim();
    match text {
        "" => Shape::Blank,
        "</TASK>" => Shape::StackEnd,
        "<TASK>" | "<IRQ>" | "</IRQ>" | "<NMI>" | "</NMI>" | "<EOI>" | "<SOFTIRQ>" | "<EOE>" | "#PF" => {
            Shape::Frame
        }
        "0x0" | "(null)" | "(efault)" | "..." => Shape::Frame,
        "stack backtrace:" => Shape::LastPart,
        _ => long_shape(text),
    }
}

/// Drops what newer kernels put in front of every line of a leak (`pr_fmt`, mm/kmemleak.c).
pub(crate) fn without_kmemleak(text: &str) -> &str {
    text.strip_prefix("kmemleak: ").unwrap_or(text)
}

fn long_shape(text: &str) -> Shape {
    if is_rule(text) {
        return Shape::Rule;
    }
    if Frame::parse_line(text).is_some()
        || is_raw_stack(text)
        || is_nameless_frame(text)
        || is_half_arm_frame(text)
        || is_address_alone(text)
    {
        return Shape::Frame;
    }
    if is_trace_start(text) {
        return Shape::TraceStart;
    }
    if text.starts_with("---[ end trace") || text.starts_with("---[ end Kernel panic") {
        return Shape::EndTrace;
    }
    if let Some(count) = held_count(text) {
        return Shape::HeldCount(count);
    }
    if LOCKDEP.iter().any(|start| text.starts_with(start)) || text.contains(" is trying to ") {
        return Shape::Lockdep;
    }
    if Lock::parse(text).is_some() || Lock::is_cut(text) || is_lock_piece(text) {
        return Shape::Lock;
    }
    let detail = DETAILS.iter().any(|start| text.starts_with(start)) || is_register(text) || is_owner(text);
    if detail { Shape::Detail } else { Shape::Other }
}

/// `r7:00000009 r6:600f0013` and `9fa0:                   00000000`, between and below the frames of 32-bit Arm.
fn is_register(text: &str) -> bool {
    let Some((name, values)) = text.split_once(':') else { return false };
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = name.strip_prefix('r').unwrap_or_default().trim_end();
    let named = !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
    let value = values.split_ascii_whitespace().next().unwrap_or_default();
    (named || name.len() == 4 && is_hex(name)) && value.len() == 8 && is_hex(value)
}

/// `INFO: task a:33 is blocked on a mutex likely owned by task b:34.`, between the two tasks of a report
/// (`debug_show_blocker`, kernel/hung_task.c).
pub(crate) fn is_owner(text: &str) -> bool {
    text.starts_with("INFO: task ") && text.contains(" blocked on a")
}

/// The words above a backtrace; mailers put them behind the line above.
fn is_trace_start(text: &str) -> bool {
    TRACE_STARTS.iter().any(|start| text.starts_with(start))
        || text == "Trace:"
        // The last registers of riscv, whose exceptions have no words of their own above the frames (`show_regs`,
        // arch/riscv/kernel/process.c).
        || text.starts_with("status: ") && text.contains(" badaddr: ")
        || text.starts_with("CPU: ") && TRACE_STARTS.iter().any(|start| text.ends_with(start))
}

/// What architectures print above a backtrace (`show_stack`, arch/*/kernel).
pub(crate) const TRACE_STARTS: &[&str] = &[
    "Call Trace:",
    "Call trace:",
    "Backtrace:",
    "Call Trace",
    "Stack Trace:",
    "Call traces:",
    "Kernel addresses on the stack:",
];

/// A rule of at least ten `=` or `-`.
fn is_rule(text: &str) -> bool {
    text.len() >= 10 && (text.bytes().all(|b| b == b'=') || text.bytes().all(|b| b == b'-'))
}

/// `3 locks held by comm/pid:`, `no locks held by comm/pid.`
pub(crate) fn held_count(text: &str) -> Option<u32> {
    let (count, rest) = text.split_once(' ')?;
    if !rest.starts_with("lock held by ") && !rest.starts_with("locks held by ") {
        return None;
    }
    if count == "no" { Some(0) } else { count.parse().ok() }
}

/// The stack words that old kernels print in front of the call trace, and the words of code that some print below it, with a
/// mark at the one that failed.
fn is_raw_stack(text: &str) -> bool {
    text.split_ascii_whitespace()
        .map(|word| word.trim_start_matches(['<', '(']).trim_end_matches(['>', ')']))
        .all(|word| matches!(word.len(), 8 | 16) && word.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A frame without offset or without symbol: `? 0xffffffffc014d2a4`, `? __pfx_foo`, `[c00] [c00] 0x20001 (unreliable)`.
fn is_nameless_frame(text: &str) -> bool {
    let unsure = text.strip_prefix("? ").unwrap_or(text);
    let alone = !unsure.contains(' ') && !unsure.is_empty();
    let identifier = unsure.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    alone && identifier && (unsure.len() < text.len() || unsure.starts_with("0x"))
        || text.ends_with("(unreliable)") && text.starts_with('[')
        // powerpc: the stack, the address, and no symbol.
        || text.starts_with('[') && text.rsplit_once("] 0x").is_some_and(|(_, at)| at.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `[<c07caac8>] (mutex_lock_nested) from [<bf00b704>]`, broken by a mailer.
pub(crate) fn is_half_arm_frame(text: &str) -> bool {
    text.starts_with("[<") && text.ends_with(">]") && text.contains(") from [<")
}

/// `[<ffffffffa0350af2>]` or ` <IRQ>  [<ffffffffa0350af2>]`, whose symbol a mailer put on the next line.
fn is_address_alone(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().rev();
    let last = words.next().unwrap_or_default();
    let inner = last.strip_prefix("[<").and_then(|rest| rest.strip_suffix(">]"));
    let marks = |mut words: std::iter::Rev<std::str::SplitAsciiWhitespace<'_>>| {
        words.all(|word| word == "?" || word.starts_with('<') && word.ends_with('>'))
    };
    marks(words)
        && inner.is_some_and(|address| address.len() >= 8 && address.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What can only be a continuation of a lock's mention.
pub(crate) fn is_lock_piece(text: &str) -> bool {
    text.starts_with("){")
        || text.starts_with(") at:")
        || text.starts_with(", at:")
        || text.starts_with("-{")
        || text == ");"
        || text == "-->"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for (line, expected) in [
            ("  ", Shape::Blank),
            ("============================", Shape::Rule),
            (" ? foo+0x1/0x2 [m]", Shape::Frame),
            (" </TASK>", Shape::StackEnd),
            ("Call Trace:", Shape::TraceStart),
            ("-> #2 (&x){+.+.}-{3:3}:", Shape::Lockdep),
            ("kworker/2:3/865 is trying to acquire lock:", Shape::Lockdep),
            ("4 locks held by kworker/2:3/865:", Shape::HeldCount(4)),
            ("no locks held by cat/3.", Shape::HeldCount(0)),
            (" #0: ffff8887fb81c938 (&x){+.+.}-{0:0}, at: foo+0x1/0x2", Shape::Lock),
            ("RIP: 0010:foo+0x1/0x2", Shape::Detail),
            ("---[ end trace 0000000000000000 ]---", Shape::EndTrace),
            ("status: 0000000200000120 badaddr: 0000000000000010 cause: 000000000000000d", Shape::TraceStart),
            ("[<ffffffff01d0a030>] foo_ioctl+0x10/0x20 [foo]", Shape::Frame),
            ("usb 1-1: new device", Shape::Other),
        ] {
            assert_eq!(shape(line), expected, "{line}");
        }
    }
}
