//! The dma-buf selftests: one module, one case for each of its suites (`drivers/dma-buf/selftests.h`).

use std::fs;

use super::SUITE;
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::kmsg::Kmsg;
use crate::report::Outcome;
use crate::selftest::{self, Module};
use crate::test_module::{LoadError, TestModule, modules};

const DMABUF: Module = Module { name: "dmabuf_selftests", prefix: "dma-buf" };

/// One case for each suite, of the suite's name. The budget suits emulation, where one of the chain's tests alone
/// takes minutes.
macro_rules! suites {
    ($($suite:literal)*) => {
        &[$(Case::new(
            SUITE,
            concat!("dmabuf_selftests-", $suite),
            concat!("the dma-buf selftests of ", $suite, " pass"),
            &[],
            |ctx| run(ctx, $suite),
        ).budget_s(600)),*]
    };
}

pub(super) const CASES: &[Case] = suites! {
    "sanitycheck"
    "dma_fence"
    "dma_fence_chain"
    "dma_fence_unwrap"
    "dma_resv"
};

/// The module runs the one suite that its parameter enables. Its init function fails with the first test that fails.
fn run(ctx: &mut Ctx, suite: &str) -> Tested {
    let modules = modules()?;
    let parameter = DMABUF.enable(&modules, suite)?;
    let mut log = Kmsg::at_end()?;
    let _patience = HungTaskPatience::new();
    let answer = TestModule::load(ctx, &modules, DMABUF.name, &parameter);
    let lines = log.lines()?;
    for subtest in DMABUF.subtests(&lines) {
        let outcome = if subtest.error.is_some() { Outcome::Fail } else { Outcome::Pass };
        let reason = subtest.error.map(|e| format!("error {e}")).unwrap_or_default();
        ctx.subtest(&subtest.name, outcome, &reason);
    }
    match answer {
        Err(LoadError::Stop(stop)) => Err(stop),
        Err(LoadError::Init(errno)) => {
            Err(Stop::fail(selftest::failure(&DMABUF.subtests(&lines), suite, errno)))
        }
        Ok(loaded) => {
            loaded.unload()?;
            DMABUF.must_have_run(&lines, log.lost(), suite)
        }
    }
}

/// The kernel's patience with blocked tasks, `hung_task_timeout_secs`, raised while it lives. The chain's tests have a
/// thread of theirs blocked while others signal thousands of fences: no hang, however long it takes in emulation.
struct HungTaskPatience(Option<String>);

impl HungTaskPatience {
    const PATH: &str = "/proc/sys/kernel/hung_task_timeout_secs";
    const SECONDS: u64 = 600;

    /// Raises it where it is lower; 0 means that nobody watches.
    fn new() -> Self {
        let before = fs::read_to_string(Self::PATH).unwrap_or_default();
        let watched = before.trim().parse().is_ok_and(|seconds: u64| (1..Self::SECONDS).contains(&seconds));
        let raised = watched && fs::write(Self::PATH, Self::SECONDS.to_string()).is_ok();
        HungTaskPatience(raised.then_some(before))
    }
}

impl Drop for HungTaskPatience {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // It was writable a moment ago; a machine that takes the right away keeps the longer patience.
            let _ = fs::write(Self::PATH, before.trim());
        }
    }
}
