//! Memory of this process that cases change under a GPU's feet.

use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::c_void;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};

use crate::case::{Stop, Tested};
use crate::check;
use crate::gpu::PAGE;
use crate::must::Must;

/// Private anonymous pages, kept out of forked children unless a case wants them there.
#[derive(Debug)]
pub(crate) struct Pages {
    start: NonNull<c_void>,
    size: usize,
    /// Something of ours is mapped there.
    mapped: AtomicBool,
}

/// Where the kernel is asked to map them: far from where it maps by itself, so that addresses at which nothing is mapped
/// for a while are taken by nobody else.
static NEXT: AtomicUsize = AtomicUsize::new(0x10_0000_0000);

// SAFETY: plain memory, reached by volatile accesses and system calls alone; any thread may own it.
unsafe impl Send for Pages {}
// SAFETY: as above: what two threads do at once to the memory, the kernel sorts out.
unsafe impl Sync for Pages {}

const READ_WRITE: ProtFlags = ProtFlags::PROT_READ.union(ProtFlags::PROT_WRITE);

/// New pages, at addresses that nobody has.
fn map_new(len: usize) -> Result<NonNull<c_void>, Stop> {
    let size = NonZeroUsize::new(len).ok_or_else(|| Stop::fail("pages without a size"))?;
    let at = NEXT.fetch_add(len.next_multiple_of(1 << 24) + (1 << 24), Ordering::Relaxed);
    // SAFETY: the address is a hint alone: what is mapped there already stays.
    unsafe { mmap_anonymous(NonZeroUsize::new(at), size, READ_WRITE, MapFlags::MAP_PRIVATE) }
        .must("map pages")
}

impl Pages {
    fn at(start: NonNull<c_void>, size: usize) -> Pages {
        Pages { start, size, mapped: AtomicBool::new(true) }
    }

    /// This many, each touched once.
    pub(crate) fn new(count: usize) -> Result<Pages, Stop> {
        let pages = Pages::at(map_new(count * PAGE)?, count * PAGE);
        pages.advise(MmapAdvise::MADV_DONTFORK)?;
        pages.fill(0);
        Ok(pages)
    }

    /// Part of a bigger map, aligned to `align` bytes; the rest of it goes back.
    pub(super) fn aligned(size: usize, align: usize) -> Result<Pages, Stop> {
        let all = map_new(size + align)?;
        let begin = all.addr().get();
        let start = begin.next_multiple_of(align);
        let unmap = |from: usize, len: usize| match NonNull::new(from as *mut c_void) {
            // SAFETY: within the map that was just made and is nobody else's.
            Some(at) if len > 0 => unsafe { munmap(at, len) }.must("unmap pages"),
            _ => Ok(()),
        };
        unmap(begin, start - begin)?;
        unmap(start + size, begin + align - start)?;
        let start = NonNull::new(start as *mut c_void).ok_or_else(|| Stop::fail("a map at address 0"))?;
        Ok(Pages::at(start, size))
    }

    pub(crate) fn start(&self) -> u64 {
        self.start.addr().get() as u64
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn fill(&self, word: u64) {
        for index in 0..self.size / 8 {
            // SAFETY: below the size; the pages are mapped whenever a case calls this.
            unsafe { self.start.cast::<u64>().add(index).write_volatile(word) };
        }
    }

    pub(crate) fn word(&self, index: usize) -> u64 {
        assert!(index < self.size / 8, "word {index} of {} bytes", self.size);
        // SAFETY: below the size; the pages are mapped whenever a case calls this.
        unsafe { self.start.cast::<u64>().add(index).read_volatile() }
    }

    /// How many bytes of it the kernel counts as `field` in /proc/self/smaps (proc_pid_smaps(5)).
    pub(super) fn counted(&self, field: &str) -> Result<u64, Stop> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").must("read /proc/self/smaps")?;
        let map = format!("{:x}-{:x} ", self.start(), self.start() + self.size as u64);
        let count = field_of_map(&smaps, &map, field);
        count.ok_or_else(|| Stop::skip(format!("this kernel does not count {field} in /proc/self/smaps")))
    }

    /// Checks that all of it repeats the word.
    pub(crate) fn holds(&self, word: u64, what: &str) -> Tested {
        let other = (0..self.size / 8).map(|i| (i * 8, self.word(i))).find(|(_, found)| *found != word);
        check!(other.is_none(), "{what}: not {word:#x} throughout, but (offset, word) {other:#x?}");
        Ok(())
    }

    pub(crate) fn advise(&self, advice: MmapAdvise) -> Tested {
        self.try_advise(advice).must(&format!("advise the kernel {advice:?}"))
    }

    pub(super) fn try_advise(&self, advice: MmapAdvise) -> nix::Result<()> {
        // SAFETY: these pages are this value's; what the advice throws away, its case expects to be gone.
        unsafe { madvise(self.start, self.size, advice) }
    }

    /// The first page alone.
    pub(super) fn advise_first(&self, advice: MmapAdvise) -> Tested {
        // SAFETY: as above.
        unsafe { madvise(self.start, PAGE, advice) }.must(&format!("advise the kernel {advice:?}"))
    }

    pub(super) fn protect(&self, writable: bool) -> Tested {
        let access = if writable { READ_WRITE } else { ProtFlags::PROT_READ };
        // SAFETY: the pages are this value's, and nobody writes them while they are read-only.
        unsafe { mprotect(self.start, self.size, access) }.must("change the pages' protection")
    }

    pub(crate) fn unmap(&self) -> Tested {
        // SAFETY: the pages are this value's, and nobody reads them until they are mapped again.
        unsafe { munmap(self.start, self.size) }.must("unmap pages")?;
        self.mapped.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// How to map at these addresses: over what is ours, never over somebody else's.
    fn fixed(&self) -> MapFlags {
        match self.mapped.swap(true, Ordering::Relaxed) {
            true => MapFlags::MAP_FIXED,
            false => MapFlags::MAP_FIXED_NOREPLACE,
        }
    }

    /// New pages full of zeros at the same addresses.
    pub(crate) fn map_over(&self) -> Tested {
        let size = NonZeroUsize::new(self.size).ok_or_else(|| Stop::fail("pages without a size"))?;
        let (at, flags) = (NonZeroUsize::new(self.start.addr().get()), MapFlags::MAP_PRIVATE | self.fixed());
        // SAFETY: the addresses are ours, or free.
        unsafe { mmap_anonymous(at, size, READ_WRITE, flags) }.must("map new pages at the same addresses")?;
        self.advise(MmapAdvise::MADV_DONTFORK)
    }

    /// The pages themselves at other addresses; nothing is mapped at the old ones.
    pub(super) fn move_away(&self) -> Result<Pages, Stop> {
        let target = map_new(self.size)?;
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: both ranges are ours, and nobody reads the old one until it is mapped again.
        let moved =
            unsafe { libc::mremap(self.start.as_ptr(), self.size, self.size, flags, target.as_ptr()) };
        match NonNull::new(moved).filter(|_| moved != libc::MAP_FAILED) {
            Some(start) => {
                self.mapped.store(false, Ordering::Relaxed);
                Ok(Pages::at(start, self.size))
            }
            None => Err(Stop::fail(format!("failed to move pages: {}", Errno::last()))),
        }
    }

    /// A file's pages at the same addresses.
    pub(super) fn map_file_over(&self, file: BorrowedFd<'_>) -> Tested {
        let size = NonZeroUsize::new(self.size).ok_or_else(|| Stop::fail("pages without a size"))?;
        let (at, flags) = (NonZeroUsize::new(self.start.addr().get()), MapFlags::MAP_SHARED | self.fixed());
        // SAFETY: the addresses are this value's.
        unsafe { nix::sys::mman::mmap(at, size, READ_WRITE, flags, file, 0) }.must("map a file").map(drop)
    }
}

/// A field of the map whose line begins with `map`, in bytes: smaps has KiB.
fn field_of_map(smaps: &str, map: &str, field: &str) -> Option<u64> {
    let mut lines = smaps.lines().skip_while(|line| !line.starts_with(map));
    let count = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(count.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

impl Drop for Pages {
    fn drop(&mut self) {
        if *self.mapped.get_mut() {
            // SAFETY: the pages are this value's, and nobody reads them any more.
            let _ = unsafe { munmap(self.start, self.size) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_that_of_its_map() {
        let smaps = "1000-3000 rw-p 00000000 00:00 0\nSize:                  8 kB\nSwap:                  0 kB\n\
                     3000-5000 rw-p 00000000 00:00 0\nSize:                  8 kB\nSwap:                  4 kB\n";
        assert_eq!(field_of_map(smaps, "3000-5000 ", "Swap"), Some(4096));
        assert_eq!(field_of_map(smaps, "1000-3000 ", "Swap"), Some(0));
        assert_eq!(field_of_map(smaps, "5000-6000 ", "Swap"), None);
    }
}
