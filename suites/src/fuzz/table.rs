//! The drivers' ioctls: `include/uapi/drm/amdgpu_drm.h` and `i915_drm.h` of Linux 6.12.

use super::call::{Call, call};
use super::field::Field::{
    Address, Bits, Count, Handle, Handles, Id, One, Page, Point, Size, Time, Words, Zero,
};

/// All of the amdgpu twin but CS, which `submit_amdgpu` makes.
pub(super) const AMDGPU: &[Call] = &[
    // GEM_CREATE: size, alignment, domains, flags
    call(0x40, &[(Size, 8), (One(&[0, 4096]), 8), (One(&[2, 4, 6, 1]), 8), (Bits(0xffff), 8)]),
    call(0x40, &[(Size, 8), (Zero, 8), (One(&[2, 4]), 8), (One(&[0, 0x40, 0x80]), 8)]),
    // GEM_MMAP
    call(0x41, &[(Handle, 4), (Zero, 4)]),
    // CTX: operation, flags, id, priority
    call(0x42, &[(One(&[1, 1, 2, 3, 4, 5, 6]), 4), (One(&[0, 0, 0, 1, 5]), 4), (Id, 4), (One(&[0, 512]), 4)]),
    // BO_LIST: operation, list, number, size of an entry, entries
    call(0x43, &[(One(&[0, 0, 1, 2]), 4), (Id, 4), (Count, 4), (One(&[8, 8, 4, 16]), 4), (Handles, 8)]),
    // INFO: where to, how much, what
    Call {
        number: 0x45,
        fields: &[(Words, 8), (Size, 4), (Bits(0x3f), 4), (Bits(0x1f), 4), (Count, 4)],
        size: 32,
    },
    // GEM_METADATA: handle, operation
    Call { number: 0x46, fields: &[(Handle, 4), (Count, 4), (Zero, 8), (Zero, 8), (Count, 4)], size: 288 },
    // GEM_WAIT_IDLE: handle, flags, until when
    call(0x47, &[(Handle, 4), (Zero, 4), (Time, 8)]),
    // GEM_VA: handle, operation, flags, address, offset, size
    call(
        0x48,
        &[
            (Handle, 4),
            (Zero, 4),
            (One(&[1, 2, 3, 4]), 4),
            (One(&[0xe, 2, 1, 0x3e]), 4),
            (Address, 8),
            (One(&[0, 4096]), 8),
            (Size, 8),
        ],
    ),
    call(
        0x48,
        &[
            (Handle, 4),
            (Zero, 4),
            (One(&[1, 4]), 4),
            (One(&[0xe]), 4),
            (Address, 8),
            (Zero, 8),
            (One(&[4096]), 8),
        ],
    ),
    // WAIT_CS: number, until when, ring, context
    call(0x49, &[(Count, 8), (Time, 8), (One(&[0, 1, 2]), 4), (Zero, 4), (Count, 4), (Id, 4)]),
    // GEM_OP
    call(0x50, &[(Handle, 4), (Count, 4), (Words, 8)]),
    // GEM_USERPTR: address, size, flags
    call(0x51, &[(Page, 8), (Size, 8), (One(&[9, 0xd, 8, 0xf, 1]), 4), (Zero, 4)]),
    // WAIT_FENCES: fences, how many, all, until when
    call(0x52, &[(Words, 8), (Count, 4), (Count, 4), (Time, 8)]),
    // VM
    call(0x53, &[(Count, 4), (Count, 4)]),
    // FENCE_TO_HANDLE: context, ring, number, as what
    call(0x54, &[(Id, 4), (One(&[0, 1, 2]), 4), (Zero, 4), (Count, 4), (Count, 8), (Count, 4), (Zero, 4)]),
    // SCHED
    call(0x55, &[(Count, 4), (Count, 4), (Zero, 4), (Id, 4)]),
];

/// All of the i915 twin but EXECBUFFER2, which `submit_i915` makes.
pub(super) const I915: &[Call] = &[
    // GETPARAM: which, where to
    call(0x46, &[(Bits(0x3f), 4), (Zero, 4), (Words, 8)]),
    // GEM_BUSY
    call(0x57, &[(Handle, 4), (Zero, 4)]),
    // GEM_CREATE
    call(0x5b, &[(Size, 8), (Zero, 4), (Zero, 4)]),
    // GEM_SET_DOMAIN
    call(0x5f, &[(Handle, 4), (One(&[0, 1, 0x40, 0x80]), 4), (One(&[0, 1, 0x40]), 4)]),
    // GEM_MMAP_OFFSET: handle, offset, how, extensions
    call(0x64, &[(Handle, 4), (Zero, 4), (Zero, 8), (Count, 8), (Zero, 8)]),
    // GEM_WAIT
    call(0x6c, &[(Handle, 4), (Zero, 4), (Time, 8)]),
    // GEM_CONTEXT_CREATE, with and without flags
    call(0x6d, &[(Zero, 4), (Zero, 4)]),
    call(0x6d, &[(Zero, 4), (Count, 4), (Words, 8)]),
    // GEM_CONTEXT_DESTROY
    call(0x6e, &[(Id, 4), (Zero, 4)]),
    // GET_RESET_STATS
    call(0x72, &[(Id, 4), (Zero, 4), (Zero, 8), (Zero, 8)]),
    // GEM_USERPTR: address, size, flags
    call(0x73, &[(Page, 8), (Size, 8), (One(&[0, 1, 2, 3]), 4), (Zero, 4)]),
    // GEM_CONTEXT_GETPARAM and SETPARAM: context, size, which, value
    call(0x74, &[(Id, 4), (Zero, 4), (Bits(0xf), 8), (Point, 8)]),
    call(0x75, &[(Id, 4), (Zero, 4), (One(&[8, 8, 5, 6]), 8), (Point, 8)]),
];
