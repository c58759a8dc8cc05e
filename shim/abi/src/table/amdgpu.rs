//! The amdgpu driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Flags, Makes, OpenDeadline, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::{Array, Pointers};
use crate::ioctl::effect::{BLOCKS, OVERWRITES, SUBMITS, WAITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/amdgpu_drm.h";
const DRIVER: Driver = Driver::Amdgpu;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 15] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_GEM_CREATE",
        "union drm_amdgpu_gem_create",
        (b'd', 0x40),
        32,
    )
    .effects(OVERWRITES)
    .fields(&[
        field("in.bo_size", 0, 8, Plain),
        field("in.alignment", 8, 8, Plain),
        field("in.domains", 16, 8, Plain),
        field("in.domain_flags", 24, 8, Plain),
        field("out.handle", 0, 4, Makes(Object::Gem)),
        field("out._pad", 4, 4, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_GEM_MMAP", "union drm_amdgpu_gem_mmap", (b'd', 0x41), 8)
        .effects(OVERWRITES)
        .fields(&[
            field("in.handle", 0, 4, Uses(Object::Gem)),
            field("in._pad", 4, 4, Plain),
            field("out.addr_ptr", 0, 8, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_CTX", "union drm_amdgpu_ctx", (b'd', 0x42), 16)
        .effects(BLOCKS | OVERWRITES)
        .fields(&[
            field("in.op", 0, 4, Plain),
            field("in.flags", 4, 4, Flags),
            field("in.ctx_id", 8, 4, Uses(Object::Queue)),
            field("in.priority", 12, 4, Plain),
            field("out.alloc.ctx_id", 0, 4, Makes(Object::Queue)),
            field("out.alloc._pad", 4, 4, Plain),
            field("out.state.flags", 0, 8, Plain),
            field("out.state.hangs", 8, 4, Plain),
            field("out.state.reset_status", 12, 4, Plain),
            field("out.pstate.flags", 0, 4, Plain),
            field("out.pstate._pad", 4, 4, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_BO_LIST", "union drm_amdgpu_bo_list", (b'd', 0x43), 24)
        .effects(OVERWRITES)
        .fields(&[
            field("in.operation", 0, 4, Plain),
            field("in.list_handle", 4, 4, Uses(Object::BoList)),
            field("in.bo_number", 8, 4, Count),
            field("in.bo_info_size", 12, 4, Plain),
            field("in.bo_info_ptr", 16, 8, Pointer),
            field("out.list_handle", 0, 4, Makes(Object::BoList)),
            field("out._pad", 4, 4, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_CS", "union drm_amdgpu_cs", (b'd', 0x44), 24)
        .effects(BLOCKS | SUBMITS | OVERWRITES)
        .fields(&[
            field("in.ctx_id", 0, 4, Uses(Object::Queue)),
            field("in.bo_list_handle", 4, 4, Uses(Object::BoList)),
            field("in.num_chunks", 8, 4, Count),
            field("in.flags", 12, 4, Flags),
            field("in.chunks", 16, 8, Pointer),
            field("out.handle", 0, 8, Makes(Object::Seqno)),
        ])
        .follow(&[follow(
            "in.chunks",
            16,
            Field(8, 4),
            Pointers(16),
            &[
                field("chunk_id", 0, 4, Plain),
                field("length_dw", 4, 4, Count),
                field("chunk_data", 8, 8, Pointer),
            ],
        )
        .inner(&[follow("chunk_data", 8, Field(4, 4), Array(4), &[field("", 0, 4, Plain)])])]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_GEM_METADATA",
        "struct drm_amdgpu_gem_metadata",
        (b'd', 0x46),
        288,
    )
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("op", 4, 4, Plain),
        field("data.flags", 8, 8, Plain),
        field("data.tiling_info", 16, 8, Plain),
        field("data.data_size_bytes", 24, 4, Plain),
        field("data.data", 28, 256, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE",
        "union drm_amdgpu_gem_wait_idle",
        (b'd', 0x47),
        16,
    )
    .effects(BLOCKS | WAITS | OVERWRITES)
    .fields(&[
        field("in.handle", 0, 4, Uses(Object::Gem)),
        field("in.flags", 4, 4, Flags),
        field("in.timeout", 8, 8, OpenDeadline),
        field("out.status", 0, 4, Plain),
        field("out.domain", 4, 4, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_GEM_VA", "struct drm_amdgpu_gem_va", (b'd', 0x48), 64)
        .effects(SUBMITS)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("_pad", 4, 4, Plain),
            field("operation", 8, 4, Plain),
            field("flags", 12, 4, Flags),
            field("va_address", 16, 8, Plain),
            field("offset_in_bo", 24, 8, Plain),
            field("map_size", 32, 8, Plain),
            field("vm_timeline_point", 40, 8, Point),
            field("vm_timeline_syncobj_out", 48, 4, Uses(Object::Syncobj)),
            field("num_syncobj_handles", 52, 4, Count),
            field("input_fence_syncobj_handles", 56, 8, Pointer),
        ])
        .follow(&[follow(
            "input_fence_syncobj_handles",
            56,
            Field(52, 4),
            Array(4),
            &[field("", 0, 4, Uses(Object::Syncobj))],
        )]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_WAIT_CS", "union drm_amdgpu_wait_cs", (b'd', 0x49), 32)
        .effects(BLOCKS | WAITS | OVERWRITES)
        .fields(&[
            field("in.handle", 0, 8, Uses(Object::Seqno)),
            field("in.timeout", 8, 8, OpenDeadline),
            field("in.ip_type", 16, 4, Plain),
            field("in.ip_instance", 20, 4, Plain),
            field("in.ring", 24, 4, Plain),
            field("in.ctx_id", 28, 4, Uses(Object::Queue)),
            field("out.status", 0, 8, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_GEM_OP", "struct drm_amdgpu_gem_op", (b'd', 0x50), 24)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("op", 4, 4, Plain),
            field("value", 8, 8, Plain),
            field("num_entries", 16, 4, Plain),
            field("padding", 20, 4, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_GEM_USERPTR",
        "struct drm_amdgpu_gem_userptr",
        (b'd', 0x51),
        24,
    )
    .fields(&[
        field("addr", 0, 8, Pointer),
        field("size", 8, 8, Plain),
        field("flags", 16, 4, Flags),
        field("handle", 20, 4, Makes(Object::Gem)),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_WAIT_FENCES",
        "union drm_amdgpu_wait_fences",
        (b'd', 0x52),
        24,
    )
    .effects(BLOCKS | WAITS | OVERWRITES)
    .fields(&[
        field("in.fences", 0, 8, Pointer),
        field("in.fence_count", 8, 4, Count),
        field("in.wait_all", 12, 4, Plain),
        field("in.timeout_ns", 16, 8, OpenDeadline),
        field("out.status", 0, 4, Plain),
        field("out.first_signaled", 4, 4, Plain),
    ])
    .follow(&[follow(
        "in.fences",
        0,
        Field(8, 4),
        Array(24),
        &[
            field("ctx_id", 0, 4, Uses(Object::Queue)),
            field("ip_type", 4, 4, Plain),
            field("ip_instance", 8, 4, Plain),
            field("ring", 12, 4, Plain),
            field("seq_no", 16, 8, Uses(Object::Seqno)),
        ],
    )]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_VM", "union drm_amdgpu_vm", (b'd', 0x53), 8)
        .effects(OVERWRITES)
        .fields(&[
            field("in.op", 0, 4, Plain),
            field("in.flags", 4, 4, Flags),
            field("out.flags", 0, 8, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE",
        "union drm_amdgpu_fence_to_handle",
        (b'd', 0x54),
        32,
    )
    .effects(OVERWRITES)
    .fields(&[
        field("in.fence.ctx_id", 0, 4, Uses(Object::Queue)),
        field("in.fence.ip_type", 4, 4, Plain),
        field("in.fence.ip_instance", 8, 4, Plain),
        field("in.fence.ring", 12, 4, Plain),
        field("in.fence.seq_no", 16, 8, Uses(Object::Seqno)),
        field("in.what", 24, 4, Plain),
        field("in.pad", 28, 4, Plain),
        field("out.handle", 0, 4, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_AMDGPU_SCHED", "union drm_amdgpu_sched", (b'd', 0x55), 16).fields(
        &[
            field("in.op", 0, 4, Plain),
            field("in.fd", 4, 4, Plain),
            field("in.priority", 8, 4, Plain),
            field("in.ctx_id", 12, 4, Uses(Object::Queue)),
        ],
    ),
];
