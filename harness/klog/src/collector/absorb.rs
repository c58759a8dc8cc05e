//! Banners that go on with a report instead of beginning another.

use super::{Collector, Phase, Taken};
use crate::die_line::{self, Above};
use crate::kind::Kind;
use crate::line::Line;
use crate::parser::Options;
use crate::shape::Shape;
use crate::{aftermath, banner};

/// How the first line of a failed access begins, below which the kernel dies without another word (arch/*/mm/fault.c).
const FAULTS: [&str; 4] =
    ["BUG: unable to handle", "BUG: kernel NULL", "BUG: Kernel NULL", "nable to handle kernel"];
/// How SLUB's description of an object ends its first line, where KASAN asked for it.
const BAD_ACCESS: &str = "): kasan: bad access detected";

impl Collector {
    /// The kind that this report has if a banner of kind `new`, with this text, continues it; `None` if that begins another.
    pub(crate) fn would_absorb(&self, new: Kind, text: &str) -> Option<Kind> {
        let before_trace = !self.in_tail();
        match (self.kind, new) {
            // The line stands above a WARN or a BUG, and none of lockdep's banners.
            (None, new) => (!new.is_lockdep() || new == Kind::LockWarn).then_some(new),
            // The message of a warning names its kind better than the line "WARNING:", on whichever side it stands.
            (Some(Kind::Warn), Kind::Refcount | Kind::List | Kind::LockWarn)
                if before_trace && self.is_place_of(new) =>
            {
                Some(new)
            }
            (Some(old @ (Kind::Refcount | Kind::LockWarn)), Kind::Warn)
                if before_trace && !self.is_elsewhere(text) && !self.only_dumps() =>
            {
                Some(old)
            }
            (Some(old @ Kind::List), Kind::Warn | Kind::Bug) if before_trace && !self.is_elsewhere(text) => {
                Some(old)
            }
            // One of the timeouts of KMS is a WARN (`drm_atomic_helper_wait_for_vblanks`).
            (Some(old @ Kind::FlipTimeout), Kind::Warn) if before_trace => Some(old),
            // Older watchdogs say it with a WARN.
            (Some(Kind::Warn), Kind::HardLockup) if before_trace => Some(Kind::HardLockup),
            (Some(old @ Kind::HardLockup), Kind::Warn) if self.lines.len() <= 2 => Some(old),
            (Some(old @ Kind::NonStaticKey), Kind::Warn | Kind::LockWarn)
                if before_trace && self.warns_of_key() && !self.is_elsewhere(text) =>
            {
                Some(old)
            }
            // Before 4.8 KASAN let SLUB describe the object ("BUG kmalloc-64 (Not tainted): kasan: bad access detected").
            (Some(old @ Kind::Kasan), Kind::Kasan) if before_trace && text.contains(BAD_ACCESS) => {
                (!self.says(BAD_ACCESS)).then_some(old)
            }
            // "BUG: unable to handle ..." and "Oops: 0002" are two lines of one report, and so are "kernel BUG at"
            // and "invalid opcode".
            (Some(old @ (Kind::Oops | Kind::Bug | Kind::List)), Kind::Oops)
                if before_trace
                    && self.may_die_with(old, text)
                    && !(old != Kind::Oops && text.starts_with("BUG: ")) =>
            {
                Some(old)
            }
            // With CONFIG_CFI_PERMISSIVE the kernel warns of it, and lives on.
            (Some(Kind::Oops), Kind::Warn) if before_trace && self.is_cfi_at(text) => Some(Kind::Warn),
            (Some(old), Kind::Panic)
                if aftermath::is_own_panic(old, text, self.in_tail(), || self.is_of_init()) =>
            {
                Some(old)
            }
            (Some(old @ Kind::Kmemleak), Kind::Kmemleak) if self.lines.len() <= 2 => Some(old),
            _ => None,
        }
    }

    /// Is this report's message of a check whose place the line gives, and does the report lack it still?
    pub(crate) fn awaits_place(&self, text: &str) -> bool {
        !self.in_tail()
            && self.kind.and_then(checker).is_some_and(|checker| names(text, checker))
            && !self.has_place()
    }

    /// Can the line `WARNING: ... at`, or `kernel BUG at`, not be this report's, which has one or is of another file?
    fn is_elsewhere(&self, text: &str) -> bool {
        let named = text.contains("+0x") || text.contains(" BUG at ");
        self.has_place() || named && self.kind.and_then(checker).is_some_and(|checker| !names(text, checker))
    }

    /// Can a warning at this report's place have a message of that kind?
    fn is_place_of(&self, kind: Kind) -> bool {
        !self.says("+0x") || checker(kind).is_none_or(|checker| checker.iter().any(|word| self.says(word)))
    }

    fn has_place(&self) -> bool {
        self.says("WARNING: ") || self.says("ernel BUG at ")
    }

    /// May a report of this kind, as far as it has come, go on with a line of an exception? Most that begin with "BUG: " do
    /// not die at all, a fault does not with what `BUG()` ends in, and nothing dies twice or fails twice before it does.
    fn may_die_with(&self, kind: Kind, text: &str) -> bool {
        if self.has_died() {
            return false;
        }
        let fault = FAULTS.iter().chain(&die_line::UNHANDLED).any(|fault| self.says(fault));
        match kind {
            Kind::Bug => self.says("ernel BUG at "),
            Kind::Oops if fault => die_line::above(text) == Some(Above::Fault),
            // x86 and riscv, arm64
            Kind::Oops if self.says(die_line::CFI) => {
                die_line::above(text) == Some(Above::Bug) || text.contains("Oops - CFI")
            }
            Kind::Oops => die_line::is_of_die(text),
            _ => true,
        }
    }

    /// Did the check of an indirect call fail in the very place that this line names? Others may warn meanwhile, and theirs names
    /// a file before it: `report_cfi_failure()` (kernel/cfi.c) has none to give to `__warn()`.
    fn is_cfi_at(&self, text: &str) -> bool {
        let failed =
            self.lines[0].line.text.strip_prefix(die_line::CFI).and_then(|rest| rest.split_once(" ("));
        failed.is_some_and(|(place, _)| text.contains(&format!(" at {place}")))
            && !self.says("WARNING: ")
            && !self.has_died()
    }

    fn has_died(&self) -> bool {
        self.lines.iter().any(|taken| die_line::is_of_die(&taken.line.text))
    }

    fn says(&self, words: &str) -> bool {
        self.lines.iter().any(|taken| taken.line.text.contains(words))
    }

    /// Is the report about the first process, without which the kernel does not go on?
    fn is_of_init(&self) -> bool {
        self.says(" PID: 1 Comm: ")
    }

    /// Is it the message of a warning, of which older kernels print the line `cut here` below?
    pub(crate) fn is_warning_text(&self) -> bool {
        let kinds = [Kind::LockWarn, Kind::Refcount, Kind::List];
        let known = self.kind.is_some_and(|kind| kinds.contains(&kind)) || self.warns_of_key();
        known && self.lines.len() <= 2 && !self.says(banner::CUT_HERE) && !self.only_dumps()
    }

    /// Below this one stands a backtrace and no WARN (`look_up_lock_class`, kernel/locking/lockdep.c).
    fn only_dumps(&self) -> bool {
        self.lines[0].line.text.starts_with("BUG: looking up invalid subclass")
    }

    /// `BUG: key ... has not been registered!` stands above a WARN (`lockdep_init_map_type`, kernel/locking/lockdep.c). The other
    /// report of this kind, "INFO: trying to register non-static key", has none.
    fn warns_of_key(&self) -> bool {
        self.kind == Some(Kind::NonStaticKey) && self.lines[0].line.text.contains("BUG: key ")
    }

    /// Does the line say again what the report began with? Kernels 5.0 to 5.3 repeat the line "WARNING:" below the backtrace
    /// (`__warn`, kernel/panic.c), and a symboliser repeats a banner for every inlined function.
    pub(crate) fn repeats(&self, kind: Kind, line: &Line) -> bool {
        let again = || self.lines.iter().take(8).any(|taken| taken.line.text.trim() == line.text.trim());
        let inlined = || self.lines.len() == 1 && self.lines[0].line.text.trim_end().ends_with("[inline]");
        kind == Kind::Warn && self.in_tail() && again() || self.kind == Some(kind) && inlined()
    }

    /// Takes a banner that continues this report.
    pub(crate) fn take_banner(&mut self, kind: Option<Kind>, line: Line, options: &Options) {
        self.kind = kind.and_then(|kind| self.would_absorb(kind, &line.text)).or(self.kind);
        if kind == Some(Kind::Panic) && self.phase == Phase::After {
            // The panic's own backtrace follows.
            self.phase = Phase::Backtrace(1);
        }
        self.strangers = 0;
        self.last_time = line.meta.time_us.or(self.last_time);
        // A line without prefix in a log that has them is the rest of the banner, which a mailer broke.
        let broken = line.meta.bare && line.meta.has_time();
        self.keep(line, if broken { Shape::Other } else { Shape::Detail }, options);
    }

    /// A mailer may have wrapped the banner. Takes the line if the two make a banner of another kind together.
    pub(crate) fn completes_banner(&mut self, line: &Line) -> bool {
        let [Taken { line: first, .. }] = &mut self.lines[..] else { return false };
        if !line.meta.bare || line.text.trim().is_empty() {
            return false;
        }
        let joined = format!("{} {}", first.text.trim_end(), line.text.trim());
        let kind = banner::find(&joined);
        let better = kind.is_some() && kind != self.kind;
        if better {
            self.kind = kind;
            first.text = joined;
        }
        better
    }
}

/// One of which stands in the place of the checks that print a message of their own: lib/refcount.c, lib/list_debug.c, and
/// DEBUG_LOCKS_WARN_ON of kernel/locking, kernel/fork.c, include/linux/ww_mutex.h and others.
fn checker(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Refcount => Some(&["refcount"]),
        Kind::List => Some(&["list_"]),
        Kind::LockWarn | Kind::NonStaticKey => Some(&["kernel/", "lock", "mutex"]),
        _ => None,
    }
}

/// Does the text name the place of such a check?
fn names(text: &str, checker: &[&str]) -> bool {
    checker.iter().any(|word| text.contains(word))
}
