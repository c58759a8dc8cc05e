//! The line that `die()` of every architecture prints, and what it says of the line that must stand above it.

use crate::banner;
use crate::kind::Kind;

/// What the kernel has printed above such a line, whose own words do not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// `BUG: unable to handle page fault`, `Unable to handle kernel NULL pointer dereference`: which access failed.
    Fault,
    /// `kernel BUG at file:line!`, `CFI failure at ...`: which check failed.
    Bug,
}

/// How the line begins that says which indirect call went to a function of another type (kernel/cfi.c, since 6.1).
pub(crate) const CFI: &str = "CFI failure at ";

/// What the kernel says of a fault that nobody handles, be it a program's, which it kills, or its own, of which it dies
/// (`do_DataAbort`, `do_PrefetchAbort`, arch/arm/mm/fault.c; `do_mem_abort`, `do_sea`, `do_debug_exception`,
/// arch/arm64/mm/fault.c).
pub(crate) const UNHANDLED: [&str; 4] = [
    "Unhandled fault: ",
    "Unhandled prefetch abort: ",
    "Unhandled debug exception: ",
    "Synchronous External Abort: ",
];

/// `divide error: 0000 [#1] PREEMPT SMP`, `Kernel bug detected[#1]:`, `illegal operation: 0001 ilc:1 [#1]`: what `die()` of
/// every architecture prints (arch/*/kernel/dumpstack.c, traps.c), with the count of oopses behind it.
pub(crate) fn is_die_line(text: &str) -> bool {
    let Some((before, rest)) = text.split_once("[#") else { return false };
    let Some((count, flags)) = rest.split_once(']') else { return false };
    let counted = (1..=3).contains(&count.len()) && count.bytes().all(|b| b.is_ascii_digit());
    let flag = |word: &str| {
        word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_:,".contains(&b))
    };
    let named = before.len() > 3 && before.starts_with(|c: char| c.is_ascii_alphabetic());
    counted && named && flags.split_ascii_whitespace().all(flag)
}

/// Is it a line of `die()`, with the count or, on some architectures, without?
pub(crate) fn is_of_die(text: &str) -> bool {
    is_die_line(text.trim_start()) || above(text).is_some()
}

/// What must stand above the line, if its own words do not say what happened. `Oops: 0002 [#1]` says only that the kernel
/// died: `show_fault_oops` (arch/x86/mm/fault.c), `die_kernel_fault` (arch/arm64/mm/fault.c), `bad_page_fault`
/// (arch/powerpc/mm/fault.c) and their like have said of what. So has `report_bug` (lib/bug.c) above the trap of a BUG.
pub(crate) fn above(text: &str) -> Option<Above> {
    let text = text.trim_start();
    if banner::find(text) != Some(Kind::Oops) {
        return None;
    }
    let before = text.split("[#").next().unwrap_or(text).trim_end();
    let what = without_lead(before);
    // arch/x86/kernel/traps.c; arch/arm*/kernel/traps.c; arch/powerpc/kernel/traps.c; arch/riscv/kernel/traps.c;
    // arch/s390/kernel/traps.c
    const BUGS: [&str; 5] =
        ["invalid opcode", "- BUG", "Exception in kernel mode, sig: 5", "Kernel BUG", "monitor event"];
    if BUGS.iter().any(|bug| what.starts_with(bug)) && !before.starts_with("Kernel BUG at") {
        return Some(Above::Bug);
    }
    // `cat(812): Oops [#1]`, arch/sparc/kernel/traps_64.c
    let nothing = what.len() < before.len() && is_code(what) || before.ends_with("): Oops");
    (nothing || what.starts_with("Kernel access of bad area")).then_some(Above::Fault)
}

/// Drops what every such line begins with: `Internal error: Oops: `, `Oops: Oops: `, `Oops`.
fn without_lead(text: &str) -> &str {
    let mut rest = text;
    while let Some(shorter) = ["Internal error:", "Oops"].iter().find_map(|lead| rest.strip_prefix(lead)) {
        rest = shorter.trim_start_matches([':', ' ', '#']);
    }
    rest
}

/// `0002`, `0004 ilc:2`, `sig: 11`, or nothing: numbers alone.
fn is_code(text: &str) -> bool {
    let number = |word: &str| {
        let word = word.trim_start_matches("ilc:");
        matches!(word, "sig:" | "ilc:") || word.bytes().all(|b| b.is_ascii_hexdigit())
    };
    text.split_ascii_whitespace().all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_names_no_reason_has_one_above() {
        for (line, wanted) in [
            ("Oops: 0002 [#1] PREEMPT SMP", Some(Above::Fault)),
            ("Oops: Oops: 0000 [#12] PREEMPT SMP NOPTI", Some(Above::Fault)),
            ("Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP", Some(Above::Fault)),
            ("Internal error: Oops: 17 [#1] SMP ARM", Some(Above::Fault)),
            ("Internal error: : 81b [#1] SMP ARM", Some(Above::Fault)),
            ("Internal error: : 96000210 [#1] PREEMPT SMP", Some(Above::Fault)),
            ("Oops: Kernel access of bad area, sig: 11 [#1]", Some(Above::Fault)),
            ("Oops: 0004 ilc:2 [#1] SMP", Some(Above::Fault)),
            ("Oops: sig: 9 [#1] PREEMPT", Some(Above::Fault)),
            ("Oops [#1]", Some(Above::Fault)),
            ("Oops[#1]:", Some(Above::Fault)),
            ("Oops: 00000000", Some(Above::Fault)),
            ("cat(812): Oops [#1]", Some(Above::Fault)),
            ("invalid opcode: 0000 [#1] SMP KASAN", Some(Above::Bug)),
            ("Oops: invalid opcode: 0000 [#1] PREEMPT SMP NOPTI", Some(Above::Bug)),
            ("Internal error: Oops - BUG: 00000000f2000800 [#1] PREEMPT SMP", Some(Above::Bug)),
            ("Oops: Exception in kernel mode, sig: 5 [#1]", Some(Above::Bug)),
            ("Kernel BUG [#1]", Some(Above::Bug)),
            ("monitor event: 0040 ilc:2 [#1] SMP", Some(Above::Bug)),
            ("Oops: Exception in kernel mode, sig: 4 [#1]", None),
            ("Oops - illegal instruction [#1]", None),
            (
                "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP",
                None,
            ),
            ("general protection fault: 0000 [#1] SMP", None),
            ("Oops: divide error: 0000 [#1] PREEMPT SMP", None),
            ("Internal error: synchronous external abort: 96000210 [#1] SMP", None),
            ("Internal error: UBSAN: array index out of bounds: 00000000f2005512 [#1] PREEMPT SMP", None),
            ("Kernel bug detected[#1]:", None),
            ("BUG: kernel NULL pointer dereference, address: 0000000000000010", None),
            ("Unable to handle kernel paging request at virtual address 00000010", None),
            ("Internal error: Oops - CFI: 00000000f2008228 [#1] PREEMPT SMP", None),
            ("CFI failure at foo+0x1/0x2 (no target information)", None),
            ("Unhandled prefetch abort: unknown 16 (0x010) at 0x00000000", None),
            ("kernel BUG at drivers/foo.c:12!", None),
            ("Kernel BUG at foo+0x1/0x2 [verbose debug info unavailable]", None),
        ] {
            assert_eq!(above(line), wanted, "{line}");
        }
    }
}
