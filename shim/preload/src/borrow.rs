//! Tasks that run in another's memory with its thread pointer: the children of vfork, and of clone with CLONE_VM
//! but no thread pointer of their own.
//!
//! They see their parent's thread block as theirs. While such a child may exist, every record first asks the kernel which
//! thread it is, and a stranger gets a block from a small table here.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::process::blind;

use crate::tls::Thread;
use crate::{readable, session, sys};

/// In [`Thread::busy`]: the block is one of these.
pub const BORROWED: u32 = 2;

/// Children that may exist.
pub static BORROWERS: AtomicU32 = AtomicU32::new(0);

const ROOM: usize = 16;

struct Guest {
    /// Its thread, 0: free.
    tid: AtomicU32,
    /// Written when a task takes it; until then in no file and no memory.
    block: UnsafeCell<MaybeUninit<Thread>>,
}

// SAFETY: a block is used by the one task whose id is in `tid`.
unsafe impl Sync for Guest {}

static GUESTS: [Guest; ROOM] =
    [const { Guest { tid: AtomicU32::new(0), block: UnsafeCell::new(MaybeUninit::zeroed()) } }; ROOM];

/// Whether a task may be running on another's block.
#[inline]
pub fn possible() -> bool {
    BORROWERS.load(Relaxed) != 0
}

/// Whether the calling task may have other fds than the process whose memory it uses. Its thread is attached: a fork has
/// been noticed.
pub fn has_own_fds() -> bool {
    possible() && !(readable::may_ask() && sys::getpid() == session::pid())
}

/// From now until [`ended`], check.
pub fn begins() {
    BORROWERS.fetch_add(1, AcqRel);
}

/// The child that [`begins`] announced has its own memory now, or is gone; its block is free again.
pub fn ended(child: u32) {
    BORROWERS.fetch_sub(1, AcqRel);
    for guest in GUESTS.iter().filter(|guest| child != 0 && guest.tid.load(Relaxed) == child) {
        guest.tid.store(0, Release);
    }
}

/// The block that the calling task may use: `own` if it is the thread's own.
#[cold]
pub fn thread(own: *mut Thread) -> Option<*mut Thread> {
    if !readable::may_ask() {
        // Whose block it is cannot be told, and guessing could spoil another task's records.
        session::unrecorded();
        return None;
    }
    let tid = sys::gettid();
    // SAFETY: reads the block that the task sees as its own; another task writes it only while this one is no thread of
    // its own.
    let (known, epoch) = unsafe { ((*own).tid, (*own).epoch) };
    if known == tid || (epoch != session::epoch() && sys::getpid() == session::pid()) {
        return Some(own);
    }
    let mine = GUESTS.iter().find(|guest| guest.tid.load(Acquire) == tid).or_else(|| {
        let guest =
            GUESTS.iter().find(|guest| guest.tid.compare_exchange(0, tid, AcqRel, Relaxed).is_ok())?;
        // SAFETY: the block is this task's alone from here on.
        unsafe { (*guest.block.get()).write(Thread { busy: BORROWED, ..Thread::EMPTY }) };
        Some(guest)
    });
    match mine {
        Some(guest) => Some(guest.block.get().cast()),
        None => {
            session::blind(blind::BORROWERS);
            session::unrecorded();
            None
        }
    }
}

/// The process that a thread's chunk belongs to: a borrowing task has another pid than the process whose memory it uses.
pub fn pid(thread: &Thread) -> u32 {
    if thread.busy & BORROWED != 0 { sys::getpid() } else { session::pid() }
}
