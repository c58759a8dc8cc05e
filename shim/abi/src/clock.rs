//! The clock that records are stamped with, and what maps it to CLOCK_MONOTONIC.

use crate::bytes::u64_at;

/// What a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Clock {
    /// Nanoseconds of CLOCK_MONOTONIC.
    Monotonic = 0,
    /// The processor's time stamp counter, which the recorder chose because it is invariant and the kernel's
    /// own clock source.
    Tsc = 1,
}

impl Clock {
    /// The clock of that number, if this version knows it.
    pub fn from_u32(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Monotonic),
            1 => Some(Self::Tsc),
            _ => None,
        }
    }
}

/// One moment on both clocks: CLOCK_MONOTONIC read between two reads of the session's clock.
///
/// The moment is in the middle of the two reads; it is known to half their distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ClockPair {
    /// Ticks before CLOCK_MONOTONIC was read.
    pub before: u64,
    /// CLOCK_MONOTONIC, in nanoseconds.
    pub monotonic: u64,
    /// Ticks after it was read.
    pub after: u64,
}

impl ClockPair {
    /// Size of a pair in the `clock` file and in the pool's header.
    pub const SIZE: usize = 24;

    /// Reads one pair; `None` if the bytes are too few or the pair is not filled in.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let pair =
            Self { before: u64_at(bytes, 0)?, monotonic: u64_at(bytes, 8)?, after: u64_at(bytes, 16)? };
        (pair.after != 0).then_some(pair)
    }

    /// The pair as it stands in a file.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.before.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.monotonic.to_le_bytes());
        bytes[16..].copy_from_slice(&self.after.to_le_bytes());
        bytes
    }
}
