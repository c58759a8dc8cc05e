//! Traces that no program made, for tests.

use std::mem::offset_of;

use fencelab_abi::pool::{NO_CHUNK, state};
use fencelab_abi::process::{Entry, PROCESS_OFFSET};
use fencelab_abi::record::{COMMIT_OFFSET, INLINE, PAYLOAD_OFFSET, slots_for};
use fencelab_abi::section::PATH;
use fencelab_abi::{
    CHUNK_SIZE, ChunkHeader, ChunkKind, Kind, MAGIC, POOL_HEADER_SIZE, PoolHeader, ProcessHeader, SLOT_SIZE,
    Slot, VERSION, commit_word, flags,
};
use fencelab_trace::Session;

/// DRM_IOCTL_MODE_ATOMIC, DRM_IOCTL_SYNCOBJ_WAIT, DRM_IOCTL_SYNCOBJ_CREATE.
pub(crate) const ATOMIC: u32 = 0xc038_64bc;
pub(crate) const WAIT: u32 = 0xc020_64c3;
pub(crate) const CREATE: u32 = 0xc008_64bf;
/// DRM_MODE_ATOMIC_NONBLOCK.
pub(crate) const NONBLOCK: u32 = 0x200;

/// A trace in the making: its clock is CLOCK_MONOTONIC, its times are in microseconds.
pub(crate) struct Pool {
    bytes: Vec<u8>,
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

fn put_long(bytes: &mut [u8], at: usize, number: u64) {
    bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
}

impl Pool {
    pub(crate) fn new() -> Pool {
        let mut bytes = vec![0; POOL_HEADER_SIZE];
        bytes[..8].copy_from_slice(&MAGIC);
        put(&mut bytes, offset_of!(PoolHeader, version), u32::from(VERSION.0));
        put(&mut bytes, offset_of!(PoolHeader, header_size), POOL_HEADER_SIZE as u32);
        put(&mut bytes, offset_of!(PoolHeader, chunk_size), CHUNK_SIZE as u32);
        Pool { bytes }
    }

    fn chunk(&mut self, kind: ChunkKind, process: u32, pid: i32, tid: i32) -> usize {
        let index = ((self.bytes.len() - POOL_HEADER_SIZE) / CHUNK_SIZE) as u32;
        let start = self.bytes.len();
        self.bytes.resize(start + CHUNK_SIZE, 0);
        for at in [offset_of!(PoolHeader, chunk_count), offset_of!(PoolHeader, cursor)] {
            put(&mut self.bytes, at, index + 1);
        }
        let chunk = &mut self.bytes[start..];
        put(chunk, offset_of!(ChunkHeader, kind), kind as u32);
        put(chunk, offset_of!(ChunkHeader, state), state::HELD);
        put(chunk, offset_of!(ChunkHeader, generation), 1);
        put(chunk, offset_of!(ChunkHeader, process), process);
        put(chunk, offset_of!(ChunkHeader, pid), pid.cast_unsigned());
        put(chunk, offset_of!(ChunkHeader, tid), tid.cast_unsigned());
        put(chunk, offset_of!(ChunkHeader, thread), index);
        put(chunk, offset_of!(ChunkHeader, next), NO_CHUNK);
        put_long(chunk, offset_of!(ChunkHeader, sequence), 1);
        start
    }

    /// A process that is first seen at a time; the number of its chunk.
    pub(crate) fn process(&mut self, pid: i32, parent: i32, seen_us: u64) -> u32 {
        let index = ((self.bytes.len() - POOL_HEADER_SIZE) / CHUNK_SIZE) as u32;
        let start = self.chunk(ChunkKind::Process, index, pid, 0) + PROCESS_OFFSET;
        let header = &mut self.bytes[start..];
        put(header, offset_of!(ProcessHeader, pid), pid.cast_unsigned());
        put(header, offset_of!(ProcessHeader, parent), parent.cast_unsigned());
        put(header, offset_of!(ProcessHeader, entry), Entry::Preload as u32);
        put(header, offset_of!(ProcessHeader, forked_from), NO_CHUNK);
        put_long(header, offset_of!(ProcessHeader, seen), seen_us * 1000);
        index
    }

    /// A thread's records, in their order.
    pub(crate) fn thread(&mut self, process: u32, pid: i32, tid: i32, calls: &[Made]) {
        let start = self.chunk(ChunkKind::Records, process, pid, tid);
        let mut at = 1;
        for made in calls {
            let slots = slots_for(made.payload.len());
            let slot = &mut self.bytes[start + at * SLOT_SIZE..start + (at + slots) * SLOT_SIZE];
            put_long(slot, offset_of!(Slot, enter), made.enter_us * 1000);
            put_long(slot, offset_of!(Slot, exit), made.exit_us.unwrap_or(0) * 1000);
            put(slot, offset_of!(Slot, request), made.request);
            put(slot, offset_of!(Slot, fd), made.fd.cast_unsigned());
            put(slot, offset_of!(Slot, result), made.result.cast_unsigned());
            put(slot, offset_of!(Slot, tid), tid.cast_unsigned());
            let has_argument = if made.request == 0 { 0 } else { flags::ARG };
            put(
                slot,
                offset_of!(Slot, kind),
                u32::from_le_bytes([made.kind as u8, slots as u8, has_argument, 0]),
            );
            let (first, rest) = made.payload.split_at(made.payload.len().min(INLINE));
            slot[PAYLOAD_OFFSET..PAYLOAD_OFFSET + first.len()].copy_from_slice(first);
            slot[SLOT_SIZE..SLOT_SIZE + rest.len()].copy_from_slice(rest);
            put(slot, COMMIT_OFFSET, commit_word(1, at));
            at += slots;
        }
    }

    pub(crate) fn session(self) -> Session {
        Session::from_pool(self.bytes).unwrap()
    }
}

/// A record.
pub(crate) struct Made {
    kind: Kind,
    enter_us: u64,
    exit_us: Option<u64>,
    request: u32,
    fd: i32,
    result: i32,
    payload: Vec<u8>,
}

impl Made {
    /// An open of a path.
    pub(crate) fn open(at_us: u64, path: &str, fd: i32) -> Made {
        let mut payload = vec![PATH, 0, 0, 0, path.len() as u8, 0, 1, 0];
        payload.extend(path.as_bytes());
        payload.resize(payload.len().next_multiple_of(8), 0);
        Made {
            kind: Kind::Open,
            enter_us: at_us,
            exit_us: Some(at_us),
            request: 0,
            fd: -1,
            result: fd,
            payload,
        }
    }

    /// An ioctl whose argument begins with this word; one that has not returned where there is no end.
    pub(crate) fn ioctl(request: u32, fd: i32, word: u32, enter_us: u64, exit_us: Option<u64>) -> Made {
        let mut payload = vec![0; (request >> 16 & 0x3fff) as usize];
        put(&mut payload, 0, word);
        let kind = if exit_us.is_some() { Kind::Ioctl } else { Kind::IoctlEnter };
        Made { kind, enter_us, exit_us, request, fd, result: 0, payload }
    }

    /// A wait without an end for what will be submitted to a sync object (struct drm_syncobj_wait), which has not returned.
    pub(crate) fn wait(fd: i32, handle: u32, enter_us: u64) -> Made {
        const WAIT_FOR_SUBMIT: u32 = 2;
        let mut made = Made::ioctl(WAIT, fd, 0, enter_us, None);
        put_long(&mut made.payload, 8, i64::MAX.cast_unsigned());
        put(&mut made.payload, 16, 1);
        put(&mut made.payload, 20, WAIT_FOR_SUBMIT);
        // A section of what the first pointer leads to: one handle.
        made.payload.extend([1, 0, 0, 0, 4, 0, 1, 0]);
        made.payload.extend(handle.to_le_bytes());
        made.payload.extend([0; 4]);
        made
    }
}
