//! Faults that the shim injects on request, to reproduce races. Off unless the session's recorder set a rate.

/// What to do wrong, and how often. All zero: nothing.
///
/// Whether a call is hit depends only on the seed, the thread's serial and the count of its earlier calls, so that
/// a single-threaded program meets the same faults in every run with one seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Faults {
    /// Chooses the calls that are hit.
    pub seed: u64,
    /// Calls in a million that are delayed before they are made.
    pub delay_ppm: u32,
    /// How long, in nanoseconds.
    pub delay_ns: u32,
    /// Blocking calls in a million that fail with EINTR, unmade.
    pub eintr_ppm: u32,
    /// Waits in a million that fail with ETIME, unmade.
    pub etime_ppm: u32,
    /// Signals, resets and submissions in a million that are not made and report success.
    pub drop_ppm: u32,
    /// Zero.
    pub reserved: u32,
}

impl Faults {
    /// Whether any fault can happen.
    pub const fn any(&self) -> bool {
        self.delay_ppm | self.eintr_ppm | self.etime_ppm | self.drop_ppm != 0
    }
}
