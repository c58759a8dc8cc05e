//! The series "dma-fence lockdep annotations" of May 2020, patch by patch.

/// One patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its number, 1 to 17.
    pub number: u8,
    /// What it does.
    pub patch: &'static str,
    /// What became of it in mainline, as of 6.12.
    pub mainline: &'static str,
    /// What a violation looks like.
    pub violation: &'static str,
}

/// Every patch.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { number: 1, patch: "might_sleep() in dma_fence_wait()", mainline: "merged", violation: "sleeping function called from dma-fence.c" },
    Row { number: 2, patch: "basic annotations of signalling sections", mainline: "merged", violation: "a cycle of dma_fence_map and a lock" },
    Row { number: 3, patch: "priming of reclaim and notifiers", mainline: "merged", violation: "a cycle of fs_reclaim or the notifiers with dma_fence_map" },
    Row { number: 4, patch: "vkms: vblank timer", mainline: "merged; does nothing in an interrupt", violation: "sleeping function in the timer" },
    Row { number: 5, patch: "drm/vblank: the event's section", mainline: "never", violation: "sleeping function under the event lock" },
    Row { number: 6, patch: "drm/atomic-helper: the commit's tail", mainline: "never", violation: "an allocation in a commit's tail" },
    Row { number: 7, patch: "drm/amdgpu: the commit path", mainline: "never", violation: "an allocation or a reservation in amdgpu's commit tail" },
    Row { number: 8, patch: "drm/scheduler: the main thread", mainline: "never", violation: "an allocation or a lock in run_job" },
    Row { number: 9, patch: "drm/amdgpu: the end of a submission", mainline: "never", violation: "the notifier's lock against dma_fence_map" },
    Row { number: 10, patch: "GFP_ATOMIC in scheduler code", mainline: "piecemeal", violation: "an allocation under a submission's section" },
    Row { number: 11, patch: "drm/amdgpu: display code allocates", mainline: "never", violation: "an allocation in a modeset's tail" },
    Row { number: 12, patch: "drm/amdgpu: reservation in the commit's tail", mainline: "fixed otherwise", violation: "reservation_ww_class_mutex under dma_fence_map" },
    Row { number: 13, patch: "drm/scheduler: the timeout handler", mainline: "never", violation: "a modeset lock in the handler of a timed-out job" },
    Row { number: 14, patch: "drm/amdgpu: the reset's lock", mainline: "never", violation: "the reset lock under dma_fence_map" },
    Row { number: 15, patch: "revert: fbdev suspended in a reset", mainline: "never", violation: "console_lock under dma_fence_map" },
    Row { number: 16, patch: "drm/amdgpu: a reset does full modesets", mainline: "partly fixed", violation: "a modeset in the handler of a timed-out job" },
    Row { number: 17, patch: "drm/i915: dma_fence_work", mainline: "never; vma_resource's unbind and ttm's move are annotated instead", violation: "an allocation or vm->mutex in a fence's work" },
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_rows_are_numbered_in_order() {
        assert!(super::ROWS.iter().map(|row| row.number).eq(1..=17));
    }
}
