//! The way in for programs that make system calls without a libc: static ones, Go, raw instructions.
//!
//! # How it works
//!
//! The recorder traces a thread while it execs. In the new program, before its first instruction, it maps this object, and
//! has [`fencelab_raw_start`] run; then it lets go, and no call costs a switch to another process. The kernel's Syscall User
//! Dispatch (Documentation/admin-guide/syscall-user-dispatch.rst) makes every system call outside this object a SIGSYS. The
//! handler ([`dispatch`]) makes the call itself, through the same hooks that take libc's places, and puts the result where the
//! program looks for it. Calls from within the object go through, so there is no switch to be flipped, and a signal can
//! come at any time.
//!
//! The kernel turns dispatch off in new threads and processes and at exec. New tasks turn it on again before they are let go
//! ([`clone`]); in front of an exec the recorder is asked to trace ([`exec`]).
//!
//! A recorded call costs two system calls more: gettid, to find the thread's place, and rt_sigreturn, out of the handler. Any
//! other costs the one; those that may block ask once more about an argument that lies outside the stack (see [`readable`]).
//!
//! # What the program must not notice
//!
//! The handler runs under the program's own signal mask, so blocking calls are interrupted as ever. SIGSYS itself must never
//! be blocked, ignored or taken: [`signals`] hides it. It runs on the alternate stack where the program has one (Go's stacks
//! have no room for a signal's frame), so calls about that stack are answered from the frame ([`signals`]).
//!
//! # What it cannot do
//!
//! A thread that sets a seccomp filter is let go, as the filter may forbid what the handler needs: it is recorded until
//! then. A program that uses Syscall User Dispatch itself is told that the kernel lacks it. musl's pthread_cancel does not
//! interrupt a blocking call. A stack with less than some 4 KiB below a system call, and no alternate one, overflows.

mod altstack;
pub mod clone;
pub mod dispatch;
pub mod exec;
pub mod frame;
mod last;
mod save;
pub mod signals;
mod start;
pub(crate) mod table;
pub mod threads;

use core::ffi::c_char;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed};

use fencelab_abi::process::Entry;

use crate::sys::{self, nr};
use crate::{borrow, readable, session};

static ON: AtomicBool = AtomicBool::new(false);
/// Where calls go through: this object.
static CODE: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
/// What the kernel looks at for each call from elsewhere: SYSCALL_DISPATCH_FILTER_BLOCK, always.
static BLOCK: AtomicU8 = AtomicU8::new(1);

const PR_SET_SYSCALL_USER_DISPATCH: usize = 59;

/// Whether this process is recorded this way.
#[inline]
pub fn is_on() -> bool {
    ON.load(Relaxed)
}

/// What the recorder has the new program call, with where this object lies and the session folder's path.
/// 0: it is recorded; 1: it cannot reach the session; 2: the kernel has no Syscall User Dispatch.
#[unsafe(no_mangle)]
extern "C" fn fencelab_raw_start(base: usize, len: usize, folder: *const c_char) -> usize {
    ON.store(true, Relaxed);
    // Every record asks for the thread's block anew.
    borrow::begins();
    CODE[0].store(base, Relaxed);
    CODE[1].store(len, Relaxed);
    // SAFETY: the recorder has written a C string.
    let path = unsafe { core::ffi::CStr::from_ptr(folder) }.to_bytes();
    let copy = |room: &mut [u8]| {
        room.get_mut(..path.len())?.copy_from_slice(path);
        Some(path.len())
    };
    if !session::start_as(Entry::Trace, copy) {
        return 1;
    }
    signals::install();
    if arm() { 0 } else { 2 }
}

/// Turns dispatch on for the calling thread. Under a filter of system calls it stays off.
pub fn arm() -> bool {
    const ON: usize = 1;
    if !readable::may_ask() {
        return false;
    }
    let [base, len] = [&CODE[0], &CODE[1]].map(|part| part.load(Relaxed));
    let args = [PR_SET_SYSCALL_USER_DISPATCH, ON, base, len, BLOCK.as_ptr() as usize, 0];
    // SAFETY: the handler is installed, and the selector is there for good.
    unsafe { sys::syscall(nr::PRCTL, args) == 0 }
}

/// Turns it off for the calling thread.
pub fn disarm() {
    // SAFETY: calls go through again, as without us.
    unsafe { sys::syscall(nr::PRCTL, [PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0, 0]) };
}
