//! DRM's own ioctls that buffers, fences and sync objects go through: `include/uapi/drm/drm.h` and `drm_mode.h` of Linux 6.12.

use super::call::{Call, call};
use super::field::Field::{Bits, Count, Fd, Handle, Handles, Id, One, Point, Time, Words, Zero};

/// Those of every device.
pub(super) const CORE: &[Call] = &[
    // GEM_CLOSE
    call(0x09, &[(Handle, 4), (Zero, 4)]),
    // PRIME_HANDLE_TO_FD, FD_TO_HANDLE
    call(0x2d, &[(Handle, 4), (One(&[0o2000000, 0o2000002]), 4), (Zero, 4)]),
    call(0x2d, &[(Handle, 4), (One(&[0o2000002]), 4), (Zero, 4)]),
    call(0x2e, &[(Zero, 4), (Zero, 4), (Fd, 4)]),
    call(0x2e, &[(Zero, 4), (Zero, 4), (Fd, 4)]),
    // MODE_CREATE_DUMB: height, width, bits, flags; MODE_MAP_DUMB; MODE_DESTROY_DUMB
    call(
        0xb2,
        &[
            (One(&[1, 16, 64]), 4),
            (One(&[1, 16, 64]), 4),
            (One(&[32, 8, 24]), 4),
            (Zero, 4),
            (Zero, 8),
            (Zero, 8),
        ],
    ),
    call(0xb3, &[(Handle, 4), (Zero, 4), (Zero, 8)]),
    call(0xb4, &[(Handle, 4)]),
    // SYNCOBJ_CREATE, DESTROY, HANDLE_TO_FD, FD_TO_HANDLE
    call(0xbf, &[(Zero, 4), (One(&[0, 0, 1]), 4)]),
    call(0xbf, &[(Zero, 4), (Zero, 4)]),
    call(0xc0, &[(Id, 4), (Zero, 4)]),
    call(0xc1, &[(Id, 4), (One(&[0, 1]), 4), (Zero, 4), (Zero, 4)]),
    call(0xc2, &[(Id, 4), (One(&[0, 1]), 4), (Fd, 4), (Zero, 4)]),
    // SYNCOBJ_WAIT: handles, until when, how many, flags
    call(0xc3, &[(Handles, 8), (Time, 8), (Count, 4), (Bits(0x7), 4), (Zero, 4), (Zero, 4)]),
    // SYNCOBJ_RESET, SIGNAL
    call(0xc4, &[(Handles, 8), (Count, 4), (Zero, 4)]),
    call(0xc5, &[(Handles, 8), (Count, 4), (Zero, 4)]),
    // SYNCOBJ_TIMELINE_WAIT: handles, points, until when, how many, flags
    call(0xca, &[(Handles, 8), (Handles, 8), (Time, 8), (Count, 4), (Bits(0xf), 4), (Zero, 4), (Zero, 4)]),
    // SYNCOBJ_QUERY: handles, points, how many, flags
    call(0xcb, &[(Handles, 8), (Words, 8), (Count, 4), (Bits(1), 4)]),
    // SYNCOBJ_TRANSFER: from, to, their points, flags
    call(0xcc, &[(Id, 4), (Id, 4), (Point, 8), (Point, 8), (Bits(2), 4), (Zero, 4)]),
    // SYNCOBJ_TIMELINE_SIGNAL: handles, points, how many
    call(0xcd, &[(Handles, 8), (Handles, 8), (Count, 4), (Zero, 4)]),
];

/// Where an argument counts sync objects, by the ioctl's number. DRM allocates as many as it is told of and lets the page
/// allocator warn of more than a million (drm_syncobj_array_find(), drivers/gpu/drm/drm_syncobj.c): a bug, and known.
pub(super) fn count_at(number: u8) -> Option<usize> {
    match number {
        0xc4 | 0xc5 => Some(8),
        0xc3 | 0xcb | 0xcd => Some(16),
        0xca => Some(24),
        _ => None,
    }
}
