//! The threads' blocks, found by their ids: the thread pointer is the program's.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::process::blind;

use crate::borrow::BORROWED;
use crate::tls::Thread;
use crate::{readable, session, sys};

/// Threads that there is room for at the same time. Untouched ones cost no memory.
const ROOM: usize = 4096;

struct Entry {
    /// The thread, 0: free.
    tid: AtomicU32,
    block: UnsafeCell<MaybeUninit<Thread>>,
}

// SAFETY: a block is used by the one task whose id is in `tid`.
unsafe impl Sync for Entry {}

static ENTRIES: [Entry; ROOM] =
    [const { Entry { tid: AtomicU32::new(0), block: UnsafeCell::new(MaybeUninit::zeroed()) } }; ROOM];

/// Entries from where a thread's should be, to where it may be.
fn places(tid: u32) -> impl Iterator<Item = &'static Entry> {
    /// Entries that are looked at.
    const REACH: usize = 256;
    (0..REACH).filter_map(move |step| ENTRIES.get((tid as usize + step) % ROOM))
}

/// The calling task's block. Under a filter of system calls it cannot be found.
#[cold]
pub fn own() -> Option<*mut Thread> {
    if !readable::may_ask() {
        session::unrecorded();
        return None;
    }
    let tid = sys::gettid();
    let known = places(tid).find(|entry| entry.tid.load(Acquire) == tid);
    let entry = known.or_else(|| take(tid));
    if entry.is_none() {
        session::blind(blind::BORROWERS);
        session::unrecorded();
    }
    entry.map(|entry| entry.block.get().cast())
}

fn take(tid: u32) -> Option<&'static Entry> {
    let entry = places(tid).find(|entry| entry.tid.compare_exchange(0, tid, AcqRel, Relaxed).is_ok())?;
    // A child of vfork, or of posix_spawn, has our memory and is another process.
    let busy = if sys::getpid() == session::pid() { 0 } else { BORROWED };
    // SAFETY: the block is this task's alone from here on.
    unsafe { (*entry.block.get()).write(Thread { busy, ..Thread::EMPTY }) };
    Some(entry)
}

/// A task is gone, or has its own memory now.
pub fn forget(tid: u32) {
    if let Some(entry) = places(tid).find(|entry| entry.tid.load(Relaxed) == tid) {
        entry.tid.store(0, Release);
    }
}

/// In a forked child: none of its parent's threads came with it.
pub fn forget_all() {
    for entry in ENTRIES.iter().filter(|entry| entry.tid.load(Relaxed) != 0) {
        entry.tid.store(0, Relaxed);
    }
}
