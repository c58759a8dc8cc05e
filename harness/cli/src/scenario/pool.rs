//! The pool that a case is recorded into, from within the machine that it runs on.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use anyhow::{Context, Result};
use fencelab_abi::POOL_FILE;
use fencelab_trace::{Session, Source};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Opens the session as it is now.
pub(super) fn open(folder: &Path) -> Result<Session> {
    let path = folder.join(POOL_FILE);
    let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    if FileExt::read_at(&file, &mut [0; 1], 0).is_ok() {
        return Session::open(folder).with_context(|| format!("read the trace {}", folder.display()));
    }
    // A guest's pool is the memory of a PCI device, which sysfs lets be mapped and not be read (drivers/pci/pci-sysfs.c).
    let mapped = Mapped::of(&file).with_context(|| format!("map {}", path.display()))?;
    Session::from_pool(mapped).with_context(|| format!("read the trace {}", path.display()))
}

/// A file's memory.
struct Mapped {
    bytes: &'static [AtomicU8],
}

impl Mapped {
    fn of(file: &File) -> io::Result<Self> {
        let size = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let length = NonZeroUsize::new(size).ok_or_else(|| io::Error::other("it is empty"))?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, 0) }?;
        // SAFETY: the mapping is that long and stays until this value is dropped, which alone has the slice; others write it
        // meanwhile, which atomics allow. A device's memory, unlike a file, cannot be cut short.
        let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr().cast::<AtomicU8>(), size) };
        Ok(Mapped { bytes })
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let start = std::ptr::NonNull::from(self.bytes).cast();
        // SAFETY: the mapping is this value's own, and nothing borrows from it any more.
        let _ = unsafe { munmap(start, self.bytes.len()) };
    }
}

impl Source for Mapped {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let count = rest.len().min(out.len());
        out.iter_mut().zip(rest).for_each(|(to, from)| *to = from.load(Relaxed));
        Ok(count)
    }
}
