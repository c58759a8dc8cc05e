//! Chunks and slots: where records go.

use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::pool::{NO_CHUNK, state};
use fencelab_abi::record::{COMMIT_OFFSET, INLINE, MAX_SLOTS, PAYLOAD_OFFSET, payload_len};
use fencelab_abi::{CHUNK_SIZE, ChunkHeader, ChunkKind, Kind, Mode, SLOT_SIZE, Slot, commit_word};

use crate::tls::{self, Thread};
use crate::{borrow, clock, raw, readable, session};

const SLOTS: u32 = (CHUNK_SIZE / SLOT_SIZE) as u32;

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

/// The calling thread's state, ready to write; `None`: nothing can be recorded now.
#[inline]
pub fn thread() -> Option<*mut Thread> {
    // In raw mode, where the thread pointer is the program's own affair, borrowing is always possible.
    match own() {
        Some(thread) => Some(thread),
        None => attach(),
    }
}

/// The calling thread's state, if nothing has to be done for it first: it is the thread's own, no borrowed one.
#[inline(always)]
pub fn own() -> Option<*mut Thread> {
    let epoch = session::epoch();
    if epoch == 0 || borrow::possible() {
        // In raw mode that is always so: there, not even the thread pointer may be looked at.
        return None;
    }
    let thread = tls::current();
    // SAFETY: the block lives as long as the thread.
    (unsafe { (*thread).epoch } == epoch).then_some(thread)
}

#[cold]
fn attach() -> Option<*mut Thread> {
    if !session::ensure() {
        return None;
    }
    let thread = if raw::is_on() {
        raw::threads::own()?
    } else if borrow::possible() {
        borrow::thread(tls::current())?
    } else {
        tls::current()
    };
    // SAFETY: the block is the calling thread's, and no reference to it outlives a statement.
    unsafe {
        if (*thread).epoch == session::epoch() {
            return Some(thread);
        }
        let tid = own_id(&*thread);
        let serial = session::pool().threads.fetch_add(1, Relaxed);
        let (epoch, busy) = (session::epoch(), (*thread).busy);
        // A signal handler that records has done the same by now, or does so once more: then what it wrote has another serial.
        if (&raw const (*thread).epoch).read_volatile() != epoch {
            thread.write(Thread { tid, serial, busy, ..Thread::EMPTY });
            (&raw mut (*thread).epoch).write_volatile(epoch);
        }
    }
    Some(thread)
}

/// The thread's id, without asking the kernel where libc is sure to know: a thread that had a state before is one that
/// has forked, maybe behind libc's back.
fn own_id(thread: &Thread) -> u32 {
    let libc = tls::libc_id().filter(|_| thread.epoch == 0 && thread.busy & borrow::BORROWED == 0);
    libc.unwrap_or_else(session::ask_tid)
}

/// A record being written.
pub struct Draft {
    slot: *mut u8,
    commit: u32,
    slots: u8,
    thread: *mut Thread,
    /// The thread's epoch when the room was taken.
    epoch: u32,
    /// Bytes of payload written.
    pub len: usize,
}

/// What a record says, beside its payload.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// What it tells of.
    pub kind: Kind,
    /// Ticks before the call.
    pub enter: u64,
    /// Ticks after it.
    pub exit: u64,
    /// The request, or what the kind says.
    pub request: u32,
    /// The fd.
    pub fd: i32,
    /// What came back.
    pub result: i32,
    /// [`fencelab_abi::flags`].
    pub flags: u8,
    /// Class of the fd.
    pub class: u8,
}

/// Takes room for a record; `None`, counted, if there is none.
///
/// A signal handler may come between any two instructions here and write records of its own, so what it could change is
/// changed by one. It may also fork: then we go on in the child with what was the parent's.
#[inline(never)]
pub fn reserve(thread: *mut Thread, slots: usize) -> Option<Draft> {
    reserve_at_once(thread, slots)
}

/// The same, where every instruction counts.
#[inline(always)]
pub fn reserve_at_once(thread: *mut Thread, slots: usize) -> Option<Draft> {
    let wanted = slots.clamp(1, MAX_SLOTS) as u32;
    // SAFETY: the block is the calling thread's, or in a forked child a copy of its.
    unsafe {
        let epoch = (&raw const (*thread).epoch).read_volatile();
        if epoch == session::epoch() {
            let place = tls::add(&raw mut (*thread).place, wanted.into());
            if place as u32 + wanted <= SLOTS {
                return Some(draft(thread, place, wanted, epoch));
            }
        }
    }
    reserve_elsewhere(thread, slots)
}

/// The record at a place.
///
/// # Safety
///
/// `thread` is the calling thread's block, and the place was taken by it.
#[inline(always)]
unsafe fn draft(thread: *mut Thread, place: u64, slots: u32, epoch: u32) -> Draft {
    let chunk = session::chunk(index_of(place));
    let slot = place as u32 as usize;
    // SAFETY: the header of a chunk that is the thread's.
    let generation = unsafe { (*chunk.cast::<ChunkHeader>()).generation.load(Relaxed) };
    let commit = commit_word(generation, slot);
    Draft { slot: chunk.wrapping_add(slot * SLOT_SIZE), commit, slots: slots as u8, thread, epoch, len: 0 }
}

/// Takes room in another chunk, or in a forked child for its own record.
#[cold]
#[inline(never)]
fn reserve_elsewhere(mut thread: *mut Thread, slots: usize) -> Option<Draft> {
    let wanted = slots.clamp(1, MAX_SLOTS) as u32;
    loop {
        // SAFETY: as in `reserve`.
        unsafe {
            if (*thread).epoch != session::epoch() {
                thread = self::thread()?;
            }
            let epoch = (*thread).epoch;
            let place = tls::add(&raw mut (*thread).place, wanted.into());
            if place as u32 + wanted <= SLOTS {
                return Some(draft(thread, place, wanted, epoch));
            }
            if !next_chunk(&*thread, index_of(place), epoch) {
                return None;
            }
        }
    }
}

/// A chunk and a slot in it, as [`Thread::place`] holds them.
pub const fn place(index: u32, slot: u32) -> u64 {
    (index as u64) << 32 | slot as u64
}

const fn index_of(place: u64) -> u32 {
    (place >> 32) as u32
}

#[cfg(test)]
impl Draft {
    /// A record in memory of a test's, with that many slots.
    pub(crate) fn in_memory(slots: &mut [[u64; SLOT_SIZE / 8]]) -> Self {
        let (slot, count) = (slots.as_mut_ptr().cast(), slots.len() as u8);
        Self { slot, commit: 0, slots: count, thread: core::ptr::null_mut(), epoch: session::epoch(), len: 0 }
    }
}

impl Draft {
    /// Whether we are still in the process that took the room: a signal handler may have forked, and in the child the slot is
    /// the parent's. What is left is the time between this look and the stores behind it.
    #[inline(always)]
    fn is_ours(&self) -> bool {
        session::epoch() == self.epoch
    }

    /// Where byte `at` of the payload goes.
    #[inline]
    fn place(&self, at: usize) -> *mut u8 {
        let gap = if at < COMMIT_OFFSET - PAYLOAD_OFFSET { PAYLOAD_OFFSET } else { PAYLOAD_OFFSET + 4 };
        self.slot.wrapping_add(gap + at)
    }

    /// Bytes of payload that still fit.
    #[inline]
    pub fn room(&self) -> usize {
        payload_len(self.slots as usize) - self.len
    }

    /// Appends eight bytes, if they fit.
    #[inline]
    pub fn word(&mut self, word: u64) {
        if self.room() >= 8 && self.is_ours() {
            // SAFETY: within the record's slots; places are 4-byte aligned.
            unsafe { self.place(self.len).cast::<u64>().write_unaligned(word) };
            self.len += 8;
        }
    }

    /// Appends bytes of the program's memory, padded to 8, as far as they fit.
    ///
    /// # Safety
    ///
    /// They are there.
    #[inline]
    pub unsafe fn copy(&mut self, address: usize, len: usize) {
        let len = len.min(self.room() & !7);
        let mut at = 0;
        while at < len && self.is_ours() {
            // SAFETY: below `len`, which fits; places are 4-byte aligned.
            unsafe {
                let word = readable::load(address + at, (len - at).min(8));
                self.place(self.len + at).cast::<u64>().write_unaligned(word);
            }
            at += 8;
        }
        self.len += at;
    }

    /// Changes eight bytes that were appended before.
    #[inline]
    pub fn patch(&mut self, at: usize, word: u64) {
        if at + 8 <= self.len && self.is_ours() {
            // SAFETY: within what was written.
            unsafe { self.place(at).cast::<u64>().write_unaligned(word) };
        }
    }

    /// Ends the payload and makes the record valid.
    #[inline]
    pub fn commit(mut self, head: &Head) {
        self.word(0);
        self.publish(head);
    }

    /// Ends a record of one slot whose whole payload is these words, of a thread that [`own`] gave. `kinds`: kind, slots, flags
    /// and class, as they lie. Each word is stored by itself: gathered in memory first, they could not be loaded again before
    /// those stores are done.
    #[inline(always)]
    pub fn commit_short(self, times: [u64; 2], call: [u32; 3], kinds: u32, words: [u64; INLINE / 8]) {
        if !self.is_ours() {
            return;
        }
        let slot = self.slot.cast::<Slot>();
        // SAFETY: as in `publish`; the payload is 4-byte aligned.
        unsafe {
            let place = self.slot.add(PAYLOAD_OFFSET).cast::<u64>();
            place.write_unaligned(words[0]);
            place.add(1).write_unaligned(words[1]);
            place.add(2).write_unaligned(words[2]);
            (*slot).enter = times[0];
            (*slot).exit = times[1];
            (*slot).request = call[0];
            (*slot).fd = call[1] as i32;
            (*slot).result = call[2] as i32;
            (*slot).tid = (*self.thread).tid;
            (&raw mut (*slot).kind).cast::<u32>().write(kinds);
            let commit = self.slot.add(offset_of!(Slot, commit)).cast::<AtomicU32>();
            (*commit).store(self.commit, Release);
            // The next but one, to be written: a chunk's lines are seldom near. It faults nowhere.
            _mm_prefetch::<_MM_HINT_ET0>(self.slot.wrapping_add(2 * SLOT_SIZE).cast());
        }
    }

    #[inline(always)]
    fn publish(self, head: &Head) {
        if !self.is_ours() {
            return;
        }
        let slot = self.slot.cast::<Slot>();
        // SAFETY: the slot is this thread's alone until its commit word is there, and the word is stored last.
        unsafe {
            let shared = ((*self.thread).busy & borrow::BORROWED != 0) as u8 * fencelab_abi::flags::BORROWED;
            (*slot).enter = head.enter;
            (*slot).exit = head.exit;
            (*slot).request = head.request;
            (*slot).fd = head.fd;
            (*slot).result = head.result;
            (*slot).tid = (*self.thread).tid;
            let kinds = [head.kind as u8, self.slots, head.flags | shared, head.class];
            (&raw mut (*slot).kind).cast::<[u8; 4]>().write_unaligned(kinds);
            let commit = self.slot.add(offset_of!(Slot, commit)).cast::<AtomicU32>();
            (*commit).store(self.commit, Release);
        }
    }
}

/// Writes a record without payload.
pub fn write(head: &Head) {
    if let Some(draft) = thread().and_then(|thread| reserve(thread, 1)) {
        draft.commit(head);
    }
}

/// Leaves the thread's full chunk for another, as far as no signal handler has done so meanwhile. False, and counted: there is
/// none.
///
/// A handler may come anywhere here and leave the chunk itself, or jump out. So a chunk is picked for us alone, made ready, and
/// becomes the thread's by one instruction, if the thread still has the one that was full; else it is kept for later.
#[cold]
fn next_chunk(thread: &Thread, full: u32, epoch: u32) -> bool {
    let is_over = || {
        let now = thread.place.load(Relaxed);
        session::epoch() != epoch || index_of(now) != full || (now as u32) < SLOTS
    };
    let picked = pick(thread, full);
    if is_over() {
        picked.into_iter().for_each(|index| keep(thread, index, epoch));
        return true;
    }
    let Some(index) = picked else {
        let dropped = thread.dropped.fetch_add(1, Relaxed) + 1;
        match header(full) {
            Some(header) => _ = header.dropped.fetch_max(dropped, Relaxed),
            None => _ = session::pool().homeless.fetch_add(1, Relaxed),
        }
        // It must not run over.
        let now = thread.place.load(Relaxed);
        let _ = thread.place.compare_exchange(now, place(index_of(now), SLOTS), Relaxed, Relaxed);
        return false;
    };
    let first = start_chunk(thread, index);
    loop {
        let now = thread.place.load(Relaxed);
        if is_over() {
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

/// Keeps a chunk that was picked in vain: a signal handler was quicker. In a forked child it is the parent's.
fn keep(thread: &Thread, index: u32, epoch: u32) {
    if session::epoch() == epoch {
        let other = thread.spare.swap(index, Relaxed);
        if let Some(header) = header(other) {
            header.state.store(state::ORPHAN, Release);
        }
    }
}

/// Makes a picked chunk ready for the thread's records, the first of which tells of what was there before. Gives the first free
/// slot.
fn start_chunk(thread: &Thread, index: u32) -> u32 {
    let (lost, since) =
        header(index).map_or((0, 0), |header| (lost_with(thread, index, header), header.claimed));
    let dropped = thread.dropped.fetch_add(lost.into(), Relaxed) + u64::from(lost);
    let owner = Owner {
        process: session::process_chunk(),
        pid: borrow::pid(thread),
        tid: thread.tid,
        serial: thread.serial,
        sequence: thread.sequence.fetch_add(1, Relaxed) + 1,
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
