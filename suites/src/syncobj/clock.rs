//! Absolute times as sync object waits take them: nanoseconds of `CLOCK_MONOTONIC`.

use nix::time::{ClockId, clock_gettime};

use crate::case::Stop;
use crate::must::Must;

/// Long enough for anything that must happen, short enough that a wait which nobody ends does not outlive its case.
pub(super) const PATIENCE_MS: i64 = 10_000;

/// Now.
pub(super) fn now_ns() -> Result<i64, Stop> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).must("read the monotonic clock")?;
    Ok(now.tv_sec() * 1_000_000_000 + now.tv_nsec())
}

/// `ms` milliseconds from now.
pub(crate) fn in_ms(ms: i64) -> Result<i64, Stop> {
    Ok(now_ns()? + ms * 1_000_000)
}
