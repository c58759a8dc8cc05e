//! The kinds of kernel reports.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of report the kernel printed. The names are stable: they are the `kind` of the JSON output.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Kind {
            /// Every kind, lockdep's own first.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            /// The stable name, as in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// "possible circular locking dependency detected".
    Circular = "circular",
    /// "possible recursive locking detected".
    Recursive = "recursive",
    /// "inconsistent lock state".
    Inconsistent = "inconsistent",
    /// "HARDIRQ-safe -> HARDIRQ-unsafe lock order detected".
    IrqOrder = "irq-order",
    /// "possible irq lock inversion dependency detected".
    IrqInversion = "irq-inversion",
    /// "Invalid wait context".
    WaitContext = "wait-context",
    /// "Nested lock was not taken".
    NestedNotHeld = "nested-not-held",
    /// "bad unlock balance detected!".
    BadUnlock = "bad-unlock",
    /// "bad contention detected!".
    BadContention = "bad-contention",
    /// "held lock freed!".
    HeldFreed = "held-freed",
    /// "COMM/PID still has locks held!", and the older "lock held at task exit time!".
    StillHeld = "still-held",
    /// "lock held when returning to user space!".
    HeldAtReturn = "held-at-return",
    /// "suspicious RCU usage".
    Rcu = "rcu",
    /// "chain_key collision".
    ChainCollision = "chain-collision",
    /// One of lockdep's tables is full: "MAX_LOCKDEP_ENTRIES too low!" and its five sisters.
    Limit = "limit",
    /// "trying to register non-static key" and "key ... has not been registered!".
    NonStaticKey = "non-static-key",
    /// A `DEBUG_LOCKS_WARN_ON`, or "looking up invalid subclass".
    LockWarn = "lock-warn",
    /// "sleeping function called from invalid context".
    Sleeping = "sleeping",
    /// "scheduling while atomic".
    AtomicSchedule = "atomic-schedule",
    /// "task COMM:PID blocked for more than N seconds".
    HungTask = "hung-task",
    /// "soft lockup".
    SoftLockup = "soft-lockup",
    /// "hard LOCKUP".
    HardLockup = "hard-lockup",
    /// RCU's stall reports.
    RcuStall = "rcu-stall",
    /// Any other `WARN`.
    Warn = "warn",
    /// `BUG()` and the reports that begin with "BUG:" and have no kind of their own.
    Bug = "bug",
    /// An exception in kernel mode: page fault, general protection, divide error, ...
    Oops = "oops",
    /// "Kernel panic - not syncing".
    Panic = "panic",
    /// The kernel address sanitizer.
    Kasan = "kasan",
    /// The kernel concurrency sanitizer.
    Kcsan = "kcsan",
    /// The undefined behaviour sanitizer.
    Ubsan = "ubsan",
    /// The memory leak detector.
    Kmemleak = "kmemleak",
    /// `refcount_t` warnings.
    Refcount = "refcount",
    /// List corruption.
    List = "list",
    /// A driver found its GPU hung or a job over its time.
    GpuHang = "gpu-hang",
    /// A driver resets its GPU, or gave it up.
    GpuReset = "gpu-reset",
    /// "flip_done timed out" and the other waits of the atomic helpers.
    FlipTimeout = "flip-timeout",
}

impl Kind {
    /// Is it a report of the locking validator itself?
    pub fn is_lockdep(self) -> bool {
        self <= Kind::LockWarn
    }

    /// Does the kernel turn lockdep off when it prints this (`debug_locks_off()` in kernel/locking/lockdep.c)?
    /// RCU reports and the sleeping-function check leave it on.
    pub fn turns_lockdep_off(self) -> bool {
        self.is_lockdep() && self != Kind::Rcu
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
