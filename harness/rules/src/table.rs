//! Every rule, in one place. The order is the contract's.

use crate::rule::Group::{self, *};
use crate::rule::Rule;

const CONTRACT: &str = "Documentation/driver-api/dma-buf.rst, DMA Fence Cross-Driver Contract";
const ANNOTATIONS: &str = "Documentation/driver-api/dma-buf.rst, DMA Fence Signalling Annotations";
const INDEFINITE: &str = "Documentation/driver-api/dma-buf.rst, Indefinite DMA Fences";
const FENCE: &str = "drivers/dma-buf/dma-fence.c, DOC: DMA fences overview";
const FENCE_OPS: &str = "include/linux/dma-fence.h, struct dma_fence_ops";
const DEADLINE: &str = "drivers/dma-buf/dma-fence.c, DOC: deadline hints";
const SYNC_FILE: &str = "drivers/dma-buf/sync_file.c and Documentation/driver-api/sync_file.rst";
const RESV: &str = "drivers/dma-buf/dma-resv.c, DOC: Reservation Object Overview";
const USAGE: &str = "include/linux/dma-resv.h, enum dma_resv_usage";
const WW: &str = "Documentation/locking/ww-mutex-design.rst";
const BUF_LOCKING: &str = "drivers/dma-buf/dma-buf.c, DOC: locking convention";
const BUF_UAPI: &str = "include/uapi/linux/dma-buf.h, dma_buf_export_sync_file and dma_buf_sync";
const PRIME: &str = "drivers/gpu/drm/drm_prime.c, drm_gem_prime_fd_to_handle()";
const SYNCOBJ: &str = "drivers/gpu/drm/drm_syncobj.c, DOC: Overview";
const SYNCOBJ_UAPI: &str = "include/uapi/drm/drm.h, DRM_IOCTL_SYNCOBJ_*";
const EXPLICIT: &str = "drivers/gpu/drm/drm_atomic_uapi.c, DOC: explicit fencing properties";
const COMMIT: &str = "drivers/gpu/drm/drm_atomic_helper.c, DOC: implementing nonblocking commit";
const PLANE: &str = "drivers/gpu/drm/drm_gem_atomic_helper.c, drm_gem_plane_helper_prepare_fb()";
const NOTIFIER: &str = "include/linux/mmu_notifier.h, struct mmu_notifier_ops";
const HMM: &str = "Documentation/mm/hmm.rst, Address space mirroring";
const SCHED: &str = "include/drm/gpu_scheduler.h, struct drm_sched_backend_ops";

const fn rule(
    group: Group,
    id: &'static str,
    ways: &'static str,
    sentence: &'static str,
    source: &'static str,
) -> Rule {
    Rule { id, group, sentence, source, ways }
}

/// Every rule of the contract.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    rule(Fence, "FENCE-TIME", "TGF", "every published fence signals in finite time", CONTRACT),
    rule(Fence, "FENCE-NO-TIMEOUT", "T", "a driver does not give up on a foreign fence: it waits until that signals", CONTRACT),
    rule(Fence, "FENCE-ONCE", "T", "a fence goes from pending to signalled once, and its status and time stay", FENCE),
    rule(Fence, "FENCE-ORDER", "T", "the fences of one context signal in the order of their sequence numbers", FENCE),
    rule(Fence, "FENCE-LEAK", "LF", "the last reference to a fence goes away after it has signalled", "drivers/dma-buf/dma-fence.c, dma_fence_release()"),
    rule(Fence, "FENCE-IRQ-LOCK", "LF", "the lock of a fence, and whatever its callbacks take, is safe against interrupts", FENCE_OPS),
    rule(Fence, "FENCE-CB", "LF", "a fence callback neither sleeps nor signals a fence of the same lock class", "include/linux/dma-fence.h, dma_fence_func_t"),
    rule(Fence, "FENCE-DEADLINE", "T", "a deadline is a hint: it changes no fence and no order", DEADLINE),
    rule(Fence, "FENCE-OWNER", "T", "the fences of an owner that died signal, with an error", SYNC_FILE),
    rule(Fence, "FENCE-ATOMIC-WAIT", "LF", "nobody waits for a fence in atomic context", FENCE_OPS),

    rule(Signalling, "SIG-RECLAIM", "LF", "nothing on the way to a signal allocates with GFP_KERNEL", CONTRACT),
    rule(Signalling, "SIG-NOTIFIER", "LF", "nothing on the way to a signal allocates with GFP_NOFS or GFP_NOIO: reclaim calls mmu notifiers, and those wait for fences", CONTRACT),
    rule(Signalling, "SIG-ALLOWED", "F", "GFP_NOWAIT and GFP_ATOMIC are allowed on the way to a signal: no checker may complain", CONTRACT),
    rule(Signalling, "SIG-RESV", "LF", "nothing on the way to a signal takes a reservation or begins a ww transaction", CONTRACT),
    rule(Signalling, "SIG-MMAP", "LF", "nothing on the way to a signal takes mmap_lock or touches user memory", CONTRACT),
    rule(Signalling, "SIG-TAINTED", "LF", "nothing on the way to a signal takes a lock that is held over an allocation or a wait anywhere", ANNOTATIONS),
    rule(Signalling, "SIG-MODESET", "LF", "nothing on the way to a signal takes a modeset lock", ANNOTATIONS),
    rule(Signalling, "SIG-CONSOLE", "LF", "nothing on the way to a signal takes console_lock", ANNOTATIONS),
    rule(Signalling, "SIG-FLUSH", "LF", "nothing on the way to a signal flushes work that waits for fences", ANNOTATIONS),
    rule(Signalling, "SIG-BALANCE", "LF", "a signalling section ends, in the task that began it", ANNOTATIONS),
    rule(Signalling, "SIG-RUNJOB", "L", "the scheduler's run_job and timedout_job callbacks, and what frees jobs, are signalling sections", SCHED),

    rule(Reservation, "RESV-CTX", "LF", "two reservations at once need one ww acquire context", WW),
    rule(Reservation, "RESV-CTX-LIFE", "LF", "an acquire context outlives the locks that were taken under it", WW),
    rule(Reservation, "RESV-MMAP", "LF", "mmap_lock is taken outside reservations, never inside", RESV),
    rule(Reservation, "RESV-MODESET", "LF", "modeset locks are taken outside reservations, never inside", RESV),
    rule(Reservation, "RESV-USAGE", "T", "the usages KERNEL < WRITE < READ < BOOKKEEP are honoured: readers wait for writers, writers for everybody", USAGE),
    rule(Reservation, "RECLAIM-RESV", "L", "shrinkers and notifiers only trylock reservations", RESV),
    rule(Reservation, "RECLAIM-TAINT", "L", "a lock that a shrinker or notifier takes is not held over allocations", NOTIFIER),

    rule(DmaBuf, "BUF-HELD", "LF", "importers hold the reservation for pin, unpin, map, unmap, vmap, vunmap; exporters for move_notify", BUF_LOCKING),
    rule(DmaBuf, "BUF-NOTHELD", "LF", "importers do not hold the reservation for attach, detach, export, fd, get, put, mmap and CPU access", BUF_LOCKING),
    rule(DmaBuf, "BUF-EXPORTER", "LF", "exporter callbacks that are called with the reservation locked do not lock it", BUF_LOCKING),
    rule(DmaBuf, "BUF-WW", "LF", "an exporter may run a whole ww transaction in attach, so importers hold nothing over it", BUF_LOCKING),
    rule(DmaBuf, "BUF-SYNCFILE", "T", "EXPORT_SYNC_FILE and IMPORT_SYNC_FILE honour the usage of their flags", BUF_UAPI),
    rule(DmaBuf, "BUF-WAIT", "T", "DMA_BUF_SYNC_START waits for implicit fences, and a signal interrupts it", BUF_UAPI),
    rule(DmaBuf, "BUF-ERRNO", "T", "a refused import fails with a stable errno, and nothing leaks", PRIME),

    rule(Syncobj, "SYNC-NULL", "T", "a wait for no fence is EINVAL without WAIT_FOR_SUBMIT, and ETIME at the deadline with it", SYNCOBJ),
    rule(Syncobj, "SYNC-SNAPSHOT", "T", "an export takes the fence of that moment", SYNCOBJ),
    rule(Syncobj, "SYNC-REPLACE", "T", "an import takes the place of the fence that was there", SYNCOBJ),
    rule(Syncobj, "SYNC-POINT", "T", "point 0 is the binary fence, and the points of a timeline are monotone", SYNCOBJ),
    rule(Syncobj, "SYNC-TRANSFER", "T", "a transfer copies a fence between binary objects and points, both ways", SYNCOBJ),
    rule(Syncobj, "SYNC-EVENTFD", "T", "an eventfd counts up once when its point signals or gets a fence", SYNCOBJ_UAPI),
    rule(Syncobj, "SYNC-UNSUPPORTED", "T", "without the feature the answer is EOPNOTSUPP", SYNCOBJ_UAPI),
    rule(Syncobj, "SYNC-SUBMITTED", "G", "every point that is waited for is submitted one day", INDEFINITE),

    rule(Atomic, "ATOM-IN", "T", "a commit waits for its in-fences before it flips", EXPLICIT),
    rule(Atomic, "ATOM-EXPLICIT", "T", "an explicit in-fence overrides the implicit writers", PLANE),
    rule(Atomic, "ATOM-OUT", "T", "an out-fence signals at scanout, and is -1 after a failed or TEST_ONLY commit", EXPLICIT),
    rule(Atomic, "ATOM-BUSY", "T", "a non-blocking commit ahead of a pending flip is EBUSY", COMMIT),
    rule(Atomic, "ATOM-TIME", "LT", "hw_done, flip_done and cleanup_done come within 10 s each", COMMIT),
    rule(Atomic, "ATOM-SECTION", "L", "a commit's tail is a signalling section until hw_done", COMMIT),
    rule(Atomic, "ATOM-FOREIGN", "T", "a fence of another device works as an in-fence", EXPLICIT),

    rule(Userptr, "UPTR-GUARD", "T", "a process's pages are pinned or watched by a notifier while a device uses them", NOTIFIER),
    rule(Userptr, "UPTR-NOALLOC", "LF", "nothing allocates under the lock that the notifier takes", NOTIFIER),
    rule(Userptr, "UPTR-NORESV", "LF", "nothing takes a reservation under the lock that the notifier takes", NOTIFIER),
    rule(Userptr, "UPTR-ORDER", "LF", "the notifier's lock is outside, the signalling section inside", NOTIFIER),
    rule(Userptr, "UPTR-RESTART", "T", "a submission after an invalidation looks the pages up again", HMM),
    rule(Userptr, "UPTR-NOEXPORT", "T", "a buffer of a process's pages cannot be exported", "drivers/gpu/drm/amd/amdgpu/amdgpu_dma_buf.c, amdgpu_gem_prime_export()"),
    rule(Userptr, "UPTR-CHAIN", "TG", "with device A's fence before device B's job on a process's pages, unmapping them ends when A signals", CONTRACT),

    rule(Scheduler, "SCHED-RUNJOB", "LF", "run_job neither allocates nor takes a lock that is held over an allocation or a wait", SCHED),
    rule(Scheduler, "SCHED-TDR-ALLOC", "LF", "the handler of a timed-out job does not allocate", SCHED),
    rule(Scheduler, "SCHED-TDR-MODESET", "LF", "the handler of a timed-out job takes no modeset lock", SCHED),
    rule(Scheduler, "SCHED-RESET-SEM", "LF", "the lock that a reset takes is not held over an allocation or a wait", SCHED),
    rule(Scheduler, "SCHED-ERROR", "T", "a timed-out job's fence carries an error", SCHED),
    rule(Scheduler, "RESET-FOREIGN", "T", "another device that holds the fence of a reset device is released within a budget", CONTRACT),

    rule(LongRunning, "LR-NOFENCE", "T", "work that page-faults or waits for user fences has no dma_fence at its end", INDEFINITE),
];

/// The rule of this id.
pub fn rule_of(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Way;

    #[test]
    fn ids_are_distinct_and_letters_known() {
        for (n, rule) in RULES.iter().enumerate() {
            assert!(RULES[..n].iter().all(|other| other.id != rule.id), "{} stands twice", rule.id);
            assert!(
                !rule.ways.is_empty() && rule.ways.chars().all(|c| Way::of_letter(c).is_some()),
                "{}",
                rule.id
            );
            assert!(!rule.sentence.ends_with('.') && rule.source.contains('/'), "{}", rule.id);
        }
    }
}
