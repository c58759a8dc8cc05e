//! `include/uapi/drm/drm.h`, GEM and PRIME: handles that a case may get wrong on purpose, which the `drm`
//! crate's types do not allow.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::Result;

/// `DRM_CLOEXEC`.
pub const CLOEXEC: u32 = libc::O_CLOEXEC as u32;
/// `DRM_RDWR`.
pub const RDWR: u32 = libc::O_RDWR as u32;

/// `struct drm_prime_handle`.
#[repr(C)]
struct Prime {
    handle: u32,
    flags: u32,
    fd: i32,
}

/// `struct drm_gem_close`.
#[repr(C)]
struct Close {
    handle: u32,
    pad: u32,
}

mod raw {
    nix::ioctl_write_ptr!(close, b'd', 0x09, super::Close);
    nix::ioctl_readwrite!(handle_to_fd, b'd', 0x2d, super::Prime);
    nix::ioctl_readwrite!(fd_to_handle, b'd', 0x2e, super::Prime);
}

/// `DRM_IOCTL_PRIME_HANDLE_TO_FD`: the dma-buf of a handle; the same one each time while it lives.
///
/// # Errors
/// `EINVAL` for flags other than [`CLOEXEC`] and [`RDWR`], `ENOENT` for an unknown handle, and what the
/// driver's export answers.
pub fn handle_to_fd(card: impl AsFd, handle: u32, flags: u32) -> Result<OwnedFd> {
    let mut arg = Prime { handle, flags, fd: -1 };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::handle_to_fd(card.as_fd().as_raw_fd(), &mut arg) }?;
    // SAFETY: the kernel installed this fd for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(arg.fd) })
}

/// `DRM_IOCTL_PRIME_FD_TO_HANDLE`: the handle of a dma-buf in this file; the same one each time until it is
/// closed, so one [`gem_close`] ends it however often it was imported.
///
/// # Errors
/// `EBADF` for an fd that is not open, `EINVAL` for one that is no dma-buf, and what attaching and the
/// driver's import answer.
pub fn fd_to_handle(card: impl AsFd, fd: RawFd) -> Result<u32> {
    let mut arg = Prime { handle: 0, flags: 0, fd };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::fd_to_handle(card.as_fd().as_raw_fd(), &mut arg) }?;
    Ok(arg.handle)
}

/// `DRM_IOCTL_GEM_CLOSE`.
///
/// # Errors
/// `EINVAL` for an unknown handle.
pub fn gem_close(card: impl AsFd, handle: u32) -> Result<()> {
    let arg = Close { handle, pad: 0 };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    unsafe { raw::close(card.as_fd().as_raw_fd(), &arg) }.map(drop)
}
