//! Ticks.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use fencelab_abi::Clock;

use crate::sys;

const CLOCK_MONOTONIC: i32 = 1;
const NR_CLOCK_GETTIME: usize = 228;

static TSC: AtomicBool = AtomicBool::new(true);

/// libc's clock_gettime, which reads the vDSO; 0 while it is not known.
static CLOCK_GETTIME: AtomicUsize = AtomicUsize::new(0);

/// Takes the clock that the session was recorded with so far.
pub fn choose(clock: Option<Clock>, clock_gettime: usize) {
    TSC.store(clock == Some(Clock::Tsc), Relaxed);
    CLOCK_GETTIME.store(clock_gettime, Relaxed);
}

/// Whether ticks are those of the time stamp counter.
#[inline(always)]
pub fn is_tsc() -> bool {
    TSC.load(Relaxed)
}

/// The time stamp counter. Neither rdtscp nor a fence: a call's own entry into the kernel and return from it keep the two looks
/// apart, and what slips past one are a few of our own instructions.
#[inline(always)]
pub fn tsc() -> u64 {
    // SAFETY: every x86-64 has it; the recorder chose it because it is invariant.
    unsafe { _rdtsc() }
}

/// The time, in the session's ticks.
#[inline]
pub fn now() -> u64 {
    if is_tsc() { tsc() } else { monotonic() }
}

#[cold]
fn monotonic() -> u64 {
    let mut time = [0u64; 2];
    let address = CLOCK_GETTIME.load(Relaxed);
    if address == 0 {
        let args = [CLOCK_MONOTONIC as usize, time.as_mut_ptr() as usize, 0, 0, 0, 0];
        // SAFETY: a timespec of ours.
        unsafe { sys::syscall(NR_CLOCK_GETTIME, args) };
    } else {
        // SAFETY: the address is libc's clock_gettime.
        unsafe {
            let clock_gettime: extern "C" fn(i32, *mut u64) -> i32 = core::mem::transmute(address);
            clock_gettime(CLOCK_MONOTONIC, time.as_mut_ptr());
        }
    }
    time[0] * 1_000_000_000 + time[1]
}
