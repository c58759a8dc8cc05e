//! `include/uapi/drm/vgem_drm.h`: fences that user space puts on a vgem buffer and signals.

use std::os::fd::{AsFd, AsRawFd};

use nix::Result;

/// `VGEM_FENCE_WRITE`: the fence of a writer; without it, of a reader.
pub const FENCE_WRITE: u32 = 1;

/// `struct drm_vgem_fence_attach`.
#[repr(C)]
struct Attach {
    handle: u32,
    flags: u32,
    out_fence: u32,
    pad: u32,
}

/// `struct drm_vgem_fence_signal`.
#[repr(C)]
struct Signal {
    fence: u32,
    flags: u32,
}

mod raw {
    // DRM_COMMAND_BASE is 0x40.
    nix::ioctl_readwrite!(attach, b'd', 0x41, super::Attach);
    nix::ioctl_write_ptr!(signal, b'd', 0x42, super::Signal);
}

/// `DRM_IOCTL_VGEM_FENCE_ATTACH`: puts a fence on the buffer that signals with [`fence_signal`], when the
/// file is closed, or by itself after 10 s (`drivers/gpu/drm/vgem/vgem_fence.c`).
///
/// # Errors
/// `EBUSY` while the buffer has a fence that conflicts, `ENOENT` for an unknown handle, `EINVAL` for other flags.
pub fn fence_attach(card: impl AsFd, handle: u32, flags: u32) -> Result<u32> {
    let mut arg = Attach { handle, flags, out_fence: 0, pad: 0 };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::attach(card.as_fd().as_raw_fd(), &mut arg) }?;
    Ok(arg.out_fence)
}

/// `DRM_IOCTL_VGEM_FENCE_SIGNAL`: signals and forgets the fence.
///
/// # Errors
/// `ENOENT` for an unknown fence, `ETIMEDOUT` for one that had expired.
pub fn fence_signal(card: impl AsFd, fence: u32) -> Result<()> {
    let arg = Signal { fence, flags: 0 };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    unsafe { raw::signal(card.as_fd().as_raw_fd(), &arg) }.map(drop)
}
