//! Requests to be traced over an exec, in the pool's header: what fencelab-preload's `raw/exec.rs` does, and the answers.

use std::fs::OpenOptions;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering::*};

use fencelab_abi::pool::request::{REFUSED, TID, TRACED};
use fencelab_abi::{POOL_HEADER_SIZE, PoolHeader};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// A pool's header, mapped once more.
pub(crate) struct Requests(NonNull<PoolHeader>);

// SAFETY: only the header's atomics are used.
unsafe impl Send for Requests {}
// SAFETY: as above.
unsafe impl Sync for Requests {}

impl Requests {
    pub(crate) fn open(pool: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(pool)?;
        let len = NonZeroUsize::new(POOL_HEADER_SIZE).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, where the kernel likes.
        let base = unsafe { mmap(None, len, access, MapFlags::MAP_SHARED, file, 0)? };
        Ok(Self(base.cast()))
    }

    fn header(&self) -> &PoolHeader {
        // SAFETY: mapped until this is dropped; others change only its atomics and the clock pair, which is not read here.
        unsafe { self.0.as_ref() }
    }

    /// The count of requests so far.
    pub(crate) fn count(&self) -> u32 {
        self.header().bell.load(Acquire)
    }

    /// Waits until there are more than `seen`, for that long at most.
    pub(crate) fn wait(&self, seen: u32, at_most: std::time::Duration) {
        futex_wait(&self.header().bell, seen, at_most);
    }

    /// Answers every thread that asks: true, it is traced now.
    pub(crate) fn answer(&self, mut trace: impl FnMut(u32) -> bool) {
        for slot in &self.header().requests {
            let tid = slot.load(Acquire);
            if tid == 0 || tid & !TID != 0 {
                continue;
            }
            let answer = tid | if trace(tid) { TRACED } else { REFUSED };
            // One that has stopped waiting is traced for nothing: its exec, or its end, ends that.
            let _ = slot.compare_exchange(tid, answer, AcqRel, Relaxed);
            futex(slot, libc::FUTEX_WAKE, 1, std::ptr::null());
        }
    }

    /// Asks for the calling thread, between fork and exec, and waits for the answer. False: it is not traced.
    pub(crate) fn ask(&self) -> bool {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
        const TRIES: u32 = 500;
        let header = self.header();
        let tid = nix::unistd::gettid().as_raw() as u32;
        let free = |slot: &&AtomicU32| slot.compare_exchange(0, tid, AcqRel, Relaxed).is_ok();
        let Some(slot) = header.requests.iter().find(free) else { return false };
        header.bell.fetch_add(1, AcqRel);
        futex(&header.bell, libc::FUTEX_WAKE, 1, std::ptr::null());
        for _ in 0..TRIES {
            if slot.load(Acquire) != tid {
                break;
            }
            futex_wait(slot, tid, PAUSE);
        }
        slot.swap(0, AcqRel) & (TRACED | REFUSED) == TRACED
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's. An error leaves it mapped.
        let _ = unsafe { munmap(self.0.cast(), POOL_HEADER_SIZE) };
    }
}

fn futex_wait(word: &AtomicU32, value: u32, at_most: std::time::Duration) {
    let time =
        libc::timespec { tv_sec: at_most.as_secs() as i64, tv_nsec: i64::from(at_most.subsec_nanos()) };
    futex(word, libc::FUTEX_WAIT, value, &time);
}

/// futex(2) between processes. Every way it ends is one to look at the word again.
fn futex(word: &AtomicU32, operation: libc::c_int, value: u32, timeout: *const libc::timespec) {
    // SAFETY: the word and the time are there; the call is safe between fork and exec.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, timeout, 0, 0) };
}
