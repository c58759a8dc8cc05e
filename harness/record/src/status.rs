//! How a session is doing.

use std::collections::HashMap;

use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::record::next_record;
use fencelab_abi::{CHUNK_SIZE, ChunkKind, Kind};

use crate::pool::Pool;

/// What a session has recorded so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Records written, those included that are gone again.
    pub events: u64,
    /// Threads whose last record says that they are inside a call that may block.
    pub pending: u64,
    /// Records that are gone: overwritten, or dropped for want of room.
    pub dropped: u64,
    /// Processes seen.
    pub processes: u64,
    /// Threads that wrote records.
    pub threads: u64,
    /// Chunks used, and chunks that there are.
    pub chunks: (u32, u32),
}

/// What a thread's chunks add up to.
#[derive(Default)]
struct Thread {
    records: u64,
    dropped: u64,
    newest: u64,
    inside: bool,
}

impl Status {
    /// Looks at the whole pool.
    pub(crate) fn of(pool: &Pool) -> Self {
        let mut threads: HashMap<u32, Thread> = HashMap::new();
        let mut status = Self { chunks: (pool.used(), pool.chunk_count()), ..Self::default() };
        for index in 0..pool.used() {
            let chunk = pool.chunk(index);
            let Some(info) = ChunkInfo::decode(&chunk) else { continue };
            match info.kind {
                ChunkKind::Free => {}
                ChunkKind::Process => status.processes += 1,
                ChunkKind::Records => threads.entry(info.thread).or_default().add(&info, &chunk),
            }
        }
        status.threads = threads.len() as u64;
        for thread in threads.values() {
            status.events += thread.records + thread.dropped;
            status.dropped += thread.dropped;
            status.pending += u64::from(thread.inside);
        }
        status.dropped += pool.info().map_or(0, |info| info.homeless);
        status
    }
}

impl Thread {
    fn add(&mut self, info: &ChunkInfo, chunk: &[u8; CHUNK_SIZE]) {
        let (count, inside) = count(info, chunk);
        self.records += count;
        self.dropped = self.dropped.max(info.dropped);
        if info.sequence >= self.newest {
            self.newest = info.sequence;
            self.inside = inside;
        }
    }
}

/// Records in a chunk, and whether the last one is of a call that has not come back.
fn count(info: &ChunkInfo, chunk: &[u8]) -> (u64, bool) {
    let (mut count, mut inside, mut at) = (0, false, 1);
    while let Some((index, slot)) = next_record(chunk, info.generation, at) {
        let kind = Kind::from_u8(slot.kind);
        // What tells of loss is no event of the program's.
        count += u64::from(kind != Some(Kind::Dropped));
        inside = matches!(kind, Some(Kind::IoctlEnter | Kind::PollEnter));
        at = index + usize::from(slot.slots);
    }
    (count, inside)
}
