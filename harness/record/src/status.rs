//! How a session is doing.

use std::collections::HashMap;
use std::time::Duration;

use fencelab_abi::{ChunkKind, FdClass, Kind, Request, Slot, table};
use fencelab_trace::{Chunk, chunks};

use crate::clock;
use crate::pool::Pool;

/// What a session has recorded so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Records written, those included that are gone again.
    pub events: u64,
    /// Threads whose last record says that they are inside a call that may block.
    pub pending: u64,
    /// The call of those that has lasted longest.
    pub longest: Option<Pending>,
    /// Records that are gone: overwritten, or dropped for want of room.
    pub dropped: u64,
    /// Processes seen.
    pub processes: u64,
    /// Threads that wrote records.
    pub threads: u64,
    /// Chunks used, and chunks that there are.
    pub chunks: (u32, u32),
}

/// A call that has not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// The ioctl by its name, or `poll`.
    pub call: String,
    /// How long the thread has been in it.
    pub lasts: Duration,
}

/// What a thread's chunks add up to.
#[derive(Default)]
struct Thread {
    records: u64,
    dropped: u64,
    newest: u64,
    pid: u32,
    tid: u32,
    inside: Option<Slot>,
}

impl Status {
    /// Looks at the whole pool.
    pub(crate) fn of(pool: &Pool) -> Self {
        let mut threads: HashMap<u32, Thread> = HashMap::new();
        let mut status = Self { chunks: (pool.used(), pool.chunk_count()), ..Self::default() };
        for (_, chunk) in chunks(pool) {
            match chunk.info.kind {
                ChunkKind::Free => {}
                ChunkKind::Process => status.processes += 1,
                ChunkKind::Records => threads.entry(chunk.info.thread).or_default().add(&chunk),
            }
        }
        status.threads = threads.len() as u64;
        for thread in threads.values() {
            status.events += thread.records + thread.dropped;
            status.dropped += thread.dropped;
            status.pending += u64::from(thread.inside.is_some());
        }
        let waiting = threads.values().filter_map(|thread| Some((thread, thread.inside?)));
        status.longest = waiting.min_by_key(|(_, call)| call.enter).map(|(thread, call)| Pending {
            pid: thread.pid,
            tid: thread.tid,
            call: name(&call),
            lasts: clock::since(pool, call.enter),
        });
        status.dropped += pool.info().map_or(0, |info| info.homeless);
        status
    }
}

impl Thread {
    fn add(&mut self, chunk: &Chunk) {
        let (info, count) = (&chunk.info, count(chunk));
        self.records += count.records;
        self.dropped = self.dropped.max(info.dropped);
        if info.sequence >= self.newest {
            self.newest = info.sequence;
            self.inside = count.inside;
            (self.pid, self.tid) = (info.pid, info.tid);
        }
    }
}

/// What a chunk holds.
pub(crate) struct Count {
    pub(crate) records: u64,
    /// The last one, if it is of a call that has not come back.
    inside: Option<Slot>,
}

impl Count {
    /// Whether the call that has not come back has arguments that could not be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.inside.is_some_and(|slot| slot.flags & fencelab_abi::flags::UNREAD != 0)
    }
}

/// Counts a chunk's records.
pub(crate) fn count(chunk: &Chunk) -> Count {
    let mut count = Count { records: 0, inside: None };
    for (_, slot) in chunk.records() {
        let kind = Kind::from_u8(slot.kind);
        // What tells of loss is no event of the program's.
        count.records += u64::from(kind != Some(Kind::Dropped));
        count.inside = matches!(kind, Some(Kind::IoctlEnter | Kind::PollEnter)).then_some(slot);
    }
    count
}

/// What a call is called.
fn name(slot: &Slot) -> String {
    if Kind::from_u8(slot.kind) == Some(Kind::PollEnter) {
        return "poll".to_owned();
    }
    let known = table::find(Request(slot.request), FdClass::from_u8(slot.class));
    known.map_or_else(|| format!("ioctl {:#x}", slot.request), |ioctl| ioctl.name.to_owned())
}
