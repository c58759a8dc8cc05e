//! `DRM_IOCTL_MODE_ADDFB2` of `include/uapi/drm/drm_mode.h`: framebuffers of several planes and with modifiers. The `drm`
//! crate's panics where flag and modifier disagree, which is one of the things that a driver must refuse.

use std::os::fd::AsFd;

use nix::Result;

use super::call;

/// `DRM_MODE_FB_MODIFIERS`: the modifiers count.
pub const MODIFIERS: u32 = 1 << 1;
/// `DRM_FORMAT_MOD_LINEAR`.
pub const LINEAR: u64 = 0;
/// `DRM_FORMAT_MOD_INVALID`: no modifier is known.
pub const INVALID: u64 = 0x00ff_ffff_ffff_ffff;
/// Vendor 0xfc, which is nobody's in `include/uapi/drm/drm_fourcc.h`.
pub const NOBODYS: u64 = 0xfc00_0000_0000_0001;

super::layout! {
    /// `struct drm_mode_fb_cmd2`.
    FbCmd2, "struct drm_mode_fb_cmd2" {
        fb_id: u32,
        width: u32,
        height: u32,
        pixel_format: u32,
        flags: u32,
        handles: [u32; 4],
        pitches: [u32; 4],
        offsets: [u32; 4],
        modifier: [u64; 4],
    }
}

const _: () = assert!(size_of::<FbCmd2>() == 104);

/// The request's number.
pub const ADDFB2: libc::Ioctl = nix::request_code_readwrite!(b'd', 0xb8, size_of::<FbCmd2>());

/// Adds a framebuffer: its id.
///
/// # Errors
/// As `drm_internal_framebuffer_create()` and the driver: `EINVAL` for a layout that cannot be, or a modifier that no plane
/// shows; `ENOENT` for an unknown handle.
pub fn add(card: impl AsFd, command: &FbCmd2) -> Result<u32> {
    let mut argument = *command;
    // SAFETY: it is this request's struct and holds no address.
    unsafe { call(card, ADDFB2, &mut argument) }?;
    Ok(argument.fb_id)
}
