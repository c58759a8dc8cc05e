//! Memory maps of buffers, and the patterns that show whether the right bytes arrived.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap};

use crate::case::Stop;
use crate::must::Must;

/// A shared map, unmapped on drop. It is kept out of forked children, whose copy would hold the buffer alive.
/// The memory is shared with devices and other maps, so every access is volatile and nobody gets a slice.
#[derive(Debug)]
pub struct Map {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the map is plain shared memory, reached by volatile accesses alone; any thread may own it.
unsafe impl Send for Map {}

impl Map {
    /// Maps `len` bytes of `fd` from `offset` on, for reading and writing.
    ///
    /// # Errors
    /// What `mmap(2)` answers; `EINVAL` for a length of 0.
    pub fn shared(fd: impl AsFd, offset: u64, len: usize) -> nix::Result<Map> {
        Self::with(fd, offset, len, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE)
    }

    /// Maps `len` bytes of `fd` for reading alone, as an fd that is not writable allows: a write to it is a SIGSEGV.
    ///
    /// # Errors
    /// As [`Map::shared`].
    pub fn read_only(fd: impl AsFd, len: usize) -> nix::Result<Map> {
        Self::with(fd, 0, len, ProtFlags::PROT_READ)
    }

    fn with(fd: impl AsFd, offset: u64, len: usize, access: ProtFlags) -> nix::Result<Map> {
        let size = NonZeroUsize::new(len).ok_or(nix::errno::Errno::EINVAL)?;
        let offset = libc::off_t::try_from(offset).map_err(|_| nix::errno::Errno::EOVERFLOW)?;
        // SAFETY: a new map at an address of the kernel's choice touches no other memory.
        let start = unsafe { mmap(None, size, access, MapFlags::MAP_SHARED, fd, offset) }?;
        // SAFETY: the advice concerns the map that was just made.
        unsafe { madvise(start, len, MmapAdvise::MADV_DONTFORK) }?;
        Ok(Map { start: start.cast(), len })
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where it lies in this process's memory.
    pub fn address(&self) -> u64 {
        self.start.addr().get() as u64
    }

    /// Whether the map has no bytes, which no map has.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes the pattern of `seed` over the first `len` bytes.
    pub fn fill(&mut self, seed: u64, len: usize) {
        for (index, word) in Pattern::new(seed).take(len.min(self.len) / 8).enumerate() {
            // SAFETY: the index is below the map's length, and page alignment aligns the words.
            unsafe { self.start.cast::<u64>().add(index).write_volatile(word) };
        }
    }

    /// Writes these words from the beginning on; what does not fit is left out.
    pub fn write(&mut self, words: &[u32]) {
        for (index, &word) in words.iter().take(self.len / 4).enumerate() {
            // SAFETY: the index is below the map's length, and page alignment aligns the words.
            unsafe { self.start.cast::<u32>().add(index).write_volatile(word) };
        }
    }

    /// The 64-bit word of this index.
    ///
    /// # Panics
    /// Beyond the map.
    pub fn word(&self, index: usize) -> u64 {
        assert!(index < self.len / 8, "word {index} of a map of {} bytes", self.len);
        // SAFETY: the index is below the map's length, and page alignment aligns the words.
        unsafe { self.start.cast::<u64>().add(index).read_volatile() }
    }

    /// Whether all of it repeats this word: the offset of the first that is another, with what is there.
    pub fn other_than(&self, word: u64) -> Option<(usize, u64)> {
        (0..self.len / 8).map(|index| (index * 8, self.word(index))).find(|(_, found)| *found != word)
    }

    /// The offset of the first word in the first `len` bytes that is not of `seed`'s pattern, with both words.
    pub fn differs(&self, seed: u64, len: usize) -> Option<(usize, u64, u64)> {
        self.differs_in(u64::MAX, seed, len)
    }

    /// As [`Map::differs`], in the bits of `mask` alone.
    pub fn differs_in(&self, mask: u64, seed: u64, len: usize) -> Option<(usize, u64, u64)> {
        Pattern::new(seed).take(len.min(self.len) / 8).enumerate().find_map(|(index, expected)| {
            // SAFETY: the index is below the map's length, and page alignment aligns the words.
            let found = unsafe { self.start.cast::<u64>().add(index).read_volatile() };
            ((found ^ expected) & mask != 0).then_some((index * 8, expected, found))
        })
    }

    /// FNV-1a over the first `len` bytes, word by word.
    pub fn checksum(&self, len: usize) -> u64 {
        (0..len.min(self.len) / 8).fold(0xcbf2_9ce4_8422_2325, |hash, index| {
            // SAFETY: the index is below the map's length, and page alignment aligns the words.
            let word = unsafe { self.start.cast::<u64>().add(index).read_volatile() };
            (hash ^ word).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The physical page behind the first one of the map; none where the page is not mapped at this moment. Root alone is told
    /// (`/proc/PID/pagemap`, fs/proc/task_mmu.c).
    ///
    /// # Errors
    /// Skips where the kernel tells nothing, fails where the file cannot be read.
    pub fn frame(&self) -> Result<Option<u64>, Stop> {
        /// `PM_PRESENT` and `PM_PFRAME_MASK`.
        const PRESENT: u64 = 1 << 63;
        const FRAME: u64 = (1 << 55) - 1;
        let Ok(pages) = File::open("/proc/self/pagemap") else {
            return Err(Stop::skip("this kernel has no /proc/PID/pagemap"));
        };
        let mut entry = [0; 8];
        let at = (self.start.addr().get() / 4096 * 8) as u64;
        pages.read_exact_at(&mut entry, at).must("read /proc/self/pagemap")?;
        let entry = u64::from_le_bytes(entry);
        match entry & FRAME {
            _ if entry & PRESENT == 0 => Ok(None),
            0 => Err(Stop::skip("/proc/PID/pagemap tells no page numbers to this user")),
            frame => Ok(Some(frame)),
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the map is ours and nobody holds a reference into it.
        let _ = unsafe { munmap(self.start.cast(), self.len) };
    }
}

/// A stream of words that differs for every seed and position (SplitMix64), so that a shifted, stale or
/// foreign page never passes for the right one.
#[derive(Debug, Clone)]
pub struct Pattern(u64);

impl Pattern {
    /// The pattern of this seed.
    pub fn new(seed: u64) -> Self {
        Pattern(seed)
    }
}

impl Iterator for Pattern {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::memfd::{MFdFlags, memfd_create};

    fn two_maps() -> (Map, Map) {
        let memfd = memfd_create("map", MFdFlags::MFD_CLOEXEC).unwrap();
        nix::unistd::ftruncate(&memfd, 8192).unwrap();
        (Map::shared(&memfd, 0, 8192).unwrap(), Map::shared(&memfd, 0, 8192).unwrap())
    }

    #[test]
    fn what_one_map_writes_the_other_reads() {
        let (mut writer, reader) = two_maps();
        writer.fill(7, 8192);
        assert_eq!(reader.differs(7, 8192), None);
        assert_eq!(reader.checksum(8192), writer.checksum(8192));
    }

    #[test]
    fn a_wrong_word_is_found_where_it_is() {
        let (mut writer, reader) = two_maps();
        writer.fill(7, 8192);
        let right = reader.checksum(8192);
        writer.fill(8, 16);
        assert_eq!(reader.differs(7, 8192).map(|(offset, ..)| offset), Some(0));
        writer.fill(7, 8);
        assert_eq!(reader.differs(7, 8192).map(|(offset, ..)| offset), Some(8));
        assert_ne!(reader.checksum(8192), right);
    }

    #[test]
    fn a_word_that_is_not_the_one_repeated_is_found() {
        let (mut writer, reader) = two_maps();
        assert_eq!(reader.other_than(0), None);
        writer.write(&[0, 0, 7, 1]);
        assert_eq!(reader.other_than(0), Some((8, 1 << 32 | 7)));
        assert_eq!(reader.word(1), 1 << 32 | 7);
    }

    #[test]
    fn a_shifted_page_differs() {
        let (mut writer, reader) = two_maps();
        writer.fill(7, 4096);
        let page: Vec<u64> = Pattern::new(7).skip(1).take(8).collect();
        assert_ne!(page, Pattern::new(7).take(8).collect::<Vec<_>>());
        assert!(reader.differs(7, 8192).is_some_and(|(offset, ..)| offset == 4096));
    }
}
