//! What jobs do to memory.

use super::{ONE, SUITE, ended};
use crate::buffer::Map;
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "empty", "a job that does nothing ends", ONE, empty)
        .rules(&["FENCE-TIME", "SIG-RUNJOB"]),
    Case::new(SUITE, "fill", "what a job wrote is there when its fence has signalled", ONE, fill)
        .rules(&["FENCE-TIME", "SIG-RUNJOB"]),
    Case::new(SUITE, "copy", "a job reads what another one of its queue wrote", ONE, copy)
        .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "many", "many jobs at once all end, and all do their work", ONE, many).rules(&[
        "FENCE-TIME",
        "FENCE-ORDER",
        "SCHED-RUNJOB",
        "SIG-RECLAIM",
    ]),
];

fn empty(ctx: &mut Ctx) -> Tested {
    let queue = Gpu::open(ctx.device(0))?.queue()?;
    ended(&queue.job().submit()?, "an empty job")
}

/// Checks that the whole map repeats the word.
pub(crate) fn holds(map: &Map, word: u64, what: &str) -> Tested {
    let other = map.other_than(word);
    check!(other.is_none(), "{what}: not {word:#x} throughout, but (offset, word) {other:#x?}");
    Ok(())
}

fn fill(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let (buffer, beside) = (gpu.buffer(PAGE)?, gpu.buffer(PAGE)?);
    for word in [0x1111_2222_3333_4444, u64::MAX, 0] {
        ended(&queue.job().fill(&buffer, word).submit()?, "a job that fills a buffer")?;
        holds(&buffer.map()?, word, "the filled buffer")?;
        holds(&beside.map()?, 0, "a buffer that no job was given")?;
    }
    Ok(())
}

fn copy(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    gpu.need_twin("copies and checksums by jobs")?;
    let queue = gpu.queue()?;
    let (from, to, sum) = (gpu.buffer(4 * PAGE)?, gpu.buffer(4 * PAGE)?, gpu.buffer(PAGE)?);
    from.map()?.fill(7, from.size());
    queue.job().copy(&from, &to).submit()?;
    ended(&queue.job().checksum(&to, &sum).submit()?, "a job that reads another's result")?;
    check_eq!(to.map()?.differs(7, to.size()), None, "the first word that was not copied");
    check_eq!(sum.map()?.word(0), from.map()?.checksum(from.size()), "the checksum that the job wrote");
    Ok(())
}

fn many(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queues = [gpu.queue()?, gpu.queue()?];
    let buffers: Vec<_> = (0..32).map(|_| gpu.buffer(PAGE)).collect::<Result<_, _>>()?;
    let fences: Vec<_> = (buffers.iter().enumerate())
        .map(|(n, buffer)| queues[n % 2].job().fill(buffer, n as u64 + 1).submit())
        .collect::<Result<_, _>>()?;
    for (n, fence) in fences.iter().enumerate() {
        ended(fence, &format!("job {n} of {}", fences.len()))?;
        holds(&buffers[n].map()?, n as u64 + 1, &format!("the buffer of job {n}"))?;
    }
    Ok(())
}
