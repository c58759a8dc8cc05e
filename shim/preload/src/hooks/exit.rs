//! A process's end, where it ends itself: stored in its header, so that it costs no record and none can take its place.
//!
//! A return from main and exit() are told of by on_exit's handler, which is registered before any of the program's and so
//! runs behind them all. Signals' deaths are the recorder's to note.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fencelab_abi::Kind;

use super::about_to;
use crate::sys::{self, nr};
use crate::{borrow, real, ring, session};

/// Whether libc calls [`on_exit`].
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Asks libc to say when exit is through with everything else. At the process's start; musl has no on_exit.
pub fn register() {
    type Handler = extern "C" fn(c_int, *mut c_void);
    if real::address(0, real::Function::OnExit) != 0 {
        let result = real!(
            0,
            OnExit,
            fn(Handler, *mut c_void) -> c_int,
            on_exit as Handler,
            core::ptr::null_mut::<c_void>()
        );
        REGISTERED.store(result == 0, Relaxed);
    }
}

extern "C" fn on_exit(status: c_int, _: *mut c_void) {
    tell(status);
}

/// `void exit(int status)`.
pub fn exit(namespace: usize, status: c_int) -> ! {
    if !REGISTERED.load(Relaxed) {
        tell(status);
    }
    real!(namespace, Exit, fn(c_int) -> c_int, status);
    end(status)
}

/// `void quick_exit(int status)`.
pub fn quick_exit(namespace: usize, status: c_int) -> ! {
    tell(status);
    real!(namespace, QuickExit, fn(c_int) -> c_int, status);
    end(status)
}

/// `void _exit(int status)`.
pub fn exit_at_once(namespace: usize, status: c_int) -> ! {
    tell(status);
    real!(namespace, ExitAtOnce, fn(c_int) -> c_int, status);
    end(status)
}

/// Where libc had nothing to call.
#[cold]
fn end(status: c_int) -> ! {
    loop {
        // SAFETY: the program asks for it.
        unsafe { sys::syscall(nr::EXIT_GROUP, [status as usize, 0, 0, 0, 0, 0]) };
    }
}

/// Notes that the process is about to end with that status.
#[cold]
pub fn tell(status: c_int) {
    told(status, true);
}

/// Notes that the calling thread is about to end, where it is a process of its own that borrows another's memory.
#[cold]
pub fn thread_ends(status: c_int) {
    told(status, false);
}

fn told(status: c_int, process: bool) {
    let Some(thread) = ring::thread() else { return };
    let status = (status as u32 & 0xff) << 8;
    // SAFETY: the calling thread's block.
    let (busy, tid) = unsafe { ((*thread).busy, (*thread).tid) };
    if busy & borrow::BORROWED != 0 {
        ring::write(&about_to(Kind::Exit, -1, status));
    } else if process {
        session::exits(status, tid);
    }
}
