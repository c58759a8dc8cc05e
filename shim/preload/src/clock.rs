//! Ticks.

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};

use fencelab_abi::{Clock, ClockPair};

use crate::sys;

const CLOCK_MONOTONIC: i32 = 1;
const NR_CLOCK_GETTIME: usize = 228;

static TSC: AtomicBool = AtomicBool::new(true);

/// Ticks and the monotonic clock at one moment, and how many ticks a nanosecond has, shifted left by so many bits: set when the
/// time stamp counter may no longer be read, but its ticks are what the session counts in. A rate of 0: the clock stands still.
static ANCHOR: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// Whether [`ANCHOR`] is set.
static DERIVED: AtomicBool = AtomicBool::new(false);

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

/// From now on the time stamp counter is not read: who does so may be killed. `from`: an earlier moment on both clocks.
#[cold]
pub fn leave_tsc(from: ClockPair) {
    if !is_tsc() {
        return;
    }
    // The vDSO reads the counter too.
    CLOCK_GETTIME.store(0, Relaxed);
    let [ticks, time] = if crate::readable::may_ask() { [tsc(), monotonic()] } else { [tsc(), 0] };
    let [went, passed] = [ticks.wrapping_sub(from.after), time.saturating_sub(from.monotonic)];
    let shift = went.leading_zeros();
    let rate = (went << (shift & 63)).checked_div(passed).unwrap_or(0);
    for (place, value) in ANCHOR.iter().zip([ticks, time, rate, shift.into()]) {
        place.store(value, Relaxed);
    }
    DERIVED.store(true, Relaxed);
    TSC.store(false, Release);
    crate::session::leave_usual();
}

/// Ticks by the monotonic clock.
fn derived() -> u64 {
    let [ticks, time, rate, shift] = [0, 1, 2, 3].map(|at: usize| ANCHOR[at].load(Relaxed));
    if rate == 0 || !crate::readable::may_ask() {
        return ticks;
    }
    ticks + ((u128::from(read_monotonic() - time) * u128::from(rate)) >> shift) as u64
}

#[cold]
fn monotonic() -> u64 {
    if DERIVED.load(Relaxed) { derived() } else { read_monotonic() }
}

fn read_monotonic() -> u64 {
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
