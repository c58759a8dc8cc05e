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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            stuck: Duration::from_secs(3),
            slow_wake: Duration::from_millis(20),
            predict: true,
        }
    }
}
