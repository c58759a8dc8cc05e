//! What counts as slow.

use std::time::Duration;

/// How long is long.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When nothing at all has moved for so long, it is asked who waits for whom.
    pub quiet: Duration,
    /// A call that lasts so long is looked at even while others move.
    pub stuck: Duration,
    /// A thread that wakes so long after what it waited for is a slow wake.
    pub slow_wake: Duration,
    /// Whether other orders of the same calls are looked at: [`crate::predict`].
    pub predict: bool,
    /// Only calls made between these moments of CLOCK_MONOTONIC, in nanoseconds, change places then; `None`: the last ones.
    pub predict_between: Option<(u64, u64)>,
}

impl Options {
    /// Whether a call made at that moment may change its place.
    pub(crate) fn may_move(&self, ns: u64) -> bool {
        self.predict_between.is_none_or(|(from, until)| (from..=until).contains(&ns))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            stuck: Duration::from_secs(3),
            slow_wake: Duration::from_millis(20),
            predict: true,
            predict_between: None,
        }
    }
}
