//! Every mock selftest of 6.12, by suite (`i915_mock_selftests.h`), with the function that runs the suite, which is
//! what `st_filter` and the log call it.

use super::{SUITE, run};
use crate::case::{Case, Role, count, join};

/// Generous: some of them take most of a minute in emulation.
const BUDGET_S: u64 = 300;

/// A suite with tests inside: one case each, `suite-test`.
macro_rules! tests {
    ($($suite:literal $caller:literal [$($test:literal)*])*) => {
        &[$($(Case::new(
            SUITE,
            concat!($suite, "-", $test),
            concat!("the mock selftest ", $caller, "/", $test, " passes"),
            &[Role::I915Module],
            |ctx| run(ctx, $suite, Some(concat!($caller, "/", $test))),
        ).budget_s(BUDGET_S),)*)*]
    };
}

/// A suite that is one function.
macro_rules! whole {
    ($($suite:literal)*) => {
        &[$(Case::new(
            SUITE,
            $suite,
            concat!("the mock selftest ", $suite, " passes"),
            &[Role::I915Module],
            |ctx| run(ctx, $suite, None),
        ).budget_s(BUDGET_S)),*]
    };
}

const WHOLE: &[Case] = whole! { "sanitycheck" "uncore" };

const TESTS: &[Case] = tests! {
    "shmem" "shmem_utils_mock_selftests" ["igt_shmem_basic"]
    "fence" "i915_sw_fence_mock_selftests" [
        "test_self"
        "test_dag"
        "test_AB"
        "test_ABC"
        "test_AB_C"
        "test_C_AB"
        "test_chain"
        "test_ipc"
        "test_timer"
        "test_dma_fence"
    ]
    "scatterlist" "scatterlist_mock_selftests" ["igt_sg_alloc" "igt_sg_trim"]
    "syncmap" "i915_syncmap_mock_selftests" [
        "igt_syncmap_init"
        "igt_syncmap_one"
        "igt_syncmap_join_above"
        "igt_syncmap_join_below"
        "igt_syncmap_neighbours"
        "igt_syncmap_compact"
        "igt_syncmap_random"
    ]
    "ring" "intel_ring_mock_selftests" ["igt_ring_direction"]
    "engine" "intel_engine_cs_mock_selftests" ["intel_mmio_bases_check"]
    "timelines" "intel_timeline_mock_selftests" ["mock_hwsp_freelist" "igt_sync" "bench_sync"]
    "requests" "i915_request_mock_selftests" [
        "igt_add_request"
        "igt_wait_request"
        "igt_fence_wait"
        "igt_request_rewind"
        "mock_breadcrumbs_smoketest"
    ]
    "objects" "i915_gem_object_mock_selftests" ["igt_gem_object"]
    "phys" "i915_gem_phys_mock_selftests" ["mock_phys_object"]
    "dmabuf" "i915_gem_dmabuf_mock_selftests" [
        "igt_dmabuf_export"
        "igt_dmabuf_import_self"
        "igt_dmabuf_import"
        "igt_dmabuf_import_ownership"
        "igt_dmabuf_export_vmap"
    ]
    "vma" "i915_vma_mock_selftests" ["igt_vma_create" "igt_vma_pin1" "igt_vma_rotate_remap" "igt_vma_partial"]
    "evict" "i915_gem_evict_mock_selftests" [
        "igt_evict_something"
        "igt_evict_for_vma"
        "igt_evict_for_cache_color"
        "igt_overcommit"
    ]
    "gtt" "i915_gem_gtt_mock_selftests" [
        "igt_mock_drunk"
        "igt_mock_walk"
        "igt_mock_pot"
        "igt_mock_fill"
        "igt_gtt_reserve"
        "igt_gtt_insert"
    ]
    "hugepages" "i915_gem_huge_page_mock_selftests" [
        "igt_mock_exhaust_device_supported_pages"
        "igt_mock_memory_region_huge_pages"
        "igt_mock_ppgtt_misaligned_dma"
    ]
    "memory_region" "intel_memory_region_mock_selftests" [
        "igt_mock_reserve"
        "igt_mock_fill"
        "igt_mock_contiguous"
        // Fails on stock 6.12.117: its buddy allocator now grants the contiguous piece that the test wants refused.
        "igt_mock_splintered_region"
        "igt_mock_max_segment"
        "igt_mock_io_size"
    ]
    // Last: it holds so many reservations at once that lockdep's count of them overflows, and lockdep goes off.
    "evict" "i915_gem_evict_mock_selftests" ["igt_evict_vm"]
};

const PARTS: &[&[Case]] = &[WHOLE, TESTS];

/// The cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);
