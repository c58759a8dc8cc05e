//! `include/uapi/linux/dma-buf.h`: CPU access, names, and fences in and out of a dma-buf's reservation.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::Result;

/// `DMA_BUF_SYNC_READ`: reading; on a fence, one that later writers must wait for.
pub const READ: u32 = 1;
/// `DMA_BUF_SYNC_WRITE`: writing; on a fence, one that everybody must wait for.
pub const WRITE: u32 = 2;
/// `DMA_BUF_SYNC_RW`.
pub const RW: u32 = READ | WRITE;
/// `DMA_BUF_SYNC_START`: CPU access begins; waits for the implicit fences.
pub const START: u32 = 0;
/// `DMA_BUF_SYNC_END`: CPU access ends.
pub const END: u32 = 4;
/// `DMA_BUF_NAME_LEN`: a name with its terminating zero is at most this long.
pub const NAME_LEN: usize = 32;

/// `struct dma_buf_sync`.
#[repr(C)]
struct Sync {
    flags: u64,
}

/// `struct dma_buf_export_sync_file` and `struct dma_buf_import_sync_file`, which look alike.
#[repr(C)]
struct SyncFile {
    flags: u32,
    fd: i32,
}

mod raw {
    nix::ioctl_write_ptr!(sync, b'b', 0, super::Sync);
    // DMA_BUF_SET_NAME_B, whose size is that of a u64; the kernel takes the argument itself as the string.
    nix::ioctl_write_ptr!(set_name, b'b', 1, u64);
    nix::ioctl_readwrite!(export_sync_file, b'b', 2, super::SyncFile);
    nix::ioctl_write_ptr!(import_sync_file, b'b', 3, super::SyncFile);
}

/// `DMA_BUF_IOCTL_SYNC`: begins ([`START`]) or ends ([`END`]) CPU access of [`READ`], [`WRITE`] or both.
///
/// # Errors
/// `EINVAL` for other flags or none of read and write; `EINTR` where a signal ends the wait for fences.
pub fn sync(fd: impl AsFd, flags: u32) -> Result<()> {
    let arg = Sync { flags: flags.into() };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    unsafe { raw::sync(fd.as_fd().as_raw_fd(), &arg) }.map(drop)
}

/// `DMA_BUF_SET_NAME`: names the buffer in `/proc/self/fdinfo` and debugfs.
///
/// # Errors
/// `EINVAL` for a name that does not fit into [`NAME_LEN`] bytes with its zero.
pub fn set_name(fd: impl AsFd, name: &CStr) -> Result<()> {
    // SAFETY: the kernel reads a string that ends in zero, at most NAME_LEN bytes of it, and keeps a copy.
    unsafe { raw::set_name(fd.as_fd().as_raw_fd(), name.as_ptr().cast()) }.map(drop)
}

/// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`: a snapshot of the fences that a reader ([`READ`]) or a writer
/// ([`WRITE`]) of this moment would have to wait for.
///
/// # Errors
/// `EINVAL` for other flags or none.
pub fn export_sync_file(fd: impl AsFd, flags: u32) -> Result<OwnedFd> {
    let mut arg = SyncFile { flags, fd: -1 };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::export_sync_file(fd.as_fd().as_raw_fd(), &mut arg) }?;
    // SAFETY: the kernel installed this fd for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(arg.fd) })
}

/// `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`: adds the fences of `sync_file` as those of a reader or a writer.
///
/// # Errors
/// `EINVAL` for other flags or none, and for an fd that is no sync file.
pub fn import_sync_file(fd: impl AsFd, flags: u32, sync_file: impl AsFd) -> Result<()> {
    let arg = SyncFile { flags, fd: sync_file.as_fd().as_raw_fd() };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    unsafe { raw::import_sync_file(fd.as_fd().as_raw_fd(), &arg) }.map(drop)
}
