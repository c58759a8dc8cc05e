//! Sync objects, `include/uapi/drm/drm.h`: the calls of which the `drm` crate cannot make every form (deadlines,
//! timeline points on export, bad arguments).

use std::os::fd::AsRawFd;

use crate::open::DrmFile;

/// Wait for all, not for any.
pub const WAIT_ALL: u32 = 1 << 0;
/// Wait until there is a fence to wait for.
pub const WAIT_FOR_SUBMIT: u32 = 1 << 1;
/// Wait only until there is a fence (timelines, eventfd).
pub const WAIT_AVAILABLE: u32 = 1 << 2;
/// Set `deadline_nsec` on the fences.
pub const WAIT_DEADLINE: u32 = 1 << 3;
/// The fd is a sync file, not a sync object.
pub const SYNC_FILE: u32 = 1 << 0;
/// With [`SYNC_FILE`]: the fence of one timeline point (since 6.16).
pub const TIMELINE: u32 = 1 << 1;
/// Query the last submitted point, not the last signalled one.
pub const LAST_SUBMITTED: u32 = 1 << 0;

/// Declares the argument of one ioctl: its struct, its number below `d`, its name in the header.
macro_rules! argument {
    ($(#[$doc:meta])* $name:ident, $nr:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default)]
        #[allow(missing_docs, reason = "the fields are drm.h's")]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Argument for $name {
            const REQUEST: libc::Ioctl = nix::request_code_readwrite!(b'd', $nr, size_of::<$name>());
        }
    };
}

/// The argument of a sync object ioctl. Implemented only where the struct has the size that the request encodes.
pub trait Argument: Copy {
    /// The request number.
    const REQUEST: libc::Ioctl;
}

argument! {
    /// `struct drm_syncobj_create`.
    Create, 0xbf { handle: u32, flags: u32, }
}
argument! {
    /// `struct drm_syncobj_destroy`.
    Destroy, 0xc0 { handle: u32, pad: u32, }
}
argument! {
    /// `struct drm_syncobj_handle`, for `HANDLE_TO_FD`. Older kernels know it without `point` and ignore what is
    /// behind their own size.
    HandleToFd, 0xc1 { handle: u32, flags: u32, fd: i32, pad: u32, point: u64, }
}
argument! {
    /// `struct drm_syncobj_handle`, for `FD_TO_HANDLE`; see [`HandleToFd`].
    FdToHandle, 0xc2 { handle: u32, flags: u32, fd: i32, pad: u32, point: u64, }
}
argument! {
    /// `struct drm_syncobj_wait`.
    Wait, 0xc3 {
        handles: u64, timeout_nsec: i64, count_handles: u32, flags: u32, first_signaled: u32, pad: u32,
        deadline_nsec: u64,
    }
}
argument! {
    /// `struct drm_syncobj_array`, for `RESET`.
    Reset, 0xc4 { handles: u64, count_handles: u32, pad: u32, }
}
argument! {
    /// `struct drm_syncobj_array`, for `SIGNAL`.
    Signal, 0xc5 { handles: u64, count_handles: u32, pad: u32, }
}
argument! {
    /// `struct drm_syncobj_timeline_wait`.
    TimelineWait, 0xca {
        handles: u64, points: u64, timeout_nsec: i64, count_handles: u32, flags: u32, first_signaled: u32, pad: u32,
        deadline_nsec: u64,
    }
}
argument! {
    /// `struct drm_syncobj_timeline_array`, for `QUERY`.
    Query, 0xcb { handles: u64, points: u64, count_handles: u32, flags: u32, }
}
argument! {
    /// `struct drm_syncobj_transfer`.
    Transfer, 0xcc { src_handle: u32, dst_handle: u32, src_point: u64, dst_point: u64, flags: u32, pad: u32, }
}
argument! {
    /// `struct drm_syncobj_timeline_array`, for `TIMELINE_SIGNAL`.
    TimelineSignal, 0xcd { handles: u64, points: u64, count_handles: u32, flags: u32, }
}
argument! {
    /// `struct drm_syncobj_eventfd`.
    Eventfd, 0xcf { handle: u32, flags: u32, point: u64, fd: i32, pad: u32, }
}

/// Makes the call whose argument this is, once.
///
/// # Errors
/// As the ioctl.
///
/// # Safety
/// Every address in `argument` must be one that the kernel refuses, or that of a live array of the length that
/// `argument` says, writable where the call writes it.
pub unsafe fn call<T: Argument>(file: &DrmFile, argument: &mut T) -> nix::Result<()> {
    // SAFETY: the struct is live and has the size that its request encodes; its addresses are the caller's duty.
    let ret = unsafe { libc::ioctl(file.as_raw_fd(), T::REQUEST, std::ptr::from_mut(argument)) };
    nix::errno::Errno::result(ret).map(drop)
}

/// What to wait for, and for how long.
#[derive(Debug, Clone, Copy, Default)]
pub struct WaitFor {
    /// `WAIT_*`.
    pub flags: u32,
    /// Absolute, `CLOCK_MONOTONIC`; 0 polls.
    pub timeout_ns: i64,
    /// The hint of [`WAIT_DEADLINE`].
    pub deadline_ns: u64,
}

/// `DRM_IOCTL_SYNCOBJ_WAIT`: the index of the first object that ended the wait (means nothing with `WAIT_ALL`).
///
/// # Errors
/// As the ioctl: `ETIME`, `EINTR`, `EINVAL` for an object without a fence.
pub fn wait(file: &DrmFile, handles: &[u32], what: &WaitFor) -> nix::Result<u32> {
    let mut args = Wait {
        handles: handles.as_ptr() as u64,
        timeout_nsec: what.timeout_ns,
        count_handles: handles.len() as u32,
        flags: what.flags,
        deadline_nsec: what.deadline_ns,
        ..Wait::default()
    };
    // SAFETY: the address and the length are those of one live slice, which the kernel only reads.
    unsafe { call(file, &mut args) }.map(|()| args.first_signaled)
}

/// `DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT`, as [`wait`], for a point of each object.
///
/// # Errors
/// As [`wait`].
///
/// # Panics
/// When there are not as many points as handles.
pub fn timeline_wait(file: &DrmFile, handles: &[u32], points: &[u64], what: &WaitFor) -> nix::Result<u32> {
    assert_eq!(handles.len(), points.len());
    let mut args = TimelineWait {
        handles: handles.as_ptr() as u64,
        points: points.as_ptr() as u64,
        timeout_nsec: what.timeout_ns,
        count_handles: handles.len() as u32,
        flags: what.flags,
        deadline_nsec: what.deadline_ns,
        ..TimelineWait::default()
    };
    // SAFETY: the addresses are those of two live slices of the length given, which the kernel only reads.
    unsafe { call(file, &mut args) }.map(|()| args.first_signaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes and offsets from `drm.h`; a wrong one makes the kernel read other fields than we wrote.
    #[test]
    fn the_structs_have_the_kernels_layout() {
        assert_eq!(size_of::<Wait>(), 40);
        assert_eq!(size_of::<TimelineWait>(), 48);
        assert_eq!(size_of::<HandleToFd>(), 24);
        assert_eq!(size_of::<Transfer>(), 32);
        assert_eq!(size_of::<Eventfd>(), 24);
        assert_eq!(std::mem::offset_of!(Wait, deadline_nsec), 32);
        assert_eq!(std::mem::offset_of!(TimelineWait, first_signaled), 32);
        assert_eq!(Signal::REQUEST, 0xc010_64c5);
        assert_eq!(Eventfd::REQUEST, 0xc018_64cf);
    }
}
