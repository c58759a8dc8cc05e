//! The clocks that messages use.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC, in microseconds: the kernel log's clock as near as the kernel keeps it.
pub(crate) fn monotonic_us() -> u64 {
    micros(ClockId::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME, in microseconds.
pub(crate) fn realtime_us() -> u64 {
    micros(ClockId::CLOCK_REALTIME)
}

fn micros(clock: ClockId) -> u64 {
    // Both clocks are always there.
    let now = clock_gettime(clock).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
