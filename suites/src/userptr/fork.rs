//! Forks: parent and child share the pages until one of them, or a job, writes.

use std::time::Duration;

use nix::sys::mman::MmapAdvise;

use super::{DRIVES, Fixture, ONE, SUITE};
use crate::case::{Case, Tested};
use crate::child::Child;
use crate::ctx::Ctx;
use crate::submit::ended;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "fork", "a job after a fork writes the parent's pages, never the child's", ONE, fork)
        .rules(DRIVES),
    Case::new(SUITE, "fork-busy", "a fork under a job waits for no more than the job", ONE, busy)
        .rules(DRIVES),
];

fn fork(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    let Fixture { queue, buffer, pages, .. } = &fixture;
    pages.advise(MmapAdvise::MADV_DOFORK)?;
    ended(&queue.job().fill(buffer, 1).submit()?, "a job before the fork")?;
    let child = Child::spawn(|line| {
        pages.holds(1, "the child's pages")?;
        line.send("seen", None)?;
        line.receive()?;
        pages.holds(1, "the child's pages after the parent's job")
    })?;
    let seen = child.line.receive();
    if seen.is_err() {
        return child.join();
    }
    ended(&queue.job().fill(buffer, 2).submit()?, "a job after the fork")?;
    pages.holds(2, "the parent's pages")?;
    child.line.send("go on", None)?;
    child.join()?;
    ended(&queue.job().fill(buffer, 3).submit()?, "a job after the child's end")?;
    pages.holds(3, "the parent's pages after the child's end")
}

fn busy(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    let Fixture { gpu, queue, buffer, pages } = &fixture;
    gpu.need_twin("jobs that take their time")?;
    pages.advise(MmapAdvise::MADV_DOFORK)?;
    // No thread could signal a fence here: a forked child must have no other threads' locks in it.
    let fence = queue.job().delay(Duration::from_millis(200)).fill(buffer, 1).submit()?;
    let child = Child::spawn(|line| line.receive().map(drop))?;
    ended(&fence, "the job that ran during the fork")?;
    pages.holds(1, "the parent's pages")?;
    child.line.send("go on", None)?;
    child.join()?;
    ended(&queue.job().fill(buffer, 2).submit()?, "a job after the fork")?;
    pages.holds(2, "the parent's pages")
}
