//! Small numbers that name the parts of a session.

use fencelab_abi::{CHUNK_SIZE, SLOT_SIZE};

/// Slots of a chunk.
const SLOTS: u32 = (CHUNK_SIZE / SLOT_SIZE) as u32;

/// Chunks that [`RecordId`] can name: 256 GiB of trace.
pub(crate) const MAX_CHUNKS: u32 = u32::MAX / SLOTS;

/// A record's place in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordId(u32);

impl RecordId {
    /// `chunk` is below [`MAX_CHUNKS`], `slot` within a chunk.
    pub(crate) fn new(chunk: u32, slot: usize) -> Self {
        Self(chunk * SLOTS + slot as u32)
    }

    pub(crate) fn chunk(self) -> u32 {
        self.0 / SLOTS
    }

    pub(crate) fn slot(self) -> usize {
        (self.0 % SLOTS) as usize
    }
}

/// A thread of a session: its index in [`crate::Session::threads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u32);

/// A process of a session: its index in [`crate::Session::processes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// A call: the how-manieth of its thread. Stable while a live session grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// Its thread.
    pub thread: ThreadId,
    /// Its index among that thread's calls.
    pub index: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_its_id() {
        let id = RecordId::new(MAX_CHUNKS - 1, 127);
        assert_eq!((id.chunk(), id.slot()), (MAX_CHUNKS - 1, 127));
    }
}
