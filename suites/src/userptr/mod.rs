//! The suite `userptr`: a process's own pages as a GPU's buffer, and what happens when the process changes them.
//!
//! amdgpu waits in the notifier for the jobs that use the pages, so a change blocks until they have ended; i915 keeps
//! the old pages until then and looks again at the next job. Either is lawful, and what counts is the same: no change
//! waits for longer than the jobs, no job writes where the process did not ask it to, and the next job sees the new pages.

mod chain;
mod change;
mod fork;
mod huge;
mod merge;
mod pages;
mod refusal;
mod restart;

use std::sync::Arc;

use crate::case::{Case, Role, Stop, count, join};
use crate::ctx::Ctx;
use crate::gpu::{Buffer, Gpu, Queue};
use crate::must::Must;

pub(crate) use pages::Pages;

/// Its name.
pub const SUITE: &str = "userptr";

const ONE: &[Role] = &[Role::Userptr];
/// Every job on such pages drives the notifier's rules.
const DRIVES: &[&str] = &["UPTR-GUARD", "UPTR-NOALLOC", "UPTR-NORESV", "UPTR-ORDER"];

const PARTS: &[&[Case]] =
    &[change::CASES, restart::CASES, fork::CASES, merge::CASES, huge::CASES, refusal::CASES, chain::CASES];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

/// What most cases begin with: pages, and the GPU that has them as a buffer.
struct Fixture {
    gpu: Arc<Gpu>,
    queue: Queue,
    buffer: Buffer,
    pages: Pages,
}

impl Fixture {
    /// This many pages of the case's first device.
    fn new(ctx: &Ctx, count: usize) -> Result<Fixture, Stop> {
        Self::over(ctx, Pages::new(count)?)
    }

    fn over(ctx: &Ctx, pages: Pages) -> Result<Fixture, Stop> {
        let gpu = Gpu::open(ctx.device(0))?;
        let buffer = adopt(&gpu, &pages)?;
        Ok(Fixture { queue: gpu.queue()?, gpu, buffer, pages })
    }
}

/// The pages as a buffer of the GPU.
fn adopt(gpu: &Arc<Gpu>, pages: &Pages) -> Result<Buffer, Stop> {
    let gem = gpu.userptr(pages.start(), pages.size(), false);
    let gem = gem.must(&format!("make a buffer of {} from pages of this process", gpu.name()))?;
    gpu.bind(gem, pages.size(), true)
}
