//! Where records go: the thread's state, and room for one record after the other.

use core::sync::atomic::Ordering::*;

use fencelab_abi::record::MAX_SLOTS;

use crate::chunk::{SLOTS, index_of, next_chunk};
use crate::draft::draft;
pub use crate::draft::{Draft, Head};
use crate::tls::{self, Thread};
use crate::{borrow, raw, session};

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
        let (epoch, busy) = (session::epoch(), (*thread).busy);
        let tid = own_id(&*thread);
        let serial = session::pool().threads.fetch_add(1, Relaxed);
        if session::epoch() != epoch {
            // A signal handler has forked, and we are the child.
            return attach();
        }
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

/// Writes a record without payload.
pub fn write(head: &Head) {
    if let Some(draft) = thread().and_then(|thread| reserve(thread, 1)) {
        draft.commit(head);
    }
}
