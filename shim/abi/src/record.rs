//! One record.

use crate::bytes::{u32_at, u64_at};
use crate::pool::SLOT_SIZE;

/// Bits of [`Slot::flags`].
pub mod flags {
    /// The payload begins with the ioctl's argument.
    pub const ARG: u8 = 1;
    /// The argument or something it points to could not be read safely before the call and is missing.
    pub const UNREAD: u8 = 2;
    /// The result is the shim's: fault mode.
    pub const FAULT: u8 = 4;
    /// The call was delayed by fault mode.
    pub const DELAYED: u8 = 8;
    /// Written by a task that shares its parent's memory and thread pointer (vfork, clone with CLONE_VM): the chunk is
    /// its own, its process header is the parent's.
    pub const BORROWED: u8 = 16;
    /// Made through syscall(2) rather than the function of its name.
    pub const BY_NUMBER: u8 = 32;
    /// The ioctl is not in the table: only the argument's bytes are known.
    pub const UNLISTED: u8 = 64;
}

/// First slot of a record. The slots behind it hold nothing but payload, 64 bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Slot {
    /// Ticks when the call was made.
    pub enter: u64,
    /// Ticks when it returned; 0 in the record of a call that has not.
    pub exit: u64,
    /// The ioctl's request, or what [`crate::Kind`] says.
    pub request: u32,
    /// The fd it was made on.
    pub fd: i32,
    /// What it returned; below zero a negated errno.
    pub result: i32,
    /// The calling thread.
    pub tid: u32,
    /// [`crate::Kind`].
    pub kind: u8,
    /// Slots of the record, this one included.
    pub slots: u8,
    /// See [`flags`].
    pub flags: u8,
    /// [`crate::FdClass`] of `fd`, as the shim knew it before the call.
    pub class: u8,
    /// First bytes of the payload.
    pub payload: [u8; INLINE],
    /// [`commit_word`] once the record is whole.
    pub commit: u32,
}

/// Payload bytes in the first slot.
pub const INLINE: usize = 24;

/// Offset of the payload within the first slot.
pub const PAYLOAD_OFFSET: usize = 36;

/// Offset of the commit word.
pub const COMMIT_OFFSET: usize = 60;

/// Slots of the longest record.
pub const MAX_SLOTS: usize = 62;

/// Bytes that a record of that many slots has for payload. Between the first [`INLINE`] bytes and the rest lies the
/// commit word, which is not payload.
pub const fn payload_len(slots: usize) -> usize {
    INLINE + (slots - 1) * SLOT_SIZE
}

/// Slots that a payload of that many bytes needs.
pub const fn slots_for(payload: usize) -> usize {
    if payload <= INLINE { 1 } else { 1 + (payload - INLINE).div_ceil(SLOT_SIZE) }
}

/// The one commit word of a valid record at that slot (1 to 127) of a chunk in that generation.
pub const fn commit_word(generation: u32, slot: usize) -> u32 {
    0x8000_0000 | (generation & 0xff_ffff) << 7 | (slot as u32 & 0x7f)
}

impl Slot {
    /// Reads a slot. Whether it is valid is for [`commit_word`] to say.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut payload = [0; INLINE];
        payload.copy_from_slice(bytes.get(PAYLOAD_OFFSET..COMMIT_OFFSET)?);
        let [kind, slots, flags, class] = u32_at(bytes, 32)?.to_le_bytes();
        Some(Self {
            enter: u64_at(bytes, 0)?,
            exit: u64_at(bytes, 8)?,
            request: u32_at(bytes, 16)?,
            fd: u32_at(bytes, 20)? as i32,
            result: u32_at(bytes, 24)? as i32,
            tid: u32_at(bytes, 28)?,
            kind,
            slots,
            flags,
            class,
            payload,
            commit: u32_at(bytes, COMMIT_OFFSET)?,
        })
    }
}

/// Finds the next record in a chunk's bytes at or behind slot `from` (1 for the first): its slot, and the index of
/// that slot. It is whole and fits the chunk.
pub fn next_record(chunk: &[u8], generation: u32, from: usize) -> Option<(usize, Slot)> {
    let count = chunk.len() / SLOT_SIZE;
    (from..count).find_map(|index| Some((index, record_at(chunk, generation, index)?)))
}

/// The record whose first slot that is, if there is a valid one.
pub fn record_at(chunk: &[u8], generation: u32, index: usize) -> Option<Slot> {
    let slot = Slot::decode(chunk.get(index * SLOT_SIZE..(index + 1) * SLOT_SIZE)?)?;
    let slots = usize::from(slot.slots);
    let fits = (1..=MAX_SLOTS).contains(&slots) && index + slots <= chunk.len() / SLOT_SIZE;
    (slot.commit == commit_word(generation, index) && fits).then_some(slot)
}

/// The payload of the record at slot `index` of a chunk's bytes, in its two pieces.
pub fn payload<'a>(chunk: &'a [u8], index: usize, slot: &Slot) -> Option<(&'a [u8], &'a [u8])> {
    let start = index * SLOT_SIZE;
    let first = chunk.get(start + PAYLOAD_OFFSET..start + COMMIT_OFFSET)?;
    let rest = chunk.get(start + SLOT_SIZE..start + usize::from(slot.slots) * SLOT_SIZE)?;
    Some((first, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn layout_is_the_documented_one() {
        assert_eq!(size_of::<Slot>(), SLOT_SIZE);
        assert_eq!(offset_of!(Slot, kind), 32);
        assert_eq!(offset_of!(Slot, payload), PAYLOAD_OFFSET);
        assert_eq!(offset_of!(Slot, commit), COMMIT_OFFSET);
    }

    #[test]
    fn payloads_fill_slots() {
        for (bytes, slots) in [(0, 1), (24, 1), (25, 2), (88, 2), (89, 3)] {
            assert_eq!(slots_for(bytes), slots, "{bytes} bytes");
            assert!(payload_len(slots) >= bytes, "{bytes} bytes");
        }
    }

    #[test]
    fn a_commit_word_belongs_to_one_slot_of_one_generation() {
        assert_ne!(commit_word(1, 5), commit_word(1, 6));
        assert_ne!(commit_word(1, 5), commit_word(2, 5));
        assert_ne!(commit_word(0, 0), 0);
    }
}
