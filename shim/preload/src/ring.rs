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

/// In [`Thread::busy`]: inside a step that a signal handler must not start over.
const BUSY: u32 = 1;

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
        let borrowed = (*thread).busy & borrow::BORROWED;
        let tid = own_id(&*thread);
        if (*thread).busy & BUSY != 0 && (*thread).tid == tid {
            session::unrecorded();
            return None;
        }
        (*thread).busy = borrowed | BUSY;
        (*thread).tid = tid;
        let serial = session::pool().threads.fetch_add(1, Relaxed);
        *thread = Thread { tid: (*thread).tid, busy: borrowed | BUSY, serial, ..Thread::EMPTY };
        (*thread).epoch = session::epoch();
        (*thread).busy = borrowed;
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
#[inline(always)]
pub fn reserve(thread: *mut Thread, slots: usize) -> Option<Draft> {
    let wanted = slots.clamp(1, MAX_SLOTS) as u32;
    loop {
        // SAFETY: the block is the calling thread's. A signal handler on it may write records of its own between any two
        // of these lines; if it moved on to another chunk, the slot was taken there, stays a hole, and we try again.
        unsafe {
            let (chunk, generation) = ((&raw const (*thread).chunk).read_volatile(), (*thread).generation);
            let slot = tls::add(&raw mut (*thread).next, wanted);
            if slot + wanted <= SLOTS && (&raw const (*thread).chunk).read_volatile() == chunk {
                let commit = commit_word(generation, slot as usize);
                let slot = chunk.add(slot as usize * SLOT_SIZE);
                return Some(Draft { slot, commit, slots: wanted as u8, thread, len: 0 });
            }
            if slot + wanted > SLOTS && !next_chunk(thread) {
                return None;
            }
        }
    }
}

#[cfg(test)]
impl Draft {
    /// A record in memory of a test's, with that many slots.
    pub(crate) fn in_memory(slots: &mut [[u64; SLOT_SIZE / 8]]) -> Self {
        let (slot, count) = (slots.as_mut_ptr().cast(), slots.len() as u8);
        Self { slot, commit: 0, slots: count, thread: core::ptr::null_mut(), len: 0 }
    }
}

impl Draft {
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
        if self.room() >= 8 {
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
        while at < len {
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
        if at + 8 <= self.len {
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
            tls::count(&raw mut (*self.thread).records);
            // The next but one, to be written: a chunk's lines are seldom near. It faults nowhere.
            _mm_prefetch::<_MM_HINT_ET0>(self.slot.wrapping_add(2 * SLOT_SIZE).cast());
        }
    }

    #[inline(always)]
    fn publish(self, head: &Head) {
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
            tls::count(&raw mut (*self.thread).records);
        }
    }
}

/// Writes a record without payload.
pub fn write(head: &Head) {
    if let Some(draft) = thread().and_then(|thread| reserve(thread, 1)) {
        draft.commit(head);
    }
}

/// Leaves the thread's chunk, if it has one, for another. False, and counted: there is none.
///
/// # Safety
///
/// `thread` is the calling thread's block.
#[cold]
unsafe fn next_chunk(thread: *mut Thread) -> bool {
    // SAFETY: the block is the calling thread's; a signal handler that finds it busy leaves it alone.
    let thread = unsafe { &mut *thread };
    if thread.busy & BUSY != 0 {
        thread.dropped += 1;
        return false;
    }
    thread.busy |= BUSY;
    if let Some(header) = header(thread.index) {
        header.records.store(thread.records, Relaxed);
    }
    let gained = match pick(thread) {
        Some((index, lost)) => {
            enter_chunk(thread, index, lost);
            true
        }
        None => {
            thread.dropped += 1;
            match header(thread.index) {
                Some(header) => header.dropped.store(thread.dropped, Relaxed),
                None => _ = session::pool().homeless.fetch_add(1, Relaxed),
            }
            thread.next = SLOTS;
            false
        }
    };
    thread.busy &= !BUSY;
    gained
}

/// Which chunk is next, and what its records' loss is to say: how many, and since when.
fn pick(thread: &mut Thread) -> Option<(u32, Option<(u32, u64)>)> {
    let pool = session::pool();
    let flight = pool.mode == Mode::Flight as u32;
    let may_grow = !flight || thread.held < pool.ring_chunks;
    if let Some(index) = may_grow.then(take_chunk).flatten() {
        thread.held += 1;
        return Some((index, None));
    }
    let oldest = header(thread.oldest).filter(|_| flight)?;
    let lost = (oldest.records.load(Relaxed), oldest.claimed);
    let index = thread.oldest;
    thread.dropped += u64::from(lost.0);
    thread.oldest = if thread.held == 1 { NO_CHUNK } else { oldest.next.load(Relaxed) };
    Some((index, Some(lost)))
}

/// Makes a picked chunk the one that the thread writes.
fn enter_chunk(thread: &mut Thread, index: u32, lost: Option<(u32, u64)>) {
    if let Some(previous) = header(thread.index).filter(|_| thread.index != index) {
        previous.next.store(index, Relaxed);
    }
    if thread.oldest == NO_CHUNK {
        thread.oldest = index;
    }
    thread.sequence += 1;
    let owner = Owner {
        process: session::process_chunk(),
        pid: borrow::pid(thread),
        tid: thread.tid,
        serial: thread.serial,
        sequence: thread.sequence,
        dropped: thread.dropped,
    };
    let base = open_chunk(index, ChunkKind::Records, &owner);
    publish(base, ChunkKind::Records);
    thread.index = index;
    // SAFETY: the header of the chunk that is ours now.
    thread.generation = unsafe { (*base.cast::<ChunkHeader>()).generation.load(Relaxed) };
    thread.records = 0;
    thread.chunk = base;
    thread.next = 1;
    if let Some((request, enter)) = lost {
        let head = Head {
            kind: Kind::Dropped,
            enter,
            exit: clock::now(),
            request,
            fd: -1,
            result: 0,
            flags: 0,
            class: 0,
        };
        let draft = Draft {
            slot: base.wrapping_add(SLOT_SIZE),
            commit: commit_word(thread.generation, 1),
            slots: 1,
            thread,
            len: 0,
        };
        draft.commit(&head);
        thread.next = 2;
        // What tells of loss is no loss when it is overwritten itself.
        thread.records = 0;
    }
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
    header.records.store(0, Relaxed);
    base
}

/// Lets readers see an opened chunk.
pub fn publish(base: *mut u8, kind: ChunkKind) {
    // SAFETY: as in `open_chunk`.
    unsafe { (*base.cast::<ChunkHeader>()).kind.store(kind as u32, Release) };
}
