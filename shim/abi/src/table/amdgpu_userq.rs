//! amdgpu's user queues, which came with Linux 6.16. The counts of sync objects have 16 bits, as the header of 7.2 has them:
//! what was above them in the first one, which gave them 64 and 32, must be zero now.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Flags, Makes, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, MEMORY_FENCE, OVERWRITES, SUBMITS, USER_QUEUE};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/amdgpu_drm.h";
const DRIVER: Driver = Driver::Amdgpu;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 3] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_USERQ", "union drm_amdgpu_userq", (b'd', 0x56), 72)
        .effects(BLOCKS | OVERWRITES | USER_QUEUE)
        .fields(&[
            field("in.op", 0, 4, Plain),
            field("in.queue_id", 4, 4, Uses(Object::Queue)),
            field("in.ip_type", 8, 4, Plain),
            field("in.doorbell_handle", 12, 4, Uses(Object::Gem)),
            field("in.doorbell_offset", 16, 4, Plain),
            field("in.flags", 20, 4, Flags),
            field("in.queue_va", 24, 8, Plain),
            field("in.queue_size", 32, 8, Plain),
            field("in.rptr_va", 40, 8, Plain),
            field("in.wptr_va", 48, 8, Plain),
            field("in.mqd", 56, 8, Pointer),
            field("in.mqd_size", 64, 8, Plain),
            field("out.queue_id", 0, 4, Makes(Object::Queue)),
            field("out._pad", 4, 4, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_USERQ_SIGNAL",
        "struct drm_amdgpu_userq_signal",
        (b'd', 0x57),
        48,
    )
    .effects(BLOCKS | SUBMITS | USER_QUEUE)
    .fields(&[
        field("queue_id", 0, 4, Uses(Object::Queue)),
        field("pad", 4, 4, Plain),
        field("syncobj_handles", 8, 8, Pointer),
        field("num_syncobj_handles", 16, 2, Count),
        field("bo_read_handles", 24, 8, Pointer),
        field("bo_write_handles", 32, 8, Pointer),
        field("num_bo_read_handles", 40, 4, Count),
        field("num_bo_write_handles", 44, 4, Count),
    ])
    .follow(&[
        follow("syncobj_handles", 8, Field(16, 2), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
        follow("bo_read_handles", 24, Field(40, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
        follow("bo_write_handles", 32, Field(44, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_USERQ_WAIT",
        "struct drm_amdgpu_userq_wait",
        (b'd', 0x58),
        72,
    )
    .effects(BLOCKS | MEMORY_FENCE | USER_QUEUE)
    .fields(&[
        field("waitq_id", 0, 4, Uses(Object::Queue)),
        field("pad", 4, 4, Plain),
        field("syncobj_handles", 8, 8, Pointer),
        field("syncobj_timeline_handles", 16, 8, Pointer),
        field("syncobj_timeline_points", 24, 8, Pointer),
        field("bo_read_handles", 32, 8, Pointer),
        field("bo_write_handles", 40, 8, Pointer),
        field("num_syncobj_timeline_handles", 48, 2, Count),
        field("num_fences", 50, 2, Count),
        field("num_syncobj_handles", 52, 2, Count),
        field("num_bo_read_handles", 56, 4, Count),
        field("num_bo_write_handles", 60, 4, Count),
        field("out_fences", 64, 8, Pointer),
    ])
    .follow(&[
        follow("syncobj_handles", 8, Field(52, 2), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
        follow(
            "syncobj_timeline_handles",
            16,
            Field(48, 2),
            Array(4),
            &[field("", 0, 4, Uses(Object::Syncobj))],
        ),
        follow("syncobj_timeline_points", 24, Field(48, 2), Array(8), &[field("", 0, 8, Point)]),
        follow("bo_read_handles", 32, Field(56, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
        follow("bo_write_handles", 40, Field(60, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
    ]),
];
