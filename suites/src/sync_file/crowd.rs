//! Many timelines, many threads: who waits for whom, checked against a model.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::{SUITE, fence, merged, status, tick};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "merge-random",
        "random merges over many timelines signal when all that they were made of has",
        &[],
        random,
    )
    .rules(&["FENCE-ONCE", "FENCE-ORDER"]),
    Case::new(
        SUITE,
        "hand-over",
        "threads that wait for each other's timelines in a ring all come round",
        &[],
        hand_over,
    )
    .rules(&["FENCE-TIME"]),
];

const TIMELINES: usize = 8;
const MERGES: usize = 64;
const ROUNDS: u32 = 50;

fn random(ctx: &mut Ctx) -> Tested {
    let mut random = ctx.random();
    let timelines: Vec<Timeline> = (0..TIMELINES).map(|_| Timeline::new()).collect::<Result<_, _>>()?;
    // Each file with the highest seqno that it waits for on each timeline: the model.
    let mut files: Vec<(SyncFile, [u32; TIMELINES])> = Vec::new();
    for (place, timeline) in timelines.iter().enumerate() {
        let mut seqnos = [0; TIMELINES];
        seqnos[place] = 1 + random.below(9) as u32;
        files.push((fence(timeline, seqnos[place])?, seqnos));
    }
    for _ in 0..MERGES {
        let (one, two) = (random.pick(&files), random.pick(&files));
        let seqnos = std::array::from_fn(|place| one.1[place].max(two.1[place]));
        let file = merged(&one.0, &two.0)?;
        files.push((file, seqnos));
    }
    let mut values = [0; TIMELINES];
    while values.iter().any(|value| *value < 10) {
        let place = random.below(TIMELINES as u64) as usize;
        values[place] += 1;
        tick(&timelines[place], 1)?;
        for (number, (file, seqnos)) in files.iter().enumerate() {
            let expected = i32::from(seqnos.iter().zip(values).all(|(seqno, value)| *seqno <= value));
            check_eq!(status(file)?, expected, "the status of file {number}, {seqnos:?}, at {values:?}");
        }
    }
    Ok(())
}

/// Thread N waits for its own timeline, then moves the next one on; the first is pushed from outside.
fn hand_over(ctx: &mut Ctx) -> Tested {
    let ring: Vec<Arc<Timeline>> =
        (0..TIMELINES).map(|_| Timeline::new().map(Arc::new)).collect::<Result<_, _>>()?;
    let threads: Vec<JoinHandle<Tested>> = (0..TIMELINES)
        .map(|place| {
            let (own, next) = (Arc::clone(&ring[place]), Arc::clone(&ring[(place + 1) % TIMELINES]));
            ctx.spawn(move || wait_and_push(&own, &next, place + 1 == TIMELINES))
        })
        .collect();
    tick(&ring[0], 1)?;
    for thread in threads {
        thread.join().map_err(|_| Stop::fail("a thread panicked"))??;
    }
    let last = fence(&ring[0], ROUNDS)?;
    check_eq!(status(&last)?, 1, "the status of the last round's fence");
    Ok(())
}

fn wait_and_push(own: &Timeline, next: &Timeline, closes: bool) -> Tested {
    for round in 1..=ROUNDS {
        let turn = fence(own, round)?;
        check!(turn.wait(20_000).must("poll")?, "round {round} never came");
        // The last of the last round would push a round that nobody waits for.
        if !(closes && round == ROUNDS) {
            tick(next, 1)?;
        }
    }
    Ok(())
}
