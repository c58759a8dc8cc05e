//! A shared buffer that gets other pages: its importers are told (move_notify) and look again.

use std::thread::sleep;
use std::time::Duration;

use super::{DRIVES, PAIR, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::gpu::{Buffer, Controls, Gpu, PAGE};
use crate::pending::Pending;
use crate::submit::{GLANCE_MS, ended, holds};

/// How often to look whether the buffer moves too early.
const LOOKS: usize = 10;

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "move",
        "a buffer that moved keeps its bytes, and the importer's next job finds it",
        PAIR,
        moved,
    )
    .rules(DRIVES),
    Case::new(SUITE, "move-busy", "a buffer moves when the importer's job on it has ended", PAIR, busy)
        .rules(DRIVES),
];

fn moved(ctx: &mut Ctx) -> Tested {
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let controls = Controls::of(&there, &ctx.device(0).driver)?;
    let theirs = there.buffer(4 * PAGE)?;
    let ours = Buffer::import(&here, &theirs.export()?)?;
    let queue = here.queue()?;
    for word in 1..=4 {
        ended(&queue.job().fill(&ours, word).submit()?, "the importer's job")?;
        controls.evict()?;
        holds(&theirs.map()?, word, "the buffer that moved")?;
    }
    Ok(())
}

fn busy(ctx: &mut Ctx) -> Tested {
    let gate = Pending::new()?;
    let (there, here) = (Gpu::open(ctx.device(0))?, Gpu::open(ctx.device(1))?);
    let controls = Controls::of(&there, &ctx.device(0).driver)?;
    let theirs = there.buffer(4 * PAGE)?;
    let ours = Buffer::import(&here, &theirs.export()?)?;
    let queue = here.queue()?;
    ended(&queue.job().fill(&ours, 1).submit()?, "the importer's first job")?;
    let fence = queue.job().after(&gate)?.fill(&ours, 2).submit()?;
    let map = theirs.map()?;
    holds(&map, 1, "the buffer before it moves")?;
    let place = map.frame()?;
    let moving = ctx.spawn(move || controls.evict());
    // An exporter that its importers keep from moving, as i915 does in attach, is soon done.
    for _ in 0..LOOKS {
        if moving.is_finished() {
            break;
        }
        sleep(Duration::from_millis(GLANCE_MS.into()));
    }
    check_eq!(map.frame()?, place, "the page of a buffer that a job is still to write");
    drop(map);
    gate.signal()?;
    ended(&fence, "the importer's job")?;
    moving.join().map_err(|_| Stop::fail("the thread that moved the buffer panicked"))??;
    holds(&theirs.map()?, 2, "the buffer that moved")?;
    ended(&queue.job().fill(&ours, 3).submit()?, "the importer's job after the move")?;
    holds(&theirs.map()?, 3, "the buffer after the move")
}
