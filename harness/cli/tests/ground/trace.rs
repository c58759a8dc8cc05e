//! The recorder's trace.

use std::collections::BTreeMap;
use std::path::Path;

use fencelab_abi::pool::{ChunkInfo, PoolInfo};
use fencelab_abi::record::next_record;
use fencelab_abi::{ChunkKind, Kind, Slot};

use crate::{Call, Threads, is_known};

/// The ioctls of every thread, in order of their starts.
pub(crate) fn calls(folder: &Path) -> Result<Threads, String> {
    let pool = std::fs::read(folder.join("pool")).map_err(|error| format!("the trace's pool: {error}"))?;
    let info = PoolInfo::decode(&pool).map_err(|error| error.to_string())?;
    if info.homeless > 0 {
        return Err(format!("{} records found no room", info.homeless));
    }
    let mut chunks: BTreeMap<(u32, u64), &[u8]> = BTreeMap::new();
    for index in 0..info.chunks_used {
        let chunk = pool.get(info.chunk_range(index)).ok_or("the pool is cut short")?;
        let head = ChunkInfo::decode(chunk).ok_or("a chunk of an unknown kind")?;
        if head.kind == ChunkKind::Records {
            if head.dropped > 0 {
                return Err(format!("thread {} lost {} records", head.tid, head.dropped));
            }
            chunks.insert((head.thread, head.sequence), chunk);
        }
    }
    let mut threads: BTreeMap<u32, Vec<(u64, Slot)>> = BTreeMap::new();
    for chunk in chunks.values() {
        let generation = ChunkInfo::decode(chunk).map_or(0, |head| head.generation);
        let mut at = 1;
        while let Some((index, slot)) = next_record(chunk, generation, at) {
            at = index + usize::from(slot.slots);
            if is_known(slot.request) {
                take(threads.entry(slot.tid).or_default(), slot);
            }
        }
    }
    let call = |(_, slot): (u64, Slot)| Call { fd: slot.fd, request: slot.request, result: slot.result };
    let calls = |mut slots: Vec<(u64, Slot)>| {
        slots.sort_by_key(|(enter, _)| *enter);
        slots.into_iter().map(call).collect()
    };
    Ok(threads
        .into_iter()
        .map(|(tid, slots)| (tid, calls(slots)))
        .filter(|(_, calls): &(u32, Vec<Call>)| !calls.is_empty())
        .collect())
}

/// Adds a call's record; the one that it came back takes the place of the one that it was made.
fn take(slots: &mut Vec<(u64, Slot)>, slot: Slot) {
    match Kind::from_u8(slot.kind) {
        Some(Kind::Ioctl | Kind::IoctlEnter) => slots.push((slot.enter, slot)),
        Some(Kind::IoctlExit) => {
            let enter =
                |(enter, made): &&mut (u64, Slot)| *enter == slot.enter && made.request == slot.request;
            match slots.iter_mut().rev().find(enter) {
                Some(made) => made.1 = slot,
                None => slots.push((slot.enter, slot)),
            }
        }
        _ => {}
    }
}
