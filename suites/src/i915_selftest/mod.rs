//! Suite `i915-selftest`: the mock selftests of the real i915 driver, which need no device.
//!
//! Each case loads the module for one selftest (`mock_selftests=-1`: run them, register no driver), reads the result
//! that the module leaves in its parameter, and unloads it. A selftest that this kernel lacks is a skip.

mod table;

use nix::errno::Errno;

use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kmsg::Kmsg;
use crate::selftest::{self, Module};
use crate::test_module::{TestModule, modules};

pub use table::CASES;

/// The suite's name.
pub const SUITE: &str = "i915-selftest";

const I915: Module = Module { name: "i915", prefix: "i915" };

/// What the module writes into `mock_selftests` when all that were asked for have passed (`i915_selftest.c`).
const PASSED: i32 = -(Errno::ENOTTY as i32);

/// Runs one selftest: `suite` enables its suite alone, `filter` (`caller/test`) one of the tests inside; without a
/// filter the suite is one function.
fn run(ctx: &mut Ctx, suite: &str, filter: Option<&str>) -> Tested {
    let modules = modules()?;
    // A module without selftests would ignore the parameters and bring the whole driver up: look before loading.
    let enable = I915.enable(&modules, &format!("mock_{suite}"))?;
    let select = filter.map(|filter| format!("st_filter={filter}")).unwrap_or_default();
    let mut log = Kmsg::at_end()?;
    let loaded = TestModule::load(ctx, &modules, I915.name, &format!("mock_selftests=-1 {enable} {select}"));
    let loaded = loaded.map_err(|e| e.into_stop(I915.name))?;
    let answer = loaded.parameter("mock_selftests")?;
    let lines = log.lines()?;
    loaded.unload()?;
    if let Some(seed) = lines.iter().find_map(|line| line.split_once("st_random_seed=")) {
        ctx.note(format!("st_random_seed={}", seed.1));
    }
    let asked = filter.unwrap_or(suite);
    match answer.parse() {
        Ok(PASSED) => I915.must_have_run(&lines, log.lost(), asked),
        Ok(error) => {
            Err(Stop::fail(selftest::failure(&I915.subtests(&lines), asked, Errno::from_raw(-error))))
        }
        Err(_) => Err(Stop::fail(format!("mock_selftests reads {answer:?} after the selftests"))),
    }
}
