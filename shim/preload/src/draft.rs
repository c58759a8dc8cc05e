//! A record while it is written.

use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::record::{COMMIT_OFFSET, INLINE, PAYLOAD_OFFSET, payload_len};
use fencelab_abi::{ChunkHeader, Kind, SLOT_SIZE, Slot, commit_word};

use crate::chunk::index_of;
use crate::tls::Thread;
use crate::{borrow, readable, session};

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

/// The record at a place.
///
/// # Safety
///
/// `thread` is the calling thread's block, and the place was taken by it.
#[inline(always)]
pub unsafe fn draft(thread: *mut Thread, place: u64, slots: u32, epoch: u32) -> Draft {
    let chunk = session::chunk(index_of(place));
    let slot = place as u32 as usize;
    // SAFETY: the header of a chunk that is the thread's.
    let generation = unsafe { (*chunk.cast::<ChunkHeader>()).generation.load(Relaxed) };
    let commit = commit_word(generation, slot);
    Draft { slot: chunk.wrapping_add(slot * SLOT_SIZE), commit, slots: slots as u8, thread, epoch, len: 0 }
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
    /// the parent's. Between this look and the stores behind it the child would store what the parent stores.
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
        // SAFETY: the calling thread's block.
        let tid = unsafe { (&raw const (*self.thread).tid).read_volatile() };
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
            (*slot).tid = tid;
            (&raw mut (*slot).kind).cast::<u32>().write(kinds);
            let commit = self.slot.add(offset_of!(Slot, commit)).cast::<AtomicU32>();
            (*commit).store(self.commit, Release);
            // The next but one, to be written: a chunk's lines are seldom near. It faults nowhere.
            _mm_prefetch::<_MM_HINT_ET0>(self.slot.wrapping_add(2 * SLOT_SIZE).cast());
        }
    }

    #[inline(always)]
    fn publish(self, head: &Head) {
        // SAFETY: the calling thread's block.
        let (tid, busy) = unsafe { ((&raw const (*self.thread).tid).read_volatile(), (*self.thread).busy) };
        if !self.is_ours() {
            return;
        }
        let slot = self.slot.cast::<Slot>();
        // SAFETY: the slot is this thread's alone until its commit word is there, and the word is stored last.
        unsafe {
            let shared = (busy & borrow::BORROWED != 0) as u8 * fencelab_abi::flags::BORROWED;
            (*slot).enter = head.enter;
            (*slot).exit = head.exit;
            (*slot).request = head.request;
            (*slot).fd = head.fd;
            (*slot).result = head.result;
            (*slot).tid = tid;
            let kinds = [head.kind as u8, self.slots, head.flags | shared, head.class];
            (&raw mut (*slot).kind).cast::<[u8; 4]>().write_unaligned(kinds);
            let commit = self.slot.add(offset_of!(Slot, commit)).cast::<AtomicU32>();
            (*commit).store(self.commit, Release);
            let behind = self.slot.wrapping_add((self.slots as usize + 1) * SLOT_SIZE);
            _mm_prefetch::<_MM_HINT_ET0>(behind.cast());
            _mm_prefetch::<_MM_HINT_ET0>(behind.wrapping_add(SLOT_SIZE).cast());
        }
    }
}
