//! The suite `xe`: address spaces that are bound by hand, jobs that name no buffers, fences that are words in memory, and
//! work that has no fence at all.
//!
//! xe has no twin, so none of this was run by those who wrote it: the calls are those of `xe_drm.h`, held against the
//! header by a test, and the expected answers are those of `drivers/gpu/drm/xe` in Linux 6.12, named where they are
//! checked. On a machine with the hardware nothing more than `--bench local` is needed.

mod device;
mod exec;
mod long_running;
mod refusal;
mod user_fence;
mod userptr;
mod vm;

use std::time::Duration;

use crate::case::{Case, Role, Tested, count, join};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "xe";
const ROLES: &[Role] = &[Role::XeDevice];
/// How long what must end may take.
const PATIENCE: Duration = Duration::from_secs(8);

const fn case(
    name: &'static str,
    about: &'static str,
    rules: &'static [&'static str],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, ROLES, run).rules(rules)
}

const PARTS: &[&[Case]] =
    &[exec::CASES, user_fence::CASES, userptr::CASES, long_running::CASES, refusal::CASES];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);
