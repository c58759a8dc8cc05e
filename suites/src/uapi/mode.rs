//! `include/uapi/drm/drm_mode.h` and the events of `drm.h`: dumb buffers, page flips and atomic commits, where
//! the `drm` crate hides what a case needs (`user_data`, the order of properties, wrong values, offsets).

use std::os::fd::{AsFd, AsRawFd};

use nix::Result;
use nix::errno::Errno;

/// `DRM_MODE_PAGE_FLIP_EVENT`: send an event when the flip completed.
pub const PAGE_FLIP_EVENT: u32 = 0x01;
/// `DRM_MODE_ATOMIC_TEST_ONLY`: check, change nothing.
pub const TEST_ONLY: u32 = 0x100;
/// `DRM_MODE_ATOMIC_NONBLOCK`: return once the commit is queued.
pub const NONBLOCK: u32 = 0x200;
/// `DRM_MODE_ATOMIC_ALLOW_MODESET`: the commit may turn things on, off or over.
pub const ALLOW_MODESET: u32 = 0x400;
/// `DRM_EVENT_VBLANK`.
pub const EVENT_VBLANK: u32 = 1;
/// `DRM_EVENT_FLIP_COMPLETE`.
pub const EVENT_FLIP_COMPLETE: u32 = 2;

/// `struct drm_mode_create_dumb`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct CreateDumb {
    /// Pixels.
    pub height: u32,
    /// Pixels.
    pub width: u32,
    /// Bits per pixel.
    pub bpp: u32,
    /// None are known.
    pub flags: u32,
    /// The GEM handle, out.
    pub handle: u32,
    /// Bytes from line to line, out.
    pub pitch: u32,
    /// Bytes, out.
    pub size: u64,
}

/// `struct drm_mode_map_dumb`.
#[repr(C)]
struct MapDumb {
    handle: u32,
    pad: u32,
    offset: u64,
}

/// `struct drm_mode_atomic`.
#[repr(C)]
struct Atomic {
    flags: u32,
    count_objs: u32,
    objs_ptr: u64,
    count_props_ptr: u64,
    props_ptr: u64,
    prop_values_ptr: u64,
    reserved: u64,
    user_data: u64,
}

/// `struct drm_mode_crtc_page_flip`.
#[repr(C)]
struct PageFlip {
    crtc_id: u32,
    fb_id: u32,
    flags: u32,
    reserved: u32,
    user_data: u64,
}

mod raw {
    nix::ioctl_readwrite!(create_dumb, b'd', 0xb2, super::CreateDumb);
    nix::ioctl_readwrite!(map_dumb, b'd', 0xb3, super::MapDumb);
    nix::ioctl_readwrite!(page_flip, b'd', 0xb0, super::PageFlip);
    nix::ioctl_readwrite!(atomic, b'd', 0xbc, super::Atomic);
}

/// Whether the driver makes dumb buffers at all: one without answers ENOSYS before it looks at a size (drm_mode_create_dumb() in
/// drm_dumb_buffers.c).
pub fn makes_dumb(card: impl AsFd) -> bool {
    create_dumb(card, 0, 64, 32).err() != Some(Errno::ENOSYS)
}

/// `DRM_IOCTL_MODE_CREATE_DUMB`: a buffer for CPU drawing; the kernel fills in handle, pitch and size.
///
/// # Errors
/// `ENOSYS` from drivers without dumb buffers, `EINVAL` for sizes of 0 or beyond 32 bits.
pub fn create_dumb(card: impl AsFd, width: u32, height: u32, bpp: u32) -> Result<CreateDumb> {
    let mut arg = CreateDumb { height, width, bpp, ..CreateDumb::default() };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::create_dumb(card.as_fd().as_raw_fd(), &mut arg) }?;
    Ok(arg)
}

/// `DRM_IOCTL_MODE_MAP_DUMB`: the offset at which `mmap()` of the card's fd shows the buffer.
///
/// # Errors
/// `EINVAL` for an imported buffer (`drm_gem_dumb_map_offset()`), `ENOENT` for an unknown handle.
pub fn map_dumb(card: impl AsFd, handle: u32) -> Result<u64> {
    let mut arg = MapDumb { handle, pad: 0, offset: 0 };
    // SAFETY: the argument lives over the call and is the struct that this request reads and writes.
    unsafe { raw::map_dumb(card.as_fd().as_raw_fd(), &mut arg) }?;
    Ok(arg.offset)
}

/// `DRM_IOCTL_MODE_PAGE_FLIP`: shows `fb_id` from the next frame on; the event carries `user_data`.
///
/// # Errors
/// `EBUSY` while a flip is pending or the CRTC is off, `ENOENT` for an unknown id, `EINVAL` for bad flags.
pub fn page_flip(card: impl AsFd, crtc_id: u32, fb_id: u32, flags: u32, user_data: u64) -> Result<()> {
    let mut arg = PageFlip { crtc_id, fb_id, flags, reserved: 0, user_data };
    // SAFETY: the argument lives over the call and is the struct that this request reads.
    unsafe { raw::page_flip(card.as_fd().as_raw_fd(), &mut arg) }.map(drop)
}

/// One property of one object in an atomic commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The object's id.
    pub object: u32,
    /// The property's id.
    pub property: u32,
    /// Its value.
    pub value: u64,
}

/// `DRM_IOCTL_MODE_ATOMIC`: sets the properties in this order, all or none.
///
/// # Safety
/// A value that is a pointer for the kernel (`OUT_FENCE_PTR`) must be valid for writing over the call.
///
/// # Errors
/// `EBUSY` for a non-blocking commit ahead of a pending one, `ENOENT` for unknown objects and properties,
/// `EINVAL`, `ERANGE`, `ENOSPC` for bad values.
pub unsafe fn atomic(card: impl AsFd, flags: u32, settings: &[Setting], user_data: u64) -> Result<()> {
    // One entry an object and property: the kernel takes an object twice, and the order stays the case's.
    let objects: Vec<u32> = settings.iter().map(|s| s.object).collect();
    let counts = vec![1u32; settings.len()];
    let properties: Vec<u32> = settings.iter().map(|s| s.property).collect();
    let values: Vec<u64> = settings.iter().map(|s| s.value).collect();
    let mut arg = Atomic {
        flags,
        count_objs: settings.len() as u32,
        objs_ptr: objects.as_ptr() as u64,
        count_props_ptr: counts.as_ptr() as u64,
        props_ptr: properties.as_ptr() as u64,
        prop_values_ptr: values.as_ptr() as u64,
        reserved: 0,
        user_data,
    };
    // SAFETY: the argument and the four arrays live over the call; the caller vouches for pointers in values.
    unsafe { raw::atomic(card.as_fd().as_raw_fd(), &mut arg) }.map(drop)
}

/// `struct drm_event_vblank`, which vblank and flip events have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// [`EVENT_VBLANK`] or [`EVENT_FLIP_COMPLETE`].
    pub kind: u32,
    /// What the commit or wait passed in.
    pub user_data: u64,
    /// When the frame began, in microseconds of `CLOCK_MONOTONIC`.
    pub time_us: u64,
    /// The frame counter of the CRTC; stays 0 on drivers without vblank.
    pub sequence: u32,
    /// The CRTC.
    pub crtc_id: u32,
}

impl Event {
    /// The event at the start of `bytes`, and its length; `None` where less than one vblank event is there.
    pub fn parse(bytes: &[u8]) -> Option<(Event, usize)> {
        let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let length = word(4)? as usize;
        let seconds = u64::from(word(16)?);
        let event = Event {
            kind: word(0)?,
            user_data: u64::from_ne_bytes(bytes.get(8..16)?.try_into().ok()?),
            time_us: seconds * 1_000_000 + u64::from(word(20)?),
            sequence: word(24)?,
            crtc_id: word(28)?,
        };
        (length >= 32 && length <= bytes.len()).then_some((event, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flip_complete() -> Vec<u8> {
        let words = [2u32, 32, 0xcafe, 0xf00d, 3, 500, 77, 41];
        words.iter().flat_map(|w| w.to_ne_bytes()).collect()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_event_is_read_by_the_header_s_layout() {
        let (event, length) = Event::parse(&flip_complete()).unwrap();
        let expected = Event {
            kind: EVENT_FLIP_COMPLETE,
            user_data: 0xf00d_0000_cafe,
            time_us: 3_000_500,
            sequence: 77,
            crtc_id: 41,
        };
        assert_eq!((event, length), (expected, 32));
    }

    #[test]
    fn a_cut_event_is_none() {
        let whole = flip_complete();
        assert!((0..whole.len()).all(|cut| Event::parse(&whole[..cut]).is_none()));
    }
}
