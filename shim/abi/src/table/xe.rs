//! The xe driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, Plain, Point, Pointer, TimeoutOrDeadline, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, MEMORY_FENCE, SUBMITS, WAITS};
use crate::ioctl::{Bits, Ioctl};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/xe_drm.h";
const DRIVER: Driver = Driver::Xe;
/// DRM_XE_UFENCE_WAIT_FLAG_ABSTIME, in the u16 `flags` behind the u16 `op`.
const ABSTIME: Bits = Bits { offset: 16, wide: false, mask: 1 << 16, value: 1 << 16 };

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 9] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_XE_GEM_CREATE", "struct drm_xe_gem_create", (b'd', 0x41), 56)
        .fields(&[
            field("extensions", 0, 8, Plain),
            field("size", 8, 8, Plain),
            field("placement", 16, 4, Plain),
            field("flags", 20, 4, Flags),
            field("vm_id", 24, 4, Uses(Object::Vm)),
            field("handle", 28, 4, Makes(Object::Gem)),
            field("cpu_caching", 32, 2, Plain),
            field("pad", 34, 6, Plain),
            field("reserved", 40, 16, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_XE_GEM_MMAP_OFFSET",
        "struct drm_xe_gem_mmap_offset",
        (b'd', 0x42),
        40,
    )
    .fields(&[
        field("extensions", 0, 8, Plain),
        field("handle", 8, 4, Uses(Object::Gem)),
        field("flags", 12, 4, Flags),
        field("offset", 16, 8, Plain),
        field("reserved", 24, 16, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_XE_VM_CREATE", "struct drm_xe_vm_create", (b'd', 0x43), 32)
        .fields(&[
            field("extensions", 0, 8, Plain),
            field("flags", 8, 4, Flags),
            field("vm_id", 12, 4, Makes(Object::Vm)),
            field("reserved", 16, 16, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_XE_VM_DESTROY", "struct drm_xe_vm_destroy", (b'd', 0x44), 24)
        .effects(BLOCKS)
        .fields(&[
            field("vm_id", 0, 4, Ends(Object::Vm)),
            field("pad", 4, 4, Plain),
            field("reserved", 8, 16, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_XE_VM_BIND", "struct drm_xe_vm_bind", (b'd', 0x45), 136)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("extensions", 0, 8, Plain),
            field("vm_id", 8, 4, Uses(Object::Vm)),
            field("exec_queue_id", 12, 4, Uses(Object::Queue)),
            field("pad", 16, 4, Plain),
            field("num_binds", 20, 4, Count),
            field("bind.extensions", 24, 8, Plain),
            field("bind.obj", 32, 4, Uses(Object::Gem)),
            field("bind.pat_index", 36, 2, Plain),
            field("bind.pad", 38, 2, Plain),
            field("bind.obj_offset", 40, 8, Plain),
            field("bind.userptr", 40, 8, Plain),
            field("bind.range", 48, 8, Plain),
            field("bind.addr", 56, 8, Plain),
            field("bind.op", 64, 4, Plain),
            field("bind.flags", 68, 4, Flags),
            field("bind.prefetch_mem_region_instance", 72, 4, Plain),
            field("bind.pad2", 76, 4, Plain),
            field("bind.reserved", 80, 24, Plain),
            field("vector_of_binds", 24, 8, Plain),
            field("pad2", 104, 4, Plain),
            field("num_syncs", 108, 4, Count),
            field("syncs", 112, 8, Pointer),
            field("reserved", 120, 16, Plain),
        ])
        .follow(&[follow(
            "syncs",
            112,
            Field(108, 4),
            Array(48),
            &[
                field("extensions", 0, 8, Plain),
                field("type", 8, 4, Plain),
                field("flags", 12, 4, Flags),
                field("handle", 16, 4, Uses(Object::Syncobj)),
                field("addr", 16, 8, Plain),
                field("timeline_value", 24, 8, Point),
                field("reserved", 32, 16, Plain),
            ],
        )]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_XE_EXEC_QUEUE_CREATE",
        "struct drm_xe_exec_queue_create",
        (b'd', 0x46),
        48,
    )
    .fields(&[
        field("extensions", 0, 8, Plain),
        field("width", 8, 2, Plain),
        field("num_placements", 10, 2, Plain),
        field("vm_id", 12, 4, Uses(Object::Vm)),
        field("flags", 16, 4, Flags),
        field("exec_queue_id", 20, 4, Makes(Object::Queue)),
        field("instances", 24, 8, Plain),
        field("reserved", 32, 16, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_XE_EXEC_QUEUE_DESTROY",
        "struct drm_xe_exec_queue_destroy",
        (b'd', 0x47),
        24,
    )
    .fields(&[
        field("exec_queue_id", 0, 4, Ends(Object::Queue)),
        field("pad", 4, 4, Plain),
        field("reserved", 8, 16, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_XE_EXEC", "struct drm_xe_exec", (b'd', 0x49), 56)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("extensions", 0, 8, Plain),
            field("exec_queue_id", 8, 4, Uses(Object::Queue)),
            field("num_syncs", 12, 4, Count),
            field("syncs", 16, 8, Pointer),
            field("address", 24, 8, Plain),
            field("num_batch_buffer", 32, 2, Plain),
            field("pad", 34, 6, Plain),
            field("reserved", 40, 16, Plain),
        ])
        .follow(&[follow(
            "syncs",
            16,
            Field(12, 4),
            Array(48),
            &[
                field("extensions", 0, 8, Plain),
                field("type", 8, 4, Plain),
                field("flags", 12, 4, Flags),
                field("handle", 16, 4, Uses(Object::Syncobj)),
                field("addr", 16, 8, Plain),
                field("timeline_value", 24, 8, Point),
                field("reserved", 32, 16, Plain),
            ],
        )]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_XE_WAIT_USER_FENCE",
        "struct drm_xe_wait_user_fence",
        (b'd', 0x4a),
        72,
    )
    .effects(BLOCKS | WAITS | MEMORY_FENCE)
    .fields(&[
        field("extensions", 0, 8, Plain),
        field("addr", 8, 8, Pointer),
        field("op", 16, 2, Plain),
        field("flags", 18, 2, Flags),
        field("pad", 20, 4, Plain),
        field("value", 24, 8, Plain),
        field("mask", 32, 8, Plain),
        field("timeout", 40, 8, TimeoutOrDeadline(ABSTIME)),
        field("exec_queue_id", 48, 4, Uses(Object::Queue)),
        field("pad2", 52, 4, Plain),
        field("reserved", 56, 16, Plain),
    ]),
];
