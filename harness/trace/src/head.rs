//! The pool's header.

use std::io;

use fencelab_abi::pool::PoolInfo;
use fencelab_abi::{Clock, ClockPair, FormatError, Mode, POOL_HEADER_SIZE};

use crate::Error;
use crate::id::MAX_CHUNKS;
use crate::source::Source;

/// What a pool's header says of the session.
#[derive(Clone, Debug)]
pub struct Head {
    /// Minor version of its format. What a newer one than this reader's has added is shown as unknown.
    pub minor: u16,
    /// What a tick is; `None`: a clock that this version does not know.
    pub clock: Option<Clock>,
    /// Whether old records give way to new ones.
    pub mode: Mode,
    /// Process that recorded.
    pub recorder: u32,
    /// CLOCK_REALTIME at the start, in nanoseconds.
    pub started: u64,
    /// The boot that the ticks belong to.
    pub boot_id: String,
    /// Records dropped by threads that never got a chunk.
    pub homeless: u64,
    /// Chunks in the pool as it was made.
    pub chunk_count: u32,
    /// Chunks used that the file holds.
    pub chunks_used: u32,
    /// Chunks used that lie behind the file's end.
    pub chunks_cut: u32,
    pub(crate) pairs: [Option<ClockPair>; 2],
    header_size: usize,
    chunk_size: usize,
}

impl Head {
    /// Reads the header. The two clock pairs in it are stored without a lock: the header is read until it holds still.
    pub(crate) fn read(source: &dyn Source) -> Result<Self, Error> {
        const TRIES: usize = 4;
        let mut bytes = header(source)?;
        for _ in 0..TRIES {
            let again = header(source)?;
            if std::mem::replace(&mut bytes, again) == bytes {
                break;
            }
        }
        let info = PoolInfo::decode(&bytes)?;
        if info.chunks_used > MAX_CHUNKS {
            return Err(Error::TooLarge(info.chunks_used));
        }
        let room = source.len()?.saturating_sub(info.header_size as u64) / info.chunk_size as u64;
        let there = u32::try_from(room).unwrap_or(u32::MAX).min(info.chunks_used);
        Ok(Self {
            minor: info.minor,
            clock: info.clock,
            mode: info.mode,
            recorder: info.recorder,
            started: info.started,
            boot_id: String::from_utf8_lossy(info.boot_id).into_owned(),
            homeless: info.homeless,
            chunk_count: info.chunk_count,
            chunks_used: there,
            chunks_cut: info.chunks_used - there,
            pairs: info.pairs,
            header_size: info.header_size,
            chunk_size: info.chunk_size,
        })
    }

    pub(crate) fn chunk_at(&self, index: u32) -> u64 {
        self.header_size as u64 + u64::from(index) * self.chunk_size as u64
    }

    pub(crate) fn chunk_size(&self) -> usize {
        self.chunk_size
    }
}

fn header(source: &dyn Source) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; POOL_HEADER_SIZE];
    let got = source.read_at(0, &mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Format(FormatError::Short),
        _ => Error::Read(error),
    })?;
    bytes.truncate(got);
    Ok(bytes)
}
