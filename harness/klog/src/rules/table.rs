//! The table: one row for each way to break a rule, in the order of the contract.

use super::Role;
use crate::kind::Kind;

/// What breaks a rule.
pub(super) enum When {
    /// A lock of the second role was taken while one of the first was held.
    Edge(Role, Role),
    /// The same, on a path through one of these functions.
    EdgeVia(Role, Role, &'static [&'static str]),
    /// A report of one of these kinds about a lock of this role.
    Lock(&'static [Kind], Role),
    /// A report of one of these kinds about a lock of this role, on a path through one of these functions.
    LockVia(&'static [Kind], Role, &'static [&'static str]),
    /// A report of one of these kinds, on a path through one of these functions.
    Via(&'static [Kind], &'static [&'static str]),
    /// A work function returned with a lock of this role held (process_one_work(), kernel/workqueue.c).
    LeftByWork(Role),
    /// A report of one of these kinds that stands in one of these functions, of this file.
    At(&'static [Kind], &'static str, &'static [&'static str]),
    /// A lock of this role is taken in reclaim, and reclaim happens while it is held (old kernels' usage RECLAIM_FS).
    ReclaimUsage(Role),
    /// A report of one of these kinds with any of these words in it.
    Words(&'static [Kind], &'static [&'static str]),
}

/// One row. In the sentence, `{to}` is the lock taken, `{from}` the lock held, `{by}` the function that took it, `{line}` what shows the rule
/// broken where no edge does, and `{section}` " that FUNCTION began" where the report tells.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) when: When,
    /// The more specific of two rules that fit one edge has the higher number.
    pub(super) weight: u8,
    pub(super) sentence: &'static str,
    pub(super) doc: &'static str,
}

const fn rule(id: &'static str, weight: u8, when: When, sentence: &'static str, doc: &'static str) -> Rule {
    Rule { id, when, weight, sentence, doc }
}

const CONTRACT: &str = "Documentation/driver-api/dma-buf.rst, DMA Fence Cross-Driver Contract";
const ANNOTATIONS: &str = "Documentation/driver-api/dma-buf.rst, DMA Fence Signalling Annotations";
const BUF_LOCKING: &str = "drivers/dma-buf/dma-buf.c, DOC: locking convention";
const RESV: &str = "drivers/dma-buf/dma-resv.c, DOC: Reservation Object Overview";
const WW: &str = "Documentation/locking/ww-mutex-design.rst";
const SCHED: &str = "include/drm/gpu_scheduler.h, struct drm_sched_backend_ops";
const COMMIT: &str = "drivers/gpu/drm/drm_atomic_helper.c, DOC: implementing nonblocking commit";
const FENCE_OPS: &str = "include/linux/dma-fence.h, struct dma_fence_ops";
const NOTIFIER: &str = "include/linux/mmu_notifier.h, struct mmu_notifier_ops";

const IRQ_KINDS: &[Kind] = &[Kind::Inconsistent, Kind::IrqOrder, Kind::IrqInversion];
const ATOMIC_KINDS: &[Kind] = &[Kind::Sleeping, Kind::AtomicSchedule, Kind::WaitContext];
const SIGNAL: &[&str] = &[
    "dma_fence_signal",
    "dma_fence_signal_locked",
    "dma_fence_signal_timestamp",
    "dma_fence_signal_timestamp_locked",
    "__dma_fence_signal__notify",
];
const WAIT: &[&str] = &[
    "dma_fence_wait_timeout",
    "dma_fence_default_wait",
    "dma_fence_wait_any_timeout",
    "dma_resv_wait_timeout",
];
/// What a task that was preempted does on its way out of the kernel (kernel/rseq.c): before lockdep looks what it holds.
const RETURN_TO_USER: &[&str] = &["__rseq_handle_notify_resume"];
const RUN_JOB: &[&str] = &["drm_sched_main", "drm_sched_run_job_work"];
const TIMEDOUT: &[&str] = &["drm_sched_job_timedout"];
const COMMIT_TAIL: &[&str] = &[
    "commit_tail",
    "commit_work",
    "drm_atomic_helper_commit_tail",
    "drm_atomic_helper_commit_tail_rpm",
    "drm_atomic_helper_commit",
];
const SHRINK: &[&str] = &[
    "shrink_slab",
    "do_shrink_slab",
    "shrink_node",
    "__mmu_notifier_invalidate_range_start",
    "mmu_notifier_invalidate_range_start",
    "i915_gem_shrinker_taints_mutex",
];
const BUF_LOCKED: &[&str] = &[
    "dma_buf_pin",
    "dma_buf_unpin",
    "dma_buf_map_attachment",
    "dma_buf_unmap_attachment",
    "dma_buf_vmap",
    "dma_buf_vunmap",
    "dma_buf_move_notify",
    "dma_buf_invalidate_mappings",
];
const BUF_UNLOCKED: &[&str] = &[
    "dma_buf_attach",
    "dma_buf_dynamic_attach",
    "dma_buf_detach",
    "dma_buf_export",
    "dma_buf_fd",
    "dma_buf_get",
    "dma_buf_put",
    "dma_buf_mmap",
    "dma_buf_begin_cpu_access",
    "dma_buf_end_cpu_access",
    "dma_buf_map_attachment_unlocked",
    "dma_buf_unmap_attachment_unlocked",
    "dma_buf_vmap_unlocked",
    "dma_buf_vunmap_unlocked",
    "dma_buf_release",
];
const ATTACH: &[&str] = &["dma_buf_attach", "dma_buf_dynamic_attach"];

/// Every rule that a kernel report can show.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Fence
    rule("FENCE-LEAK", 3, When::Words(&[Kind::Warn], &["released with pending signals"]),
        "The last reference to a fence went away before it signalled, so its waiters wait for ever. Keep a reference until the fence is signalled.", CONTRACT),
    rule("FENCE-IRQ-LOCK", 3, When::Lock(IRQ_KINDS, Role::FenceLock),
        "{by} uses the fence lock {line} in a way that is not safe against interrupts. Fences may be signalled from interrupts: take the lock with spin_lock_irqsave(), everywhere.", FENCE_OPS),
    rule("FENCE-IRQ-LOCK", 2, When::Via(IRQ_KINDS, SIGNAL),
        "{by} takes {to} on the way through dma_fence_signal() in a way that is not safe against interrupts. Locks of fences and of their callbacks are taken with interrupts off.", FENCE_OPS),
    rule("FENCE-CB", 3, When::Via(&[Kind::Sleeping, Kind::AtomicSchedule], SIGNAL),
        "{by} sleeps in a fence callback. Callbacks run under the fence lock, perhaps in an interrupt: queue work for what sleeps.", FENCE_OPS),
    rule("FENCE-CB", 3, When::Via(&[Kind::Recursive], SIGNAL),
        "{by} takes {to} in a fence callback, under a fence lock of the same class: it signals, or adds a callback to, another fence of its kind. Queue work instead.", FENCE_OPS),
    rule("FENCE-ATOMIC-WAIT", 3, When::Via(ATOMIC_KINDS, WAIT),
        "{by} waits for a fence in atomic context. Waits sleep: they need process context, and no spinlock held.", FENCE_OPS),
    rule("FENCE-ATOMIC-WAIT", 3, When::Words(&[Kind::Sleeping], &["dma-fence.c:"]),
        "{by} waits for a fence in atomic context. Waits sleep: they need process context, and no spinlock held.", FENCE_OPS),
    // Signalling section
    rule("SIG-RECLAIM", 4, When::Edge(Role::Signalling, Role::Reclaim),
        "{by} allocates with GFP_KERNEL inside the signalling section{section}. Reclaim may wait for a fence, and that fence may be this one: allocate before the section, or with GFP_NOWAIT or GFP_ATOMIC.", CONTRACT),
    rule("SIG-NOTIFIER", 4, When::Edge(Role::Signalling, Role::Notifier),
        "{by} allocates with GFP_NOFS or GFP_NOIO inside the signalling section{section}. Reclaim of pages calls mmu notifiers, and those wait for fences: allocate before the section, or with GFP_NOWAIT or GFP_ATOMIC.", CONTRACT),
    rule("SIG-RESV", 4, When::Edge(Role::Signalling, Role::Reservation),
        "{by} takes {to} inside the signalling section{section}. Fences are waited for with reservations held, so a section that needs one waits for its own waiters.", CONTRACT),
    rule("SIG-MMAP", 4, When::Edge(Role::Signalling, Role::MmapLock),
        "{by} takes {to} (or touches user memory) inside the signalling section{section}. Page faults wait for fences: pin or copy before the section.", CONTRACT),
    rule("SIG-MODESET", 4, When::Edge(Role::Signalling, Role::Modeset),
        "{by} takes the modeset lock {to} inside the signalling section{section}. Commits wait for fences with modeset locks held, so nothing on the way to a signal may take one.", ANNOTATIONS),
    rule("SIG-CONSOLE", 4, When::Edge(Role::Signalling, Role::Console),
        "{by} takes console_lock inside the signalling section{section}. A console driver modesets under it, and modesets wait for fences: suspend the console before the section, or not at all.", ANNOTATIONS),
    rule("SIG-FLUSH", 4, When::Edge(Role::Signalling, Role::Work),
        "{by} waits for {to} inside the signalling section{section}. That work waits for fences, or allocates: flush it before the section.", ANNOTATIONS),
    rule("SIG-TAINTED", 1, When::Edge(Role::Signalling, Role::Other),
        "{by} takes {to} inside the signalling section{section}. Elsewhere {to} is held over an allocation or a wait for a fence, so the section may wait for itself.", CONTRACT),
    rule("SIG-TAINTED", 1, When::Edge(Role::Signalling, Role::NotifierLock),
        "{by} takes {to} inside the signalling section{section}. Elsewhere {to} is held over an allocation or a wait for a fence, so the section may wait for itself.", CONTRACT),
    rule("SIG-TAINTED", 1, When::Edge(Role::Signalling, Role::ResetLock),
        "{by} takes {to} inside the signalling section{section}. Elsewhere {to} is held over an allocation or a wait for a fence, so the section may wait for itself.", CONTRACT),
    rule("SIG-BALANCE", 3, When::Lock(&[Kind::BadUnlock], Role::Signalling),
        "{by} ends a signalling section that this task is not in. dma_fence_end_signalling() belongs into the task that began it, once.", ANNOTATIONS),
    rule("SIG-BALANCE", 3, When::Lock(&[Kind::HeldAtReturn], Role::Signalling),
        "The task returns to user space inside the signalling section{section}. dma_fence_end_signalling() belongs on every path, also of errors.", ANNOTATIONS),
    rule("SIG-BALANCE", 3, When::Lock(&[Kind::StillHeld], Role::Signalling),
        "The task exits inside the signalling section{section}. dma_fence_end_signalling() belongs on every path, also of errors.", ANNOTATIONS),
    rule("SIG-BALANCE", 5, When::EdgeVia(Role::Signalling, Role::MmapLock, RETURN_TO_USER),
        "The task returns to user space inside the signalling section{section}, where the kernel touches user memory. dma_fence_end_signalling() belongs on every path, also of errors.", ANNOTATIONS),
    rule("SIG-BALANCE", 3, When::LeftByWork(Role::Signalling),
        "A work function began a signalling section and returned without ending it. dma_fence_end_signalling() belongs into the same function, on every path.", ANNOTATIONS),
    rule("SIG-RUNJOB", 0, When::EdgeVia(Role::Signalling, Role::Other, RUN_JOB),
        "The scheduler's run_job callback is a signalling section: what {by} does there, it does on the way to a fence.", SCHED),
    rule("SIG-RUNJOB", 0, When::EdgeVia(Role::Signalling, Role::Other, TIMEDOUT),
        "The scheduler's timedout_job callback is a signalling section: what {by} does there, it does on the way to a fence.", SCHED),
    // Reservation
    rule("RESV-CTX", 3, When::Lock(&[Kind::Recursive], Role::Reservation),
        "{by} takes a second reservation without the ww context of the first. Two reservations need one acquire context, and backoff on -EDEADLK.", WW),
    rule("RESV-CTX", 3, When::At(&[Kind::LockWarn, Kind::Warn], "", &["__ww_mutex_lock", "ww_mutex_lock_acquired", "ww_mutex_set_context_fastpath", "__ww_mutex_add_waiter"]),
        "The ww context of {by} is not the one that the lock asks for: of another class, finished, or not reset after -EDEADLK.", WW),
    rule("RESV-CTX-LIFE", 3, When::Lock(&[Kind::NestedNotHeld, Kind::HeldFreed], Role::Reservation),
        "{by} needs the acquire context {from} for {to}, and it or the buffer is gone. The context outlives its locks, and buffers outlive theirs.", WW),
    rule("RESV-CTX-LIFE", 3, When::At(&[Kind::LockWarn, Kind::Warn], "", &["ww_acquire_fini", "ww_acquire_done", "drm_modeset_acquire_fini", "drm_exec_fini"]),
        "An acquire context was finished with locks still taken under it. The context outlives its locks.", WW),
    rule("RESV-MMAP", 3, When::Edge(Role::Reservation, Role::MmapLock),
        "{by} takes {to} (or touches user memory) with a reservation held. Fault handlers take reservations under mmap_lock, so mmap_lock is always outside.", RESV),
    rule("RESV-MODESET", 3, When::Edge(Role::Reservation, Role::Modeset),
        "{by} takes the modeset lock {to} with a reservation held. Commits take reservations under modeset locks, so modeset locks are always outside.", RESV),
    rule("RECLAIM-RESV", 3, When::Edge(Role::Reclaim, Role::Reservation),
        "{by} takes a reservation in reclaim. Reservations are held over allocations, so shrinkers may only trylock them.", RESV),
    rule("RECLAIM-RESV", 3, When::ReclaimUsage(Role::Reservation),
        "{by} takes a reservation in reclaim. Reservations are held over allocations, so shrinkers may only trylock them.", RESV),
    rule("RECLAIM-TAINT", 2, When::ReclaimUsage(Role::Other),
        "{by} takes {to} in reclaim. Elsewhere {to} is held over an allocation, so reclaim may wait for itself.", CONTRACT),
    rule("RECLAIM-TAINT", 2, When::EdgeVia(Role::Reclaim, Role::Other, SHRINK),
        "{by} takes {to} in reclaim, from a shrinker or notifier. Elsewhere {to} is held over an allocation, so reclaim may wait for itself.", CONTRACT),
    rule("RECLAIM-TAINT", 2, When::Edge(Role::Notifier, Role::Other),
        "{by} takes {to} in an mmu notifier. Elsewhere {to} is held over an allocation, so reclaim may wait for itself.", NOTIFIER),
    // dma-buf
    rule("BUF-HELD", 4, When::At(&[Kind::Warn, Kind::LockWarn], "", BUF_LOCKED),
        "{by} was called without the reservation of the buffer. Importers hold it for pin, unpin, map, unmap, vmap, vunmap and move_notify.", BUF_LOCKING),
    rule("BUF-WW", 5, When::LockVia(&[Kind::Recursive], Role::Reservation, ATTACH),
        "{by} locks reservations while the importer holds one over attach. Attach is called without locks, because an exporter may run a whole ww transaction in it.", BUF_LOCKING),
    rule("BUF-NOTHELD", 4, When::LockVia(&[Kind::Recursive], Role::Reservation, BUF_UNLOCKED),
        "{by} locks the reservation that the importer holds already. Importers do not hold it for attach, detach, export, fd, get, put, mmap and CPU access.", BUF_LOCKING),
    rule("BUF-EXPORTER", 4, When::LockVia(&[Kind::Recursive], Role::Reservation, BUF_LOCKED),
        "{by} locks the reservation in an exporter's callback that is called with it locked.", BUF_LOCKING),
    // Atomic
    rule("ATOM-TIME", 3, When::Words(&[Kind::FlipTimeout],
        &["flip_done timed out", "hw_done timed out", "cleanup_done timed out", "commit wait timed out"]),
        "A commit was not done within 10 seconds: the hardware, its interrupt or a fence it waits for is stuck.", COMMIT),
    rule("ATOM-SECTION", 2, When::EdgeVia(Role::Signalling, Role::Reclaim, COMMIT_TAIL),
        "The commit's tail is a signalling section until drm_atomic_helper_commit_hw_done(): {by} may not allocate there.", COMMIT),
    rule("ATOM-SECTION", 2, When::EdgeVia(Role::Signalling, Role::Notifier, COMMIT_TAIL),
        "The commit's tail is a signalling section until drm_atomic_helper_commit_hw_done(): {by} may not allocate there.", COMMIT),
    rule("ATOM-SECTION", 2, When::EdgeVia(Role::Signalling, Role::Other, COMMIT_TAIL),
        "The commit's tail is a signalling section until drm_atomic_helper_commit_hw_done(): {by} may not take {to} there.", COMMIT),
    rule("ATOM-SECTION", 2, When::EdgeVia(Role::Signalling, Role::Reservation, COMMIT_TAIL),
        "The commit's tail is a signalling section until drm_atomic_helper_commit_hw_done(): {by} may not take {to} there.", COMMIT),
    rule("ATOM-SECTION", 2, When::EdgeVia(Role::Signalling, Role::Modeset, COMMIT_TAIL),
        "The commit's tail is a signalling section until drm_atomic_helper_commit_hw_done(): {by} may not take {to} there.", COMMIT),
    // Userptr
    rule("UPTR-NOALLOC", 3, When::Edge(Role::NotifierLock, Role::Reclaim),
        "{by} allocates under the notifier lock {from}. Reclaim calls the notifier, and that takes the lock.", NOTIFIER),
    rule("UPTR-NOALLOC", 3, When::Edge(Role::NotifierLock, Role::Notifier),
        "{by} allocates under the notifier lock {from}. Reclaim calls the notifier, and that takes the lock.", NOTIFIER),
    rule("UPTR-NORESV", 3, When::Edge(Role::NotifierLock, Role::Reservation),
        "{by} takes a reservation under the notifier lock {from}. Reservations are held over allocations, and those call the notifier.", NOTIFIER),
    rule("UPTR-ORDER", 3, When::Edge(Role::Signalling, Role::NotifierLock),
        "{by} takes the notifier lock {to} inside the signalling section{section}. The notifier waits for fences under this lock: take it outside, and begin the section inside.", NOTIFIER),
    // Scheduler and reset
    rule("SCHED-RUNJOB", 6, When::EdgeVia(Role::Signalling, Role::Reclaim, RUN_JOB),
        "{by} allocates in run_job, on the way to the job's fence. Allocate when the job is prepared.", SCHED),
    rule("SCHED-RUNJOB", 6, When::EdgeVia(Role::Signalling, Role::Notifier, RUN_JOB),
        "{by} allocates in run_job, on the way to the job's fence. Allocate when the job is prepared.", SCHED),
    rule("SCHED-RUNJOB", 6, When::EdgeVia(Role::Signalling, Role::Reservation, RUN_JOB),
        "{by} takes {to} in run_job, on the way to the job's fence.", SCHED),
    rule("SCHED-RUNJOB", 3, When::EdgeVia(Role::Signalling, Role::Other, RUN_JOB),
        "{by} takes {to} in run_job, on the way to the job's fence.", SCHED),
    rule("SCHED-TDR-ALLOC", 6, When::EdgeVia(Role::Signalling, Role::Reclaim, TIMEDOUT),
        "{by} allocates while it handles a timed-out job. Every pending fence waits for this handler.", SCHED),
    rule("SCHED-TDR-ALLOC", 6, When::EdgeVia(Role::Signalling, Role::Notifier, TIMEDOUT),
        "{by} allocates while it handles a timed-out job. Every pending fence waits for this handler.", SCHED),
    rule("SCHED-TDR-MODESET", 6, When::EdgeVia(Role::Signalling, Role::Modeset, TIMEDOUT),
        "{by} takes {to} while it handles a timed-out job. A commit that waits for the job's fence holds it: a reset does no modeset.", SCHED),
    rule("SCHED-RESET-SEM", 5, When::Edge(Role::Signalling, Role::ResetLock),
        "{by} takes the reset lock {to} inside the signalling section{section}. Elsewhere it is held over an allocation or a wait.", SCHED),
    rule("SCHED-RESET-SEM", 5, When::Edge(Role::ResetLock, Role::Reclaim),
        "{by} allocates with the reset lock {from} held, which the handler of a timed-out job takes.", SCHED),
];
