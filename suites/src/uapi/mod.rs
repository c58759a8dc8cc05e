//! The kernel interfaces that the cases need and the `drm` crate lacks, one file per kernel header.
//!
//! Every struct names its header. The wrappers take borrowed fds, give owned ones, return [`nix::Result`], and
//! restart nothing: what a call answers, `EINTR` included, is what a case wants to see. Calls go through libc,
//! where a preload shim sees them.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

pub mod amdgpu;
pub mod dma_buf;
pub mod dma_heap;
pub mod fb2;
pub mod i915;
pub mod mode;
pub mod prime;
pub mod sw_sync;
pub mod sync_file;
pub mod syncobj;
pub mod twin;
pub mod udmabuf;
pub mod vgem;
pub mod xe;

/// An address that no process can map, for the pointer fields of a call that must answer `EFAULT`.
pub const BAD_ADDRESS: u64 = 8;

/// Makes an ioctl whose argument lies at [`BAD_ADDRESS`]: the kernel can neither read nor write it.
///
/// # Errors
/// What the kernel answered; `EFAULT` is what a call with an argument should answer.
pub fn ioctl_bad_address(fd: impl AsFd, request: libc::Ioctl) -> nix::Result<()> {
    // SAFETY: the kernel checks the address before it touches it, and nothing is mapped there.
    let ret = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request, BAD_ADDRESS as usize) };
    Errno::result(ret).map(drop)
}

/// A struct of a kernel header, told so that a test can hold it against the header itself.
pub trait Layout {
    /// The header's name of it; empty where the header has none (an anonymous part of a union).
    const C_NAME: &'static str;
    /// Its fields: name, offset and size in bytes.
    const FIELDS: &'static [(&'static str, usize, usize)];
}

/// Declares structs with the fields of a kernel header.
macro_rules! layout {
    ($($(#[$doc:meta])* $name:ident, $c_name:literal { $($field:ident: $type:ty,)* })*) => { $(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default)]
        #[allow(missing_docs, reason = "the fields are the header's")]
        pub struct $name { $(pub $field: $type,)* }

        impl $crate::uapi::Layout for $name {
            const C_NAME: &'static str = $c_name;
            const FIELDS: &'static [(&'static str, usize, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field), size_of::<$type>()),)*];
        }
    )* };
}
pub(crate) use layout;

/// Makes an ioctl once.
///
/// # Errors
/// As the ioctl.
///
/// # Safety
/// `argument` must be the struct that `request` encodes, and every address in it one that the kernel refuses, or that of
/// live memory as long as the call takes it for, writable where the call writes it.
pub unsafe fn call<T>(fd: impl AsFd, request: libc::Ioctl, argument: &mut T) -> nix::Result<()> {
    // SAFETY: the argument is live; the rest is the caller's duty.
    let ret = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request, std::ptr::from_mut(argument)) };
    Errno::result(ret).map(drop)
}

/// A C string field of fixed size, up to its first NUL.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}
