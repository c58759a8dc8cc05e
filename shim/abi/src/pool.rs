//! The pool file's header and its chunks' headers, as they lie in shared memory and as a reader decodes them.

use core::fmt;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::bytes::{text_at, u16_at, u32_at, u64_at};
use crate::clock::{Clock, ClockPair};
use crate::fault::Faults;
use crate::{MAGIC, VERSION};

/// Bytes of a slot.
pub const SLOT_SIZE: usize = 64;
/// Bytes of a chunk: its header and 127 slots.
pub const CHUNK_SIZE: usize = 8192;
/// Bytes of the pool's header.
pub const POOL_HEADER_SIZE: usize = 4096;
/// No chunk.
pub const NO_CHUNK: u32 = u32::MAX;

/// What happens when there is no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// New records are dropped and counted.
    Stop = 0,
    /// A thread's oldest records give way to its newest, dead threads' to the living's.
    Flight = 1,
}

/// The header in shared memory. The recorder fills it in before any process starts; afterwards only the atomics
/// and `last_pair` change.
#[repr(C, align(4096))]
pub struct PoolHeader {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: [u16; 2],
    /// [`POOL_HEADER_SIZE`].
    pub header_size: u32,
    /// [`CHUNK_SIZE`].
    pub chunk_size: u32,
    /// Chunks in the file.
    pub chunk_count: u32,
    /// [`Clock`].
    pub clock: u32,
    /// [`Mode`].
    pub mode: u32,
    /// Chunks that one thread may hold in [`Mode::Flight`].
    pub ring_chunks: u32,
    /// Process that records the session.
    pub recorder: u32,
    /// CLOCK_REALTIME at the start, in nanoseconds.
    pub started: u64,
    /// What to do wrong.
    pub faults: Faults,
    /// The boot's id as text, NUL-padded.
    pub boot_id: [u8; 40],
    /// First chunk that was never used. May pass `chunk_count`.
    pub cursor: AtomicU32,
    /// Threads seen; gives each its serial.
    pub threads: AtomicU32,
    /// Records dropped by threads that never got a chunk.
    pub homeless: AtomicU64,
    /// The moment the session began.
    pub first_pair: ClockPair,
    /// The newest moment that the recorder wrote.
    pub last_pair: ClockPair,
    /// Counts requests; who posts one wakes the recorder, which waits here (a futex).
    pub bell: AtomicU32,
    /// Tasks that are about to exec and want the recorder to bring the shim into what they become: see [`request`].
    pub requests: [AtomicU32; REQUESTS],
    /// Filters of system calls that the recorder is under itself (`Seccomp_filters` in /proc/self/status): those of a container,
    /// say. Since format 1.3.
    pub filters: u32,
}

/// Execs that can be asked for at the same time.
pub const REQUESTS: usize = 32;

/// What a word of [`PoolHeader::requests`] holds: 0, or a thread's id with one of these bits once it is answered. The
/// asker waits for the answer (a futex) and sets the word to 0. Since format 1.1.
pub mod request {
    /// The recorder traces the thread and will see its exec.
    pub const TRACED: u32 = 1 << 31;
    /// The recorder cannot trace it.
    pub const REFUSED: u32 = 1 << 30;
    /// The thread's id.
    pub const TID: u32 = REFUSED - 1;
}

/// What a chunk is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ChunkKind {
    /// Nothing yet.
    Free = 0,
    /// Holds a [`crate::ProcessHeader`].
    Process = 1,
    /// Holds a thread's records.
    Records = 2,
}

/// States of a chunk of records.
pub mod state {
    /// Its thread writes, or may write again.
    pub const HELD: u32 = 1;
    /// Its thread is gone, or never used it: in flight mode another may take it.
    pub const ORPHAN: u32 = 2;
}

/// First slot of every chunk.
#[repr(C, align(64))]
pub struct ChunkHeader {
    /// [`ChunkKind`]. Stored last when a chunk is claimed.
    pub kind: AtomicU32,
    /// [`state`].
    pub state: AtomicU32,
    /// How many times the chunk was claimed. Bumped first: what the slots held is void from then on.
    pub generation: AtomicU32,
    /// Chunk of the process.
    pub process: u32,
    /// Process, as its pid namespace numbers it.
    pub pid: u32,
    /// Thread; 0 in a process's chunk.
    pub tid: u32,
    /// The session's serial of the thread: unlike a tid it is never used again.
    pub thread: u32,
    /// The thread's chunk that it filled after this one, or [`NO_CHUNK`].
    pub next: AtomicU32,
    /// The thread's how-manieth claim this is.
    pub sequence: u64,
    /// Records written to earlier uses of the thread's chunks and overwritten since, and records that found no room.
    pub dropped: AtomicU64,
    /// Ticks when it was claimed.
    pub claimed: u64,
    /// Zero.
    pub reserved: [u32; 2],
}

/// Why bytes are no session of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// Shorter than a header.
    Short,
    /// Another file.
    Magic,
    /// A newer major version than this reader's, or none.
    Version(u16, u16),
    /// Sizes that cannot be.
    Geometry,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(f, "the file is shorter than a trace's header"),
            Self::Magic => write!(f, "the file is no fencelab trace"),
            Self::Version(major, minor) => {
                write!(f, "the trace has format {major}.{minor}, this reader knows {}.x", VERSION.0)
            }
            Self::Geometry => write!(f, "the trace's header gives sizes that cannot be"),
        }
    }
}

impl core::error::Error for FormatError {}

/// A pool's header, decoded.
#[derive(Clone, Copy, Debug)]
pub struct PoolInfo<'a> {
    /// Minor version.
    pub minor: u16,
    /// Bytes before the first chunk.
    pub header_size: usize,
    /// Bytes of a chunk.
    pub chunk_size: usize,
    /// Chunks in the file.
    pub chunk_count: u32,
    /// Chunks that were ever used: those below this index.
    pub chunks_used: u32,
    /// What a tick is; `None`: a clock newer than this version.
    pub clock: Option<Clock>,
    /// Whether old records give way to new ones.
    pub mode: Mode,
    /// Process that recorded.
    pub recorder: u32,
    /// CLOCK_REALTIME at the start, in nanoseconds.
    pub started: u64,
    /// Boot the ticks belong to.
    pub boot_id: &'a [u8],
    /// Records dropped by threads that never got a chunk.
    pub homeless: u64,
    /// First pair, and the newest.
    pub pairs: [Option<ClockPair>; 2],
}

impl<'a> PoolInfo<'a> {
    /// Decodes a pool's first [`POOL_HEADER_SIZE`] bytes.
    ///
    /// # Errors
    ///
    /// See [`FormatError`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FormatError> {
        use core::mem::offset_of as at;
        let head = bytes.get(..POOL_HEADER_SIZE).ok_or(FormatError::Short)?;
        if !head.starts_with(&MAGIC) {
            return Err(FormatError::Magic);
        }
        let word = |at| u32_at(head, at).ok_or(FormatError::Short);
        let long = |at| u64_at(head, at).ok_or(FormatError::Short);
        let half = |at| u16_at(head, at).ok_or(FormatError::Short);
        let (major, minor) = (half(at!(PoolHeader, version))?, half(at!(PoolHeader, version) + 2)?);
        if major != VERSION.0 {
            return Err(FormatError::Version(major, minor));
        }
        let info = Self {
            minor,
            header_size: word(at!(PoolHeader, header_size))? as usize,
            chunk_size: word(at!(PoolHeader, chunk_size))? as usize,
            chunk_count: word(at!(PoolHeader, chunk_count))?,
            chunks_used: word(at!(PoolHeader, cursor))?.min(word(at!(PoolHeader, chunk_count))?),
            clock: Clock::from_u32(word(at!(PoolHeader, clock))?),
            mode: if word(at!(PoolHeader, mode))? == Mode::Flight as u32 { Mode::Flight } else { Mode::Stop },
            recorder: word(at!(PoolHeader, recorder))?,
            started: long(at!(PoolHeader, started))?,
            boot_id: text_at(head, at!(PoolHeader, boot_id), 40).ok_or(FormatError::Short)?,
            homeless: long(at!(PoolHeader, homeless))?,
            pairs: [at!(PoolHeader, first_pair), at!(PoolHeader, last_pair)]
                .map(|at| ClockPair::decode(head.get(at..)?)),
        };
        let sane = info.header_size >= POOL_HEADER_SIZE
            && info.chunk_size >= 2 * SLOT_SIZE
            && info.chunk_size <= CHUNK_SIZE
            && info.chunk_size & (SLOT_SIZE - 1) == 0;
        if sane { Ok(info) } else { Err(FormatError::Geometry) }
    }

    /// Where chunk `index` lies in the file.
    pub fn chunk_range(&self, index: u32) -> core::ops::Range<usize> {
        let start = self.header_size + index as usize * self.chunk_size;
        start..start + self.chunk_size
    }
}

/// A chunk's header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkInfo {
    /// What it is used for.
    pub kind: ChunkKind,
    /// How many times it was claimed.
    pub generation: u32,
    /// Chunk of the process.
    pub process: u32,
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// The thread's serial.
    pub thread: u32,
    /// The thread's how-manieth claim this is.
    pub sequence: u64,
    /// The thread's records that are gone.
    pub dropped: u64,
    /// Ticks when it was claimed.
    pub claimed: u64,
}

impl ChunkInfo {
    /// Decodes a chunk's first slot; `None` if it is cut short, or of a kind that this version does not know.
    pub fn decode(chunk: &[u8]) -> Option<Self> {
        use core::mem::offset_of as at;
        let kind = match u32_at(chunk, at!(ChunkHeader, kind))? {
            0 => ChunkKind::Free,
            1 => ChunkKind::Process,
            2 => ChunkKind::Records,
            _ => return None,
        };
        Some(Self {
            kind,
            generation: u32_at(chunk, at!(ChunkHeader, generation))?,
            process: u32_at(chunk, at!(ChunkHeader, process))?,
            pid: u32_at(chunk, at!(ChunkHeader, pid))?,
            tid: u32_at(chunk, at!(ChunkHeader, tid))?,
            thread: u32_at(chunk, at!(ChunkHeader, thread))?,
            sequence: u64_at(chunk, at!(ChunkHeader, sequence))?,
            dropped: u64_at(chunk, at!(ChunkHeader, dropped))?,
            claimed: u64_at(chunk, at!(ChunkHeader, claimed))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::size_of;

    fn header(major: u16) -> [u8; POOL_HEADER_SIZE] {
        let mut bytes = [0; POOL_HEADER_SIZE];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&major.to_le_bytes());
        bytes[12..16].copy_from_slice(&(POOL_HEADER_SIZE as u32).to_le_bytes());
        bytes[16..20].copy_from_slice(&(CHUNK_SIZE as u32).to_le_bytes());
        bytes
    }

    #[test]
    fn headers_have_their_sizes() {
        assert_eq!(size_of::<PoolHeader>(), POOL_HEADER_SIZE);
        assert_eq!(size_of::<ChunkHeader>(), SLOT_SIZE);
    }

    #[test]
    fn a_newer_major_is_refused_by_name() {
        let error = PoolInfo::decode(&header(VERSION.0 + 1)).err();
        assert_eq!(error, Some(FormatError::Version(VERSION.0 + 1, 0)));
        assert!(PoolInfo::decode(&header(VERSION.0)).is_ok());
    }

    #[test]
    fn foreign_and_short_files_are_refused() {
        assert_eq!(PoolInfo::decode(&[0; POOL_HEADER_SIZE]).err(), Some(FormatError::Magic));
        assert_eq!(PoolInfo::decode(&MAGIC).err(), Some(FormatError::Short));
    }
}
