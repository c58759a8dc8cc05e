//! Chunks: how a thread gets one, and what its header says.

use core::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::pool::{NO_CHUNK, state};
use fencelab_abi::{CHUNK_SIZE, ChunkHeader, ChunkKind, Kind, Mode, SLOT_SIZE, Slot, commit_word};

use crate::draft::{Head, draft};
use crate::tls::Thread;
use crate::{borrow, clock, session};

/// Slots of a chunk, its header's included.
pub const SLOTS: u32 = (CHUNK_SIZE / SLOT_SIZE) as u32;

/// Who claims a chunk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owner {
    /// Chunk of the process.
    pub process: u32,
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// Serial of the thread.
    pub serial: u32,
    /// The how-manieth chunk of that thread.
    pub sequence: u64,
    /// Records that the thread has lost.
    pub dropped: u64,
}

/// A chunk and a slot in it, as [`Thread::place`] holds them.
pub const fn place(index: u32, slot: u32) -> u64 {
    (index as u64) << 32 | slot as u64
}

/// The chunk of a place.
pub const fn index_of(place: u64) -> u32 {
    (place >> 32) as u32
}

/// Leaves the thread's full chunk for another, as far as no signal handler has done so meanwhile. False, and counted: there is
/// none.
///
/// A handler may come anywhere here and leave the chunk itself, or jump out. So a chunk is picked for us alone, made ready, and
/// becomes the thread's by one instruction, if the thread still has the one that was full; else it is kept for later.
#[cold]
pub fn next_chunk(thread: &Thread, full: u32, epoch: u32) -> bool {
    let is_over = || {
        let now = thread.place.load(Relaxed);
        session::epoch() != epoch || index_of(now) != full || (now as u32) < SLOTS
    };
    let picked = pick(thread, full);
    picked.into_iter().for_each(touch);
    if is_over() {
        picked.into_iter().for_each(|index| keep(thread, index, epoch));
        return true;
    }
    let Some(index) = picked else {
        let dropped = thread.dropped.fetch_add(1, Relaxed) + 1;
        if !tell_dropped(full, dropped) {
            session::pool().homeless.fetch_add(1, Relaxed);
        }
        // It must not run over.
        let now = thread.place.load(Relaxed);
        let _ = thread.place.compare_exchange(now, place(index_of(now), SLOTS), Relaxed, Relaxed);
        return false;
    };
    let first = start_chunk(thread, index, full);
    loop {
        let now = thread.place.load(Relaxed);
        if is_over() {
            hide(thread, index, epoch);
            keep(thread, index, epoch);
            return true;
        }
        if thread.place.compare_exchange(now, place(index, first), Relaxed, Relaxed).is_ok() {
            break;
        }
    }
    if let Some(previous) = header(full).filter(|_| full != index) {
        previous.next.store(index, Relaxed);
    }
    let _ = thread.oldest.compare_exchange(NO_CHUNK, index, Relaxed, Relaxed);
    true
}

/// A chunk that nobody else has: one that was kept, a new one, or in flight mode the thread's oldest.
fn pick(thread: &Thread, full: u32) -> Option<u32> {
    let kept = thread.spare.swap(NO_CHUNK, Relaxed);
    if kept != NO_CHUNK {
        return Some(kept);
    }
    let pool = session::pool();
    let flight = pool.mode == Mode::Flight as u32;
    let may_grow = !flight || thread.held.load(Relaxed) < pool.ring_chunks;
    if let Some(index) = may_grow.then(take_chunk).flatten() {
        thread.held.fetch_add(1, Relaxed);
        return Some(index);
    }
    loop {
        let oldest = thread.oldest.load(Relaxed);
        let header = header(oldest).filter(|_| flight)?;
        let next = if oldest == full { NO_CHUNK } else { header.next.load(Relaxed) };
        if thread.oldest.compare_exchange(oldest, next, Relaxed, Relaxed).is_ok() {
            return Some(oldest);
        }
    }
}

/// Has the kernel bring a chunk's pages: it delivers signals when it has, and what comes next must not be interrupted by it.
fn touch(index: u32) {
    const PAGE: usize = 4096;
    for page in (0..CHUNK_SIZE).step_by(PAGE) {
        // SAFETY: a word of a chunk that is mapped for good; nothing is changed.
        unsafe { (*session::chunk(index).add(page).cast::<AtomicU32>()).fetch_or(0, Relaxed) };
    }
}

/// Keeps a chunk that was picked in vain: a signal handler was quicker. In a forked child it is the parent's.
fn keep(thread: &Thread, index: u32, epoch: u32) {
    if session::epoch() == epoch {
        let other = thread.spare.swap(index, Relaxed);
        if let Some(header) = header(other) {
            header.state.store(state::ORPHAN, Release);
        }
    }
}

/// Takes a chunk that was made ready in vain from before the readers' eyes, as the signal handler's has the same number: that
/// one tells of what was lost.
fn hide(thread: &Thread, index: u32, epoch: u32) {
    if session::epoch() == epoch {
        header(index).into_iter().for_each(|header| header.kind.store(ChunkKind::Free as u32, Release));
        tell_dropped(index_of(thread.place.load(Relaxed)), thread.dropped.load(Relaxed));
    }
}

/// Has a chunk's header tell how many records its thread has lost. False: there is no such chunk.
fn tell_dropped(index: u32, dropped: u64) -> bool {
    header(index).map(|header| header.dropped.fetch_max(dropped, Relaxed)).is_some()
}

/// Makes a picked chunk ready for the thread's records, the first of which tells of what was there before. Gives the first free
/// slot.
fn start_chunk(thread: &Thread, index: u32, full: u32) -> u32 {
    // Counted from the chunk before: one that was made ready in vain must leave no gap.
    let sequence = header(full).map_or(0, |header| header.sequence) + 1;
    let (lost, since) =
        header(index).map_or((0, 0), |header| (lost_with(thread, index, header), header.claimed));
    let dropped = thread.dropped.fetch_add(lost.into(), Relaxed) + u64::from(lost);
    let owner = Owner {
        process: session::process_chunk(),
        pid: borrow::pid(thread),
        tid: thread.tid,
        serial: thread.serial,
        sequence,
        dropped,
    };
    let base = open_chunk(index, ChunkKind::Records, &owner);
    let mut first = 1;
    if lost > 0 {
        let exit = clock::now();
        let (kind, request) = (Kind::Dropped, lost);
        let head = Head { kind, enter: since, exit, request, fd: -1, result: 0, flags: 0, class: 0 };
        // SAFETY: the chunk is this thread's.
        unsafe { draft((&raw const *thread).cast_mut(), place(index, first), 1, thread.epoch) }.commit(&head);
        first += 1;
    }
    publish(base, ChunkKind::Records);
    first
}

/// Records of the thread's that go when a chunk is started over. What tells of loss is no loss itself.
fn lost_with(thread: &Thread, index: u32, header: &ChunkHeader) -> u32 {
    let own = header.kind.load(Relaxed) == ChunkKind::Records as u32
        && header.process == session::process_chunk()
        && header.thread == thread.serial;
    let generation = header.generation.load(Relaxed);
    let (mut lost, mut at) = (0, 1);
    while own && at < SLOTS as usize {
        // SAFETY: a slot of a chunk that is this thread's.
        let slot = unsafe { session::chunk(index).add(at * SLOT_SIZE).cast::<Slot>().read_volatile() };
        let is_valid = slot.commit == commit_word(generation, at);
        lost += u32::from(is_valid && slot.kind != Kind::Dropped as u8);
        at += if is_valid { slot.slots.max(1).into() } else { 1 };
    }
    lost
}

fn header(index: u32) -> Option<&'static ChunkHeader> {
    if index == NO_CHUNK {
        return None;
    }
    // SAFETY: chunks are mapped for good; the fields that others may change are atomics.
    Some(unsafe { &*session::chunk(index).cast::<ChunkHeader>() })
}

/// A chunk that nobody uses: a new one, or in flight mode one whose thread is gone.
#[cold]
pub fn take_chunk() -> Option<u32> {
    /// Chunks looked at for an orphan, before the search is given up until the next time.
    const TRIES: u32 = 512;
    static HINT: AtomicU32 = AtomicU32::new(0);
    let pool = session::pool();
    if pool.cursor.load(Relaxed) < pool.chunk_count {
        let index = pool.cursor.fetch_add(1, Relaxed);
        if index < pool.chunk_count {
            return Some(index);
        }
    }
    if pool.mode != Mode::Flight as u32 {
        return None;
    }
    (0..TRIES.min(pool.chunk_count)).find_map(|_| {
        let index = HINT.fetch_add(1, Relaxed) % pool.chunk_count;
        let state = &header(index)?.state;
        state.compare_exchange(state::ORPHAN, state::HELD, AcqRel, Relaxed).ok().map(|_| index)
    })
}

/// Voids what a chunk held and writes its new header, all but the kind.
pub fn open_chunk(index: u32, kind: ChunkKind, owner: &Owner) -> *mut u8 {
    let base = session::chunk(index);
    debug_assert!(kind != ChunkKind::Free);
    // SAFETY: the chunk was taken for the caller alone; readers look at the kind and generation first.
    let header = unsafe { &mut *base.cast::<ChunkHeader>() };
    header.kind.store(ChunkKind::Free as u32, Relaxed);
    header.generation.fetch_add(1, AcqRel);
    header.state.store(state::HELD, Relaxed);
    header.process = owner.process;
    header.pid = owner.pid;
    header.tid = owner.tid;
    header.thread = owner.serial;
    header.next.store(NO_CHUNK, Relaxed);
    header.sequence = owner.sequence;
    header.dropped.store(owner.dropped, Relaxed);
    header.claimed = clock::now();
    base
}

/// Lets readers see an opened chunk.
pub fn publish(base: *mut u8, kind: ChunkKind) {
    // SAFETY: as in `open_chunk`.
    unsafe { (*base.cast::<ChunkHeader>()).kind.store(kind as u32, Release) };
}
