//! The suite `stress`: everything at once, in processes that share buffers, fences and devices.
//!
//! A sequence is a list of rounds; in a round each process makes one call, all at the same time. Sequences come from a seed.
//! One that adds a lock-order edge at `dma_fence_map` to the kernel's own graph (`/proc/lockdep`) is kept, and later ones are made
//! from it. A sequence with a wrong answer is made smaller for as long as it still fails, and printed.

mod actor;
mod coverage;
mod drive;
mod op;
mod pool;
mod shrink;

use std::time::{Duration, Instant};

use crate::Tested;
use crate::case::{Case, Stop};
use crate::ctx::Ctx;
use crate::random::Random;
use coverage::Coverage;
use op::{Sequence, World};

/// Its name.
pub const SUITE: &str = "stress";

/// The variable by which the harness gives this suite, and `fuzz`, more time than their own.
pub const DURATION_MS: &str = "FENCELAB_DURATION_MS";

/// What it takes in a night.
const DURATION: Duration = Duration::from_secs(20);
/// Rounds in a sequence: some seconds, so that what is kept is small enough to be read.
const ROUNDS: usize = 40;

/// The suite's cases.
pub const CASES: &[Case] = &[Case::new(
    SUITE,
    "interleave",
    "processes that share everything break nothing, whatever they do at the same time",
    &[],
    interleave,
)
.rules(&["BUF-ERRNO", "FENCE-TIME", "FENCE-ONCE", "BUF-HELD", "BUF-NOTHELD", "ATOM-BUSY"])
.budget_s(120)];

fn interleave(ctx: &mut Ctx) -> Tested {
    let world = World::here()?;
    ctx.note(format_args!("devices: {}", world.names()));
    let mut random = ctx.random();
    let end = Instant::now() + duration();
    let before = Coverage::now();
    let (mut known, mut kept, mut count, mut calls) = (before.clone(), Vec::<Sequence>::new(), 0, 0);
    while Instant::now() < end || count == 0 {
        let sequence = next(&world, &kept, &mut random);
        coverage::mark(count);
        calls += sequence.calls();
        count += 1;
        if let Err(stop) = drive::run(&world, &sequence) {
            return Err(explain(ctx, &world, &sequence, stop, end));
        }
        let (now, new) = known.grown();
        if !new.is_empty() {
            ctx.note(format_args!("sequence {count} adds lock-order edges: {}", new.join(", ")));
            kept.push(sequence);
        }
        known = now;
    }
    ctx.note(format_args!("{count} sequences, {calls} calls, {} kept", kept.len()));
    ctx.note(known.words(&before));
    Ok(())
}

/// A sequence of its own, or one made from a kept one.
fn next(world: &World, kept: &[Sequence], random: &mut Random) -> Sequence {
    match kept.is_empty() || random.below(2) == 0 {
        true => Sequence::random(world, ROUNDS, random),
        false => random.pick(kept).clone().mutated(world, random),
    }
}

fn duration() -> Duration {
    given_duration().unwrap_or(DURATION)
}

/// The time that the harness gave, if it did.
pub(crate) fn given_duration() -> Option<Duration> {
    let given = std::env::var(DURATION_MS).ok().and_then(|text| text.parse().ok());
    given.map(Duration::from_millis)
}

fn explain(ctx: &Ctx, world: &World, sequence: &Sequence, stop: Stop, end: Instant) -> Stop {
    let Stop::Fail(first) = stop else { return stop };
    let patience = end.max(Instant::now() + Duration::from_secs(30));
    let (smallest, why) =
        shrink::shrink(sequence.clone(), first, patience, |smaller| match drive::run(world, smaller) {
            Err(Stop::Fail(why)) => Some(why),
            _ => None,
        });
    ctx.note(format_args!("the smallest sequence that fails, a round a line:\n{smallest}"));
    Stop::Fail(format!("{why}; {} calls of {} are left of the sequence", smallest.calls(), sequence.calls()))
}
