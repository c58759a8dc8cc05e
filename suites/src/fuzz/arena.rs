//! Memory that the kernel may read from and write to as it likes.

use std::num::NonZeroUsize;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, mprotect};

use crate::case::Stop;
use crate::must::Must;
use crate::random::Random;

/// Bytes of the part that arguments point into.
const SCRATCH: usize = 1 << 20;

/// Bytes behind it that an argument's size may claim as well; a page that nobody may touch follows.
const TAIL: usize = 1 << 16;

/// Pages of the part that stands for user memory.
const PAGES: usize = 64;

const PAGE: usize = 4096;

/// Two stretches of memory that nothing else in this process uses. They are never unmapped: the process ends first.
#[derive(Debug)]
pub(super) struct Arena {
    scratch: NonNull<u8>,
    pages: NonNull<u8>,
    used: usize,
}

impl Arena {
    pub(super) fn new() -> Result<Arena, Stop> {
        let scratch = map(SCRATCH + TAIL + PAGE)?;
        // SAFETY: the page is the last one of the map that was just made.
        unsafe { mprotect(scratch.add(SCRATCH + TAIL).cast(), PAGE, ProtFlags::PROT_NONE) }
            .must("protect memory for random calls")?;
        Ok(Arena { scratch, pages: map(PAGES * PAGE)?, used: 0 })
    }

    /// The address of a copy of these words; the oldest copies are overwritten.
    pub(super) fn put(&mut self, words: &[u64]) -> u64 {
        let words = &words[..words.len().min(SCRATCH / 8)];
        if self.used + words.len() * 8 > SCRATCH {
            self.used = 0;
        }
        for (index, word) in words.iter().enumerate() {
            // SAFETY: the word lies inside the scratch memory, which is mapped, writable and ours, at a multiple of 8.
            unsafe { self.scratch.add(self.used + index * 8).cast::<u64>().write_volatile(*word) };
        }
        let at = self.scratch.addr().get() + self.used;
        self.used += words.len() * 8;
        at as u64
    }

    /// The address of a page of user memory, most often one that is there.
    pub(super) fn page(&self, random: &mut Random) -> u64 {
        (self.pages.addr().get() + random.below(PAGES as u64) as usize * PAGE) as u64
    }

    /// Changes what lies behind some pages: they are gone and zero when next touched, or read-only, or writable again.
    pub(super) fn disturb(&self, random: &mut Random) {
        let first = random.below(PAGES as u64) as usize;
        let count = 1 + random.below((PAGES - first) as u64) as usize;
        // SAFETY: the pages lie inside the part for user memory, into which no Rust reference points.
        let start = unsafe { self.pages.add(first * PAGE) }.cast();
        let access = match random.below(4) {
            0 => Some(ProtFlags::PROT_READ),
            1 => Some(ProtFlags::PROT_READ | ProtFlags::PROT_WRITE),
            _ => None,
        };
        // SAFETY: as above; what the pages hold is of no meaning.
        let _ = unsafe {
            match access {
                Some(access) => mprotect(start, count * PAGE, access),
                None => madvise(start, count * PAGE, MmapAdvise::MADV_DONTNEED),
            }
        };
    }
}

fn map(size: usize) -> Result<NonNull<u8>, Stop> {
    let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new map at an address of the kernel's choice touches no other memory.
    let start = unsafe { mmap_anonymous(None, size, access, MapFlags::MAP_PRIVATE) };
    start.map(NonNull::cast).must("map memory for random calls")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_lies_where_it_says_and_room_never_ends() {
        let mut arena = Arena::new().unwrap();
        for round in 0..3 * SCRATCH as u64 / 800 {
            let at = arena.put(&[round; 100]);
            // SAFETY: the address is that of a hundred words that were just written.
            assert_eq!(unsafe { (at as *const u64).add(99).read_volatile() }, round);
        }
        let mut random = Random::new(1);
        for _ in 0..100 {
            assert_eq!(arena.page(&mut random) % PAGE as u64, 0);
            arena.disturb(&mut random);
        }
    }
}
