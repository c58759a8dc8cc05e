//! The pool, as the recorder has it mapped.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::fault::Faults;
use fencelab_abi::pool::{PoolInfo, REQUESTS, state};
use fencelab_abi::process::{PROCESS_OFFSET, ProcessHeader};
use fencelab_abi::{
    CHUNK_SIZE, ChunkHeader, Clock, ClockPair, MAGIC, POOL_HEADER_SIZE, PoolHeader, SLOT_SIZE, VERSION,
};
use fencelab_trace::Source;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::clock;
use crate::session::Geometry;

/// A mapped pool. Unmapped when dropped; the file stays.
pub(crate) struct Pool {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the value; what other processes change is read as atomics or as bytes that may be anything.
unsafe impl Send for Pool {}

// SAFETY: through a shared reference, atomics are used and bytes are copied that may be anything.
unsafe impl Sync for Pool {}

impl Source for Pool {
    fn len(&self) -> io::Result<u64> {
        Ok(self.len as u64)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(at).unwrap_or(usize::MAX).min(self.len);
        let len = out.len().min(self.len - start);
        out[..len].copy_from_slice(self.bytes(start..start + len));
        Ok(len)
    }
}

impl Pool {
    /// Maps a file of the right size and writes its header.
    pub(crate) fn create(
        file: &File,
        chunk_count: u32,
        clock: Clock,
        geometry: Geometry,
        faults: Faults,
    ) -> io::Result<Self> {
        let len = POOL_HEADER_SIZE + chunk_count as usize * CHUNK_SIZE;
        let size = NonZeroUsize::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, where the kernel likes.
        let base =
            unsafe { mmap(None, size, access, MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE, file, 0)? };
        let pool = Self { base: base.cast(), len };
        let mut boot_id = [0; 40];
        let text = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let text = text.trim_ascii();
        boot_id[..text.len().min(39)].copy_from_slice(&text[..text.len().min(39)]);
        let pair = clock::pair(clock);
        let header = PoolHeader {
            magic: MAGIC,
            version: [VERSION.0, VERSION.1],
            header_size: POOL_HEADER_SIZE as u32,
            chunk_size: CHUNK_SIZE as u32,
            chunk_count,
            clock: clock as u32,
            mode: geometry.mode as u32,
            ring_chunks: (geometry.thread_bytes / CHUNK_SIZE as u64).clamp(2, u64::from(chunk_count)) as u32,
            recorder: std::process::id(),
            started: clock::realtime(),
            faults,
            boot_id,
            cursor: AtomicU32::new(0),
            threads: AtomicU32::new(0),
            homeless: 0.into(),
            first_pair: pair,
            last_pair: pair,
            bell: AtomicU32::new(0),
            requests: [const { AtomicU32::new(0) }; REQUESTS],
            filters: filters(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()),
        };
        // SAFETY: the mapping begins with room for it, page-aligned, and nobody else has it yet.
        unsafe { pool.base.cast::<PoolHeader>().write(header) };
        Ok(pool)
    }

    fn header(&self) -> &PoolHeader {
        // SAFETY: written by `create`; others change only its atomics.
        unsafe { self.base.cast::<PoolHeader>().as_ref() }
    }

    /// The header as a reader decodes it.
    pub(crate) fn info(&self) -> Option<PoolInfo<'_>> {
        PoolInfo::decode(self.bytes(0..POOL_HEADER_SIZE)).ok()
    }

    /// Stores the newest clock pair.
    pub(crate) fn set_pair(&mut self, pair: ClockPair) {
        // SAFETY: only the recorder writes the field; a reader that sees half of it has the `clock` file.
        unsafe { (&raw mut (*self.base.cast::<PoolHeader>().as_ptr()).last_pair).write_volatile(pair) };
    }

    /// Chunks that were ever used.
    pub(crate) fn used(&self) -> u32 {
        self.header().cursor.load(Relaxed).min(self.header().chunk_count)
    }

    /// All chunks there are.
    pub(crate) fn chunk_count(&self) -> u32 {
        self.header().chunk_count
    }

    /// A copy of a chunk, as other processes may be writing it.
    pub(crate) fn chunk(&self, index: u32) -> [u8; CHUNK_SIZE] {
        let mut copy = [0; CHUNK_SIZE];
        let start = POOL_HEADER_SIZE + index as usize * CHUNK_SIZE;
        copy.copy_from_slice(self.bytes(start..start + CHUNK_SIZE));
        copy
    }

    /// A chunk's first slot. It may change meanwhile: whoever reads it takes a whole number at a time.
    pub(crate) fn chunk_head(&self, index: u32) -> &[u8] {
        let start = POOL_HEADER_SIZE + index as usize * CHUNK_SIZE;
        self.bytes(start..start + SLOT_SIZE)
    }

    /// Lets another thread have a chunk whose thread is gone.
    pub(crate) fn orphan(&self, index: u32) {
        let at = POOL_HEADER_SIZE + index as usize * CHUNK_SIZE;
        // SAFETY: within the mapping, aligned; an atomic of it is used.
        let header = unsafe { &*self.base.as_ptr().add(at).cast::<ChunkHeader>() };
        let _ = header.state.compare_exchange(state::HELD, state::ORPHAN, AcqRel, Relaxed);
    }

    /// Notes in a process's chunk that the process is gone, and how it ended, as waitpid gives it. When is what was noted first.
    pub(crate) fn note_gone(&self, index: u32, status: u32) {
        let at = POOL_HEADER_SIZE + index as usize * CHUNK_SIZE + PROCESS_OFFSET;
        assert!(at + size_of::<ProcessHeader>() <= self.len);
        // SAFETY: within the mapping, aligned; atomics of it are used.
        let header = unsafe { &*self.base.as_ptr().add(at).cast::<ProcessHeader>() };
        header.gone_status.store(status, Relaxed);
        let now = self.info().and_then(|info| info.clock).map_or(0, clock::ticks);
        // It says 0 that the process is there.
        let _ = header.gone.compare_exchange(0, now.max(1), Release, Relaxed);
    }

    fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        assert!(range.end <= self.len);
        // SAFETY: within the mapping. Other processes may write at the same time: whoever reads copies at once, and takes
        // what a commit word vouches for.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(range.start), range.len()) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nothing borrowed from it outlives it. An error leaves it mapped.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}

/// How many filters of system calls a process is under whose /proc/PID/status this is. Before Linux 5.9 they are not counted: one.
fn filters(status: &str) -> u32 {
    let number = |name| status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    number("Seccomp_filters:").or_else(|| number("Seccomp:").map(|mode: u32| mode.min(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_counted_as_far_as_the_kernel_tells() {
        assert_eq!(filters("Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t3\n"), 3);
        assert_eq!(filters("Seccomp:\t2\n"), 1);
        assert_eq!(filters("Seccomp:\t0\nSeccomp_filters:\t0\n"), 0);
        assert_eq!(filters(""), 0);
    }
}
