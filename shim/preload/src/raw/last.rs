//! Stacks for a thread's last calls.
//!
//! A runtime that ends a thread disables its alternate stack, tells others that the thread's own stack may be had, and exits
//! (Go's mexit does). The frame of a last SIGSYS would land on a stack that is no longer the thread's. So a thread that
//! disables its alternate stack gets one of these without knowing.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering::*};

use super::dispatch::call;
use super::frame::Stack;
use crate::sys::{self, nr};

/// Bytes of a stack: for signals' frames, and handlers of the program's that come meanwhile.
const SIZE: usize = 32 << 10;
/// Threads that can be in that state. Untouched stacks cost no memory.
const ROOM: usize = 256;

#[repr(C, align(4096))]
struct Last(UnsafeCell<[u8; SIZE]>);

// SAFETY: a stack is used by the thread that owns it.
unsafe impl Sync for Last {}

static STACKS: [Last; ROOM] = [const { Last(UnsafeCell::new([0; SIZE])) }; ROOM];
/// The threads that own them, 0: nobody.
static OWNERS: [AtomicU32; ROOM] = [const { AtomicU32::new(0) }; ROOM];

/// A stack for the calling thread: where its stack_t is, at its own far end.
pub(super) fn stack() -> Option<usize> {
    let tid = sys::gettid();
    let own = OWNERS.iter().position(|owner| owner.load(Relaxed) == tid);
    let free = |owner: &AtomicU32| owner.compare_exchange(0, tid, AcqRel, Relaxed).is_ok();
    let index = own.or_else(|| OWNERS.iter().position(free))?;
    let place = STACKS[index].0.get().cast::<Stack>();
    let stack = Stack { start: place as usize, flags: 0, pad: 0, size: SIZE };
    // SAFETY: the stack is this thread's.
    unsafe { place.write(stack) };
    Some(place as usize)
}

/// Whether a stack is one of these.
pub(super) fn is_ours(stack: &Stack) -> bool {
    let start = STACKS.as_ptr() as usize;
    (start..start + size_of_val(&STACKS)).contains(&stack.start)
}

/// Ends the calling thread, which may be standing on one of these: nothing of it is touched from the moment it is free.
pub(super) fn exit(status: usize) -> ! {
    const SIG_SETMASK: usize = 2;
    let tid = sys::gettid();
    let nobody = AtomicU32::new(0);
    let owner = OWNERS.iter().find(|owner| owner.load(Relaxed) == tid).unwrap_or(&nobody);
    let all = u64::MAX;
    call(nr::RT_SIGPROCMASK, [SIG_SETMASK, &raw const all as usize, 0, 8, 0, 0]);
    // SAFETY: a store to an atomic of ours, and the end.
    unsafe {
        asm!("mov dword ptr [{owner}], 0", "syscall", "ud2",
            owner = in(reg) owner.as_ptr(), in("rax") nr::EXIT, in("rdi") status, options(noreturn));
    }
}
