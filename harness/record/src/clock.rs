//! The session's clock, and the pairs that map it to CLOCK_MONOTONIC.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use fencelab_abi::{Clock, ClockPair};
use nix::time::{ClockId, clock_gettime};

use crate::pool::Pool;

/// The time stamp counter where it is invariant and the kernel itself goes by it, so that it neither stops nor differs
/// between processors; else CLOCK_MONOTONIC.
pub(crate) fn choose() -> Clock {
    let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if source.is_ok_and(|source| source.trim() == "tsc") && has_invariant_tsc() {
        Clock::Tsc
    } else {
        Clock::Monotonic
    }
}

#[cfg(target_arch = "x86_64")]
fn has_invariant_tsc() -> bool {
    use std::arch::x86_64::__cpuid;
    /// Intel SDM volume 2A, CPUID: leaf 0x80000007, EDX bit 8.
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    #[allow(unused_unsafe, reason = "safe only in newer compilers than the oldest that builds this")]
    // SAFETY: every x86-64 has CPUID.
    unsafe {
        __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx & INVARIANT != 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn has_invariant_tsc() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn tsc() -> u64 {
    // SAFETY: every x86-64 has it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn tsc() -> u64 {
    0
}

fn nanoseconds(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// CLOCK_REALTIME, in nanoseconds.
pub(crate) fn realtime() -> u64 {
    nanoseconds(ClockId::CLOCK_REALTIME)
}

/// This moment on both clocks: the tightest of a few tries, as an interrupt may come between the reads.
pub(crate) fn pair(clock: Clock) -> ClockPair {
    const TRIES: usize = 8;
    let once = || {
        let before = ticks(clock);
        let monotonic = nanoseconds(ClockId::CLOCK_MONOTONIC);
        ClockPair { before, monotonic, after: ticks(clock) }
    };
    let tries = std::iter::repeat_with(once).take(TRIES);
    tries.min_by_key(|pair| pair.after.saturating_sub(pair.before)).unwrap_or_default()
}

/// Now, in the session's ticks.
pub(crate) fn ticks(clock: Clock) -> u64 {
    match clock {
        Clock::Tsc => tsc(),
        Clock::Monotonic => nanoseconds(ClockId::CLOCK_MONOTONIC),
    }
}

/// CLOCK_MONOTONIC at a moment that is not in the future, in nanoseconds.
pub(crate) fn monotonic_at(pool: &Pool, ticks: u64) -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC).saturating_sub(since(pool, ticks).as_nanos() as u64)
}

/// How long ago a moment was, by the rate at which the clock has run since the session began.
pub(crate) fn since(pool: &Pool, ticks: u64) -> Duration {
    let Some(info) = pool.info() else { return Duration::ZERO };
    let (Some(clock), [Some(first), _]) = (info.clock, info.pairs) else { return Duration::ZERO };
    let now = pair(clock);
    let ticks_passed = now.before.saturating_sub(first.before);
    let passed = now.monotonic.saturating_sub(first.monotonic);
    let ago = u128::from(now.before.saturating_sub(ticks)) * u128::from(passed);
    Duration::from_nanos((ago / u128::from(ticks_passed.max(1))) as u64)
}

/// The session's `clock` file.
pub(crate) struct Pairs(File);

impl Pairs {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        File::create_new(path).map(Self)
    }

    /// Appends a pair.
    pub(crate) fn add(&mut self, pair: &ClockPair) -> io::Result<()> {
        self.0.write_all(&pair.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_in_order() {
        let clock = choose();
        let (first, second) = (pair(clock), pair(clock));
        assert!(first.before <= first.after && first.after <= second.before);
        assert!(first.monotonic <= second.monotonic);
    }

    #[test]
    fn pairs_are_appended_as_the_format_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        let mut pairs = Pairs::create(&path).unwrap();
        let written = [pair(Clock::Monotonic), pair(Clock::Monotonic)];
        written.iter().for_each(|pair| pairs.add(pair).unwrap());
        let bytes = std::fs::read(&path).unwrap();
        let read: Vec<_> = bytes.chunks(ClockPair::SIZE).filter_map(ClockPair::decode).collect();
        assert_eq!(read, written);
    }
}
