//! exec: the new program knows nothing of us, so the recorder is asked to come along.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};

use fencelab_abi::pool::request::{REFUSED, TRACED};

use super::dispatch::call;
use crate::sys::{self, nr};
use crate::{readable, session};

type Strings = *const *const c_char;

const AT_FDCWD: usize = -100isize as usize;
const FUTEX_WAIT: usize = 0;
const FUTEX_WAKE: usize = 1;
/// A request that was not answered: the recorder is gone.
static ALONE: AtomicBool = AtomicBool::new(false);
/// A SIGSYS that we send ourselves, so that the tracer sees it and lets go, may arrive.
static WITHDRAWN: AtomicBool = AtomicBool::new(false);

/// Whether a SIGSYS that the thread sent itself is ours.
pub(super) fn is_withdrawn() -> bool {
    WITHDRAWN.load(Relaxed)
}

/// execve, in the real one's place.
pub(super) extern "C" fn execve(path: *const c_char, arguments: Strings, environment: Strings) -> c_int {
    let args = [path as usize, arguments as usize, environment as usize, 0, 0, 0];
    escorted(AT_FDCWD, path as usize, 0, nr::EXECVE, args)
}

/// execveat, in the real one's place.
pub(super) extern "C" fn execveat(
    folder: c_int,
    path: *const c_char,
    arguments: Strings,
    environment: Strings,
    flags: c_int,
) -> c_int {
    let args = [folder as usize, path as usize, arguments as usize, environment as usize, flags as usize, 0];
    escorted(folder as usize, path as usize, flags as usize, nr::EXECVEAT, args)
}

fn escorted(folder: usize, path: usize, flags: usize, number: usize, args: [usize; 6]) -> c_int {
    let traced = may_be_traced(folder, path, flags) && ask();
    let result = call(number, args);
    if traced {
        withdraw();
    }
    result as c_int
}

/// Whether the exec can work, and a tracer would change nothing: the kernel gives a traced program no privileges from
/// set-user-ID bits or capabilities.
fn may_be_traced(folder: usize, path: usize, flags: usize) -> bool {
    const X_OK: usize = 1;
    const SET_ID: u64 = 0o6000;
    if !readable::may_ask() || ALONE.load(Relaxed) {
        return false;
    }
    let mut stat = [0u64; 18];
    let stated = call(nr::NEWFSTATAT, [folder, path, stat.as_mut_ptr() as usize, flags, 0, 0]) == 0;
    // struct stat: the mode is at 24 (arch/x86/include/uapi/asm/stat.h).
    let privileged = stat[3] & SET_ID != 0 || (folder == AT_FDCWD && has_capabilities(path));
    stated && !privileged && call(nr::FACCESSAT2, [folder, path, X_OK, flags | 0x200, 0, 0]) != -13
}

fn has_capabilities(path: usize) -> bool {
    let name = c"security.capability".as_ptr() as usize;
    call(nr::GETXATTR, [path, name, 0, 0, 0, 0]) > 0
}

/// Asks the recorder to trace the calling thread, and waits until it does.
fn ask() -> bool {
    let pool = session::pool();
    let tid = sys::gettid();
    let free = |slot: &&AtomicU32| slot.compare_exchange(0, tid, AcqRel, Relaxed).is_ok();
    let Some(slot) = pool.requests.iter().find(free) else { return false };
    pool.bell.fetch_add(1, AcqRel);
    call(nr::FUTEX, [pool.bell.as_ptr() as usize, FUTEX_WAKE, 1, 0, 0, 0]);
    let answer = wait(slot, tid);
    slot.store(0, Release);
    if answer == tid {
        ALONE.store(true, Relaxed);
    }
    answer & (TRACED | REFUSED) == TRACED
}

/// Waits for an answer, for 5 seconds at most.
fn wait(slot: &AtomicU32, tid: u32) -> u32 {
    const TRIES: usize = 500;
    let pause = [0u64, 10_000_000];
    for _ in 0..TRIES {
        let word = slot.load(Acquire);
        if word != tid {
            return word;
        }
        call(nr::FUTEX, [slot.as_ptr() as usize, FUTEX_WAIT, tid as usize, pause.as_ptr() as usize, 0, 0]);
    }
    // The recorder must not trace us later, when nobody waits for it.
    slot.compare_exchange(tid, 0, AcqRel, Acquire).map_or_else(|answer| answer, |_| tid)
}

/// The exec has failed: a signal that only the tracer sees tells it to let go.
fn withdraw() {
    const SIGSYS: usize = 31;
    WITHDRAWN.store(true, Relaxed);
    call(nr::TGKILL, [sys::getpid() as usize, sys::gettid() as usize, SIGSYS, 0, 0, 0]);
}
