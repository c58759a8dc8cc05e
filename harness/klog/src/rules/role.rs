//! What part a lock class plays in the contract.

use crate::lock::LockClass;

/// The part that a lock class plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `dma_fence_map`: a signalling section when held, a wait when it is taken for an instant.
    Signalling,
    /// `fs_reclaim`: an allocation that may enter reclaim (GFP_KERNEL).
    Reclaim,
    /// `mmu_notifier_invalidate_range_start`: an allocation that may enter reclaim of pages (GFP_NOFS, GFP_NOIO).
    Notifier,
    /// The reservation lock of a buffer, or its ww acquire context.
    Reservation,
    /// The lock of an address space: any access to user memory may take it.
    MmapLock,
    /// A modeset lock or its acquire context.
    Modeset,
    /// The console.
    Console,
    /// A work item or workqueue: it is flushed, or it is running.
    Work,
    /// A driver's lock that its mmu notifier takes.
    NotifierLock,
    /// amdgpu's reset lock.
    ResetLock,
    /// The spinlock of a fence context.
    FenceLock,
    /// Any other.
    Other,
}

/// (start of the name, role). The first that fits decides.
const NAMES: &[(&str, Role)] = &[
    ("dma_fence_map", Role::Signalling),
    ("fs_reclaim", Role::Reclaim),
    ("__fs_reclaim_map", Role::Reclaim),
    ("mmu_notifier_invalidate_range_start", Role::Notifier),
    ("reservation_ww_class_", Role::Reservation),
    ("&mm->mmap_lock", Role::MmapLock),
    ("&mm->mmap_sem", Role::MmapLock),
    ("mmap_lock", Role::MmapLock),
    ("vm_lock", Role::MmapLock),
    ("crtc_ww_class_", Role::Modeset),
    ("&dev->mode_config.mutex", Role::Modeset),
    ("console_lock", Role::Console),
    ("(console_sem)", Role::Console),
    ("(wq_completion)", Role::Work),
    ("(work_completion)", Role::Work),
    ("(work_func)", Role::Work),
    ("&reset_domain->sem", Role::ResetLock),
    ("&adev->reset_sem", Role::ResetLock),
];

impl Role {
    /// The role of a class, by its name.
    pub fn of(class: &LockClass) -> Role {
        let name = class.name.as_str();
        let listed = NAMES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, role)| *role);
        listed.unwrap_or_else(|| Role::by_words(name))
    }

    /// Does the contract forbid to take a lock of this role wherever an edge to it breaks a rule? Any other is wrong only where
    /// it is elsewhere held over an allocation or a wait.
    pub(super) fn is_forbidden(self) -> bool {
        !matches!(self, Role::Other | Role::Work | Role::ResetLock | Role::FenceLock)
    }

    /// Drivers name their notifier locks and fence locks in their own ways.
    fn by_words(name: &str) -> Role {
        if ["notifier_lock", "notifier_mutex", "svmm->mutex", "userptr.notifier", "mn_lock"]
            .iter()
            .any(|word| name.contains(word))
        {
            Role::NotifierLock
        } else if [
            "fence_lock",
            "fence->lock",
            "fctx->lock",
            "fence_spinlock",
            "fence.lock",
            "timeline->lock",
            "fence_list_lock",
        ]
        .iter()
        .any(|word| name.contains(word))
        {
            Role::FenceLock
        } else {
            Role::Other
        }
    }
}
