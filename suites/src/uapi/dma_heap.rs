//! `include/uapi/linux/dma-heap.h`: dma-bufs from a heap.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::Result;

/// `struct dma_heap_allocation_data`.
#[repr(C)]
struct Allocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

mod raw {
    nix::ioctl_readwrite!(alloc, b'H', 0, super::Allocation);
}

/// `DMA_HEAP_IOCTL_ALLOC`: a dma-buf of `len` bytes, rounded up to pages, all zero. `fd_flags` are
/// `O_CLOEXEC` and an access mode.
///
/// # Errors
/// `EINVAL` for a length of 0 and for other flags.
pub fn alloc(heap: impl AsFd, len: u64, fd_flags: u32, heap_flags: u64) -> Result<OwnedFd> {
    let mut arg = Allocation { len, fd: 0, fd_flags, heap_flags };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::alloc(heap.as_fd().as_raw_fd(), &mut arg) }?;
    // SAFETY: the kernel installed this fd for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(arg.fd as i32) })
}
