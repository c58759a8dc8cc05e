//! The suite `hang`: every way in which fences hang a machine, each shown safely and then ended by its watchdog.
//!
//! A case makes its hang, checks with the kernel's own stacks that the right ones are stuck, says who is stuck on which
//! fence and whose it is ([`Expect`], for whoever analyses the session), lets the watchdog end it, and checks that the
//! device works again. The suite is in no night; `fencelab run hang` runs it.

mod commit;
mod cycle;
mod expect;
mod implicit;
mod job;
mod owner;
mod point;
mod stuck;

pub use expect::{End, Expect, On, Owner, PREFIX, Stuck, Verdict};

use std::time::Duration;

use crate::Tested;
use crate::case::{Case, Role};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "hang";

/// How long a hang lasts: long enough to be looked into, short of the 10 s after which the helpers complain.
const LASTS: Duration = Duration::from_secs(6);

const ONE: &[Role] = &[Role::Scanout];
const TWO: &[Role] = &[Role::Scanout, Role::Scanout];
const VGEM: &[Role] = &[Role::Scanout, Role::Vgem];
const ALLOCATOR: &[Role] = &[Role::Scanout, Role::Allocator];
const DRM: &[Role] = &[Role::Render];
const JOB: &[Role] = &[Role::Scanout, Role::Submitter];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run).rules(&["FENCE-TIME"]).budget_s(40)
}

/// The suite's cases.
pub const CASES: &[Case] = &[
    case(
        "nonblock-in-fence",
        "H1: the worker of a non-blocking commit is stuck on an in-fence",
        ONE,
        commit::nonblocking,
    )
    .rules(&["FENCE-TIME", "ATOM-IN"]),
    case("block-in-fence", "H2: a blocking commit is stuck on an in-fence", ONE, commit::blocking)
        .rules(&["FENCE-TIME", "ATOM-IN"]),
    case(
        "pile-up",
        "H3: behind a stuck commit a second one piles up, and then a query that nobody can kill",
        ONE,
        commit::pile_up,
    ),
    case("rmfb", "H4: nobody can kill who removes the framebuffer of a stuck commit", ONE, commit::rmfb),
    case(
        "implicit-vgem",
        "H5: a flip is stuck on a forgotten vgem fence until vgem gives it up",
        VGEM,
        implicit::vgem,
    )
    .rules(&["FENCE-TIME", "RESV-USAGE"])
    .budget_s(60),
    case(
        "implicit-imported",
        "H6: a flip is stuck on a fence that somebody put into its buffer",
        ALLOCATOR,
        implicit::imported,
    )
    .rules(&["FENCE-TIME", "RESV-USAGE", "BUF-SYNCFILE"]),
    case(
        "cycle-explicit",
        "H7: two devices' commits wait in a circle that goes through user space",
        TWO,
        cycle::explicit,
    )
    .rules(&["FENCE-TIME", "ATOM-FOREIGN"]),
    case(
        "cycle-implicit",
        "H8: two devices' commits wait in a circle of fences inside their buffers",
        TWO,
        cycle::implicit,
    )
    .rules(&["FENCE-TIME", "RESV-USAGE"]),
    case("cycle-points", "H9: two threads wait for points that the other is to submit", DRM, point::cycle)
        .rules(&["SYNC-SUBMITTED"]),
    case("dead-owner", "H10: a flip is stuck on a fence whose owner was killed", ONE, owner::dead)
        .rules(&["FENCE-OWNER"]),
    case(
        "lost-job",
        "H11: a flip is stuck on a job that its GPU lost, until the job's time is over",
        JOB,
        job::lost,
    )
    .rules(&["FENCE-TIME", "SCHED-ERROR", "RESET-FOREIGN"])
    .budget_s(60),
    case("never-submitted", "H12: a thread waits for a point that nobody submits", DRM, point::never)
        .rules(&["SYNC-SUBMITTED"]),
];
