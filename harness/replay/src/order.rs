//! An order of recorded calls that a replay follows: the witness of a predicted hang.

use fencelab_trace::CallId;

/// Which part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is made.
    Begin,
    /// It has returned.
    End,
}

/// Beginnings and ends of recorded calls, one after the other. Calls made up to [`Order::from_ns`] keep the recorded order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// CLOCK_MONOTONIC in nanoseconds.
    pub from_ns: u64,
    /// What happens from then on.
    pub steps: Vec<(CallId, Moment)>,
}
