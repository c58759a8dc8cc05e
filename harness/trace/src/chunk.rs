//! One chunk, copied out of a pool that may be written at the same time: the pool as those see it who want all of it at a
//! glance, and no calls put together.

use std::io;

use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::process::ProcessInfo;
use fencelab_abi::record::{COMMIT_OFFSET, next_record, payload, record_at};
use fencelab_abi::{CHUNK_SIZE, ChunkKind, SLOT_SIZE, Slot, commit_word};

use crate::head::Head;
use crate::payload::Payload;
use crate::source::Source;

/// A copy of a chunk in which each valid record is whole.
pub struct Chunk {
    /// Its header.
    pub info: ChunkInfo,
    bytes: Vec<u8>,
    /// The commit words that were there before the bytes were copied.
    committed: [u32; CHUNK_SIZE / SLOT_SIZE],
}

/// The chunks of a pool that were used, one after the other; those that cannot be read or are being claimed are left out.
pub fn chunks(source: &dyn Source) -> impl Iterator<Item = (u32, Chunk)> {
    let head = Head::read(source).ok();
    let used = head.as_ref().map_or(0, |head| head.chunks_used);
    (0..used).filter_map(move |index| {
        let chunk = Chunk::read(source, head.as_ref()?, index, false).ok().flatten()?;
        Some((index, chunk))
    })
}

impl Chunk {
    /// The process that it describes, if it describes one.
    pub fn process(&self) -> Option<ProcessInfo<'_>> {
        if self.info.kind == ChunkKind::Process { ProcessInfo::decode(&self.bytes) } else { None }
    }

    /// Its records, in order: the first slot of each, and the index of that slot.
    pub fn records(&self) -> impl Iterator<Item = (usize, Slot)> {
        let mut from = if self.info.kind == ChunkKind::Records { 1 } else { usize::MAX };
        std::iter::from_fn(move || {
            let (index, slot) = self.next(from)?;
            from = index + usize::from(slot.slots);
            Some((index, slot))
        })
    }

    /// The data of the first section of that id in the record at a slot, which is not an ioctl's.
    pub fn section(&self, index: usize, slot: &Slot, id: u8) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.payload(index, slot, &mut bytes);
        let mut sections = Payload::new(&bytes, 0).sections();
        sections.find(|(section, _)| section.id == id).map(|(_, data)| data.to_vec())
    }

    /// Reads a chunk's header only. `None`: cut short, or of a kind that this version does not know.
    pub(crate) fn peek(source: &dyn Source, head: &Head, index: u32) -> io::Result<Option<ChunkInfo>> {
        let mut bytes = [0; SLOT_SIZE];
        let got = source.read_at(head.chunk_at(index), &mut bytes)?;
        Ok(ChunkInfo::decode(&bytes[..got]))
    }

    /// Copies a chunk. `None`: it is cut short, or was given to somebody else meanwhile.
    ///
    /// A record is stored before its commit word. So the words are taken first, then the records, then the header once
    /// more: what a word of the first look vouches for is whole in the second, if the chunk is still the same one. Where nobody
    /// writes any more to what is asked for (`still`), one look is enough.
    pub(crate) fn read(
        source: &dyn Source,
        head: &Head,
        index: u32,
        still: bool,
    ) -> io::Result<Option<Self>> {
        let at = head.chunk_at(index);
        let mut bytes = vec![0; head.chunk_size()];
        let got = source.read_at(at, &mut bytes)?;
        let Some(info) = ChunkInfo::decode(&bytes[..got]) else { return Ok(None) };
        let committed = std::array::from_fn(|slot| commit_at(&bytes, slot));
        if still {
            bytes.truncate(got);
            return Ok(Some(Self { info, bytes, committed }));
        }
        let again = source.read_at(at, &mut bytes)?;
        bytes.truncate(again.min(got));
        let after = Self::peek(source, head, index)?;
        let same = after.is_some_and(|after| (after.kind, after.generation) == (info.kind, info.generation));
        Ok(same.then_some(Self { info, bytes, committed }))
    }

    /// The next record at or behind slot `from`: its slot's index and its first slot.
    pub(crate) fn next(&self, mut from: usize) -> Option<(usize, Slot)> {
        loop {
            let (index, slot) = next_record(&self.bytes, self.info.generation, from)?;
            if self.committed.get(index) == Some(&slot.commit) {
                return Some((index, slot));
            }
            from = index + 1;
        }
    }

    /// The record at a slot, if it is one.
    pub(crate) fn record(&self, slot: usize) -> Option<Slot> {
        let found = record_at(&self.bytes, self.info.generation, slot)?;
        (self.committed.get(slot) == Some(&found.commit)).then_some(found)
    }

    /// Appends the payload of the record at a slot to `out`.
    pub(crate) fn payload(&self, index: usize, slot: &Slot, out: &mut Vec<u8>) {
        if let Some((first, rest)) = payload(&self.bytes, index, slot) {
            out.extend_from_slice(first);
            out.extend_from_slice(rest);
        }
    }

    /// Slots of the chunk, its header's included.
    pub(crate) fn slots(&self) -> usize {
        self.bytes.len() / SLOT_SIZE
    }

    /// Whether a slot of a chunk that is in its first use holds something: what is there was begun to be written.
    pub(crate) fn is_begun(&self, slot: usize) -> bool {
        let bytes = self.bytes.get(slot * SLOT_SIZE..(slot + 1) * SLOT_SIZE).unwrap_or_default();
        self.info.generation == 1 && bytes.iter().any(|&byte| byte != 0)
    }

    /// All its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The commit word in a slot; one that no record has if the slot is cut short.
fn commit_at(bytes: &[u8], slot: usize) -> u32 {
    const NONE: u32 = 0;
    const _: () = assert!(commit_word(0, 0) != NONE);
    let at = slot * SLOT_SIZE + COMMIT_OFFSET;
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map_or(NONE, u32::from_le_bytes)
}
