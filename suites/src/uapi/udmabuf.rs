//! `include/uapi/linux/udmabuf.h`: dma-bufs from the pages of a memfd.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::Result;

/// `UDMABUF_FLAGS_CLOEXEC`.
pub const CLOEXEC: u32 = 1;

/// `struct udmabuf_create`.
#[repr(C)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

mod raw {
    nix::ioctl_write_ptr!(create, b'u', 0x42, super::Create);
}

/// `UDMABUF_CREATE`: a dma-buf over `size` bytes of `memfd` from `offset` on.
///
/// # Errors
/// `EINVAL` for offsets and sizes off the page grid, a size of 0, and a memfd that is not sealed against
/// shrinking or is sealed against writing; `EBADFD` for an fd that is no memfd.
pub fn create(device: impl AsFd, memfd: impl AsFd, flags: u32, offset: u64, size: u64) -> Result<OwnedFd> {
    let arg = Create { memfd: memfd.as_fd().as_raw_fd() as u32, flags, offset, size };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    let fd = unsafe { raw::create(device.as_fd().as_raw_fd(), &arg) }?;
    // SAFETY: the kernel returned a new fd of ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
