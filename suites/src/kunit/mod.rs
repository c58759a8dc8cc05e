//! Suite `kunit`: the kernel's own unit tests, one case for each module that runs them when it is loaded.
//!
//! A KUnit module's results are read from debugfs, or from the kernel log where debugfs has none. The dma-buf
//! selftests ([`dmabuf`]) are older than KUnit and have their own form. A module that this kernel lacks is a skip.

mod dmabuf;
pub mod ktap;
#[cfg(test)]
mod ktap_tests;
mod results;
mod verdict;

use crate::case::{Case, Tested, count, join};
use crate::ctx::Ctx;
use crate::kmsg::Kmsg;
use crate::test_module::{TestModule, modules};

/// The suite's name.
pub const SUITE: &str = "kunit";

/// One case for each module, of the module's name.
macro_rules! modules {
    ($($module:literal)*) => {
        &[$(Case::new(
            SUITE,
            $module,
            concat!("every KUnit test of the module ", $module, " passes"),
            &[],
            |ctx| run(ctx, $module),
        ).budget_s(120)),*]
    };
}

/// `drivers/gpu/drm/tests`, `drivers/gpu/drm/ttm/tests` and `drivers/gpu/drm/scheduler/tests`, of 6.12 and after.
/// The last one ends a thread that holds modeset locks, on stock 6.12, which costs the boot its lockdep.
const DRM: &[Case] = modules! {
    "drm_buddy_test"
    "drm_cmdline_parser_test"
    "drm_connector_test"
    "drm_damage_helper_test"
    "drm_dp_mst_helper_test"
    "drm_exec_test"
    "drm_format_helper_test"
    "drm_format_test"
    "drm_framebuffer_test"
    "drm_gem_shmem_test"
    "drm_managed_test"
    "drm_mm_test"
    "drm_modes_test"
    "drm_plane_helper_test"
    "drm_probe_helper_test"
    "drm_rect_test"
    "drm_sched_tests"
    "ttm_bo_test"
    "ttm_bo_validate_test"
    "ttm_device_test"
    "ttm_pool_test"
    "ttm_resource_test"
    "ttm_tt_test"
    "drm_hdmi_state_helper_test"
};

const PARTS: &[&[Case]] = &[dmabuf::CASES, DRM];

/// The cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

/// Loads the module, which runs its tests, and reports each of them.
fn run(ctx: &mut Ctx, module: &'static str) -> Tested {
    let modules = modules()?;
    let mut log = Kmsg::at_end()?;
    let before = results::suites();
    let loaded = TestModule::load(ctx, &modules, module, "").map_err(|e| e.into_stop(module))?;
    let mut text = results::read_new(&before)?;
    if text.is_empty() {
        text = log.lines()?;
    }
    let unloaded = loaded.unload();
    verdict::report(ctx, module, &ktap::parse(text.iter().map(String::as_str)))?;
    unloaded
}
