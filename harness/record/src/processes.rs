//! What each process left in the trace.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use fencelab_abi::ChunkKind;
use fencelab_abi::process::ProcessInfo;
use fencelab_trace::{UNREAD, blind_spots, chunks};

pub use fencelab_abi::process::Entry as Seen;

use crate::pool::Pool;
use crate::status::count;

/// A process that the shim got into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Process.
    pub pid: u32,
    /// Its parent when it was first seen.
    pub parent: u32,
    /// Its program.
    pub program: PathBuf,
    /// How the shim came in; `None`: a way newer than this version.
    pub entry: Option<Seen>,
    /// Threads that wrote records.
    pub threads: u64,
    /// Records written, those included that are gone again.
    pub events: u64,
    /// Records that are gone.
    pub dropped: u64,
    /// Calls that went by unrecorded, before the shim was ready or within its own start.
    pub unrecorded: u64,
    /// What its records cannot show, in words.
    pub blind: Vec<&'static str>,
}

/// What a thread's chunks add up to.
#[derive(Default)]
struct Thread {
    events: u64,
    dropped: u64,
    /// Its newest chunk, and whether that ends within a call whose arguments could not be read.
    newest: (u64, bool),
}

/// Every process of a pool, in order of first sight.
pub(crate) fn of(pool: &Pool) -> Vec<Recorded> {
    let mut processes: Vec<(u32, u64, Recorded)> = Vec::new();
    let mut threads: HashMap<(u32, u32), Thread> = HashMap::new();
    for (index, chunk) in chunks(pool) {
        if let Some(process) = chunk.process() {
            processes.push((index, process.seen, recorded(&process)));
        } else if chunk.info.kind == ChunkKind::Records {
            let thread = threads.entry((chunk.info.process, chunk.info.thread)).or_default();
            let count = count(&chunk);
            thread.events += count.records;
            thread.newest = thread.newest.max((chunk.info.sequence, count.is_unread()));
            thread.dropped = thread.dropped.max(chunk.info.dropped);
        }
    }
    for (index, _, process) in &mut processes {
        for thread in threads.iter().filter(|((of, _), _)| of == index).map(|(_, thread)| thread) {
            process.threads += 1;
            process.events += thread.events + thread.dropped;
            process.dropped += thread.dropped;
            if thread.newest.1 && !process.blind.contains(&UNREAD) {
                process.blind.push(UNREAD);
            }
        }
    }
    processes.sort_by_key(|(_, seen, _)| *seen);
    processes.into_iter().map(|(_, _, process)| process).collect()
}

fn recorded(process: &ProcessInfo<'_>) -> Recorded {
    Recorded {
        pid: process.pid,
        parent: process.parent,
        program: PathBuf::from(OsStr::from_bytes(process.exe)),
        entry: process.entry,
        threads: 0,
        events: 0,
        dropped: 0,
        unrecorded: process.unrecorded,
        blind: blind_spots(process.blind).collect(),
    }
}
