//! The panthor driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::Strided;
use crate::ioctl::effect::{BLOCKS, SUBMITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/panthor_drm.h";
const DRIVER: Driver = Driver::Panthor;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 8] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_VM_CREATE",
        "struct drm_panthor_vm_create",
        (b'd', 0x41),
        16,
    )
    .fields(&[
        field("flags", 0, 4, Flags),
        field("id", 4, 4, Makes(Object::Vm)),
        field("user_va_range", 8, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_VM_DESTROY",
        "struct drm_panthor_vm_destroy",
        (b'd', 0x42),
        8,
    )
    .fields(&[field("id", 0, 4, Ends(Object::Vm)), field("pad", 4, 4, Plain)]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_PANTHOR_VM_BIND", "struct drm_panthor_vm_bind", (b'd', 0x43), 24)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("vm_id", 0, 4, Uses(Object::Vm)),
            field("flags", 4, 4, Flags),
            field("ops.stride", 8, 4, Plain),
            field("ops.count", 12, 4, Count),
            field("ops.array", 16, 8, Pointer),
        ])
        .follow(&[follow(
            "ops.array",
            16,
            Field(12, 4),
            Strided(48, 8),
            &[
                field("flags", 0, 4, Flags),
                field("bo_handle", 4, 4, Uses(Object::Gem)),
                field("bo_offset", 8, 8, Plain),
                field("va", 16, 8, Plain),
                field("size", 24, 8, Plain),
                field("syncs.stride", 32, 4, Plain),
                field("syncs.count", 36, 4, Count),
                field("syncs.array", 40, 8, Pointer),
            ],
        )
        .inner(&[follow(
            "syncs.array",
            40,
            Field(36, 4),
            Strided(16, 32),
            &[
                field("flags", 0, 4, Flags),
                field("handle", 4, 4, Uses(Object::Syncobj)),
                field("timeline_value", 8, 8, Point),
            ],
        )])]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_BO_CREATE",
        "struct drm_panthor_bo_create",
        (b'd', 0x45),
        24,
    )
    .fields(&[
        field("size", 0, 8, Plain),
        field("flags", 8, 4, Flags),
        field("exclusive_vm_id", 12, 4, Plain),
        field("handle", 16, 4, Makes(Object::Gem)),
        field("pad", 20, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET",
        "struct drm_panthor_bo_mmap_offset",
        (b'd', 0x46),
        16,
    )
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("pad", 4, 4, Plain),
        field("offset", 8, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_GROUP_CREATE",
        "struct drm_panthor_group_create",
        (b'd', 0x47),
        56,
    )
    .fields(&[
        field("queues.stride", 0, 4, Plain),
        field("queues.count", 4, 4, Plain),
        field("queues.array", 8, 8, Plain),
        field("max_compute_cores", 16, 1, Plain),
        field("max_fragment_cores", 17, 1, Plain),
        field("max_tiler_cores", 18, 1, Plain),
        field("priority", 19, 1, Plain),
        field("pad", 20, 4, Plain),
        field("compute_core_mask", 24, 8, Plain),
        field("fragment_core_mask", 32, 8, Plain),
        field("tiler_core_mask", 40, 8, Plain),
        field("vm_id", 48, 4, Uses(Object::Vm)),
        field("group_handle", 52, 4, Makes(Object::Queue)),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_GROUP_DESTROY",
        "struct drm_panthor_group_destroy",
        (b'd', 0x48),
        8,
    )
    .fields(&[field("group_handle", 0, 4, Ends(Object::Queue)), field("pad", 4, 4, Plain)]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANTHOR_GROUP_SUBMIT",
        "struct drm_panthor_group_submit",
        (b'd', 0x49),
        24,
    )
    .effects(BLOCKS | SUBMITS)
    .fields(&[
        field("group_handle", 0, 4, Uses(Object::Queue)),
        field("pad", 4, 4, Plain),
        field("queue_submits.stride", 8, 4, Plain),
        field("queue_submits.count", 12, 4, Count),
        field("queue_submits.array", 16, 8, Pointer),
    ])
    .follow(&[follow(
        "queue_submits.array",
        16,
        Field(12, 4),
        Strided(40, 8),
        &[
            field("queue_index", 0, 4, Plain),
            field("stream_size", 4, 4, Plain),
            field("stream_addr", 8, 8, Plain),
            field("latest_flush", 16, 4, Plain),
            field("pad", 20, 4, Plain),
            field("syncs.stride", 24, 4, Plain),
            field("syncs.count", 28, 4, Count),
            field("syncs.array", 32, 8, Pointer),
        ],
    )
    .inner(&[follow(
        "syncs.array",
        32,
        Field(28, 4),
        Strided(16, 24),
        &[
            field("flags", 0, 4, Flags),
            field("handle", 4, 4, Uses(Object::Syncobj)),
            field("timeline_value", 8, 8, Point),
        ],
    )])]),
];
