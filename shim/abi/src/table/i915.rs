//! The i915 driver.

use super::build::{bits, field, follow, ioctl};
use crate::ioctl::Count::{Field, Fixed};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, MakesFd, Plain, Point, Pointer, Timeout, Uses, UsesFd};
use crate::ioctl::Shape::{Array, Chain};
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "drm/i915_drm.h";
const DRIVER: Driver = Driver::I915;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 15] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_GETPARAM", "struct drm_i915_getparam", (b'd', 0x46), 16)
        .fields(&[field("param", 0, 4, Plain), field("value", 8, 8, Plain)]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR",
        "struct drm_i915_gem_execbuffer2",
        (b'd', 0x69),
        64,
    )
    .effects(BLOCKS | SUBMITS)
    .fields(&[
        field("buffers_ptr", 0, 8, Pointer),
        field("buffer_count", 8, 4, Count),
        field("batch_start_offset", 12, 4, Plain),
        field("batch_len", 16, 4, Plain),
        field("DR1", 20, 4, Plain),
        field("DR4", 24, 4, Plain),
        field("num_cliprects", 28, 4, Count),
        field("cliprects_ptr", 32, 8, Pointer),
        field("flags", 40, 8, Flags),
        field("rsvd1", 48, 8, Uses(Object::Queue)),
        field("rsvd2[lower]", 56, 4, UsesFd(FdClass::SyncFile)),
        field("rsvd2[upper]", 60, 4, MakesFd(FdClass::SyncFile)),
    ])
    .follow(&[
        follow(
            "buffers_ptr",
            0,
            Field(8, 4),
            Array(56),
            &[
                field("handle", 0, 4, Uses(Object::Gem)),
                field("relocation_count", 4, 4, Plain),
                field("relocs_ptr", 8, 8, Plain),
                field("alignment", 16, 8, Plain),
                field("offset", 24, 8, Plain),
                field("flags", 32, 8, Flags),
                field("rsvd1", 40, 8, Plain),
                field("pad_to_size", 40, 8, Plain),
                field("rsvd2", 48, 8, Plain),
            ],
        ),
        follow(
            "cliprects_ptr",
            32,
            Field(28, 4),
            Array(8),
            &[field("handle", 0, 4, Uses(Object::Syncobj)), field("flags", 4, 4, Flags)],
        )
        .only_if(bits(40, true, 0x80000, 0x80000)),
        follow(
            "cliprects_ptr",
            32,
            Fixed(1),
            Chain(0, 56),
            &[
                field("base.next_extension", 0, 8, Plain),
                field("base.name", 8, 4, Plain),
                field("base.flags", 12, 4, Plain),
                field("base.rsvd", 16, 16, Plain),
                field("fence_count", 32, 8, Count),
                field("handles_ptr", 40, 8, Pointer),
                field("values_ptr", 48, 8, Pointer),
            ],
        )
        .only_if(bits(40, true, 0x200000, 0x200000))
        .inner(&[
            follow(
                "handles_ptr",
                40,
                Field(32, 8),
                Array(8),
                &[field("handle", 0, 4, Uses(Object::Syncobj)), field("flags", 4, 4, Flags)],
            ),
            follow("values_ptr", 48, Field(32, 8), Array(8), &[field("", 0, 8, Point)]),
        ]),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_GEM_BUSY", "struct drm_i915_gem_busy", (b'd', 0x57), 8)
        .fields(&[field("handle", 0, 4, Uses(Object::Gem)), field("busy", 4, 4, Plain)]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_GEM_CREATE", "struct drm_i915_gem_create", (b'd', 0x5b), 16)
        .fields(&[
            field("size", 0, 8, Plain),
            field("handle", 8, 4, Makes(Object::Gem)),
            field("pad", 12, 4, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_CREATE_EXT",
        "struct drm_i915_gem_create_ext",
        (b'd', 0x7c),
        24,
    )
    .fields(&[
        field("size", 0, 8, Plain),
        field("handle", 8, 4, Makes(Object::Gem)),
        field("flags", 12, 4, Flags),
        field("extensions", 16, 8, Pointer),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_MMAP_OFFSET",
        "struct drm_i915_gem_mmap_offset",
        (b'd', 0x64),
        32,
    )
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("pad", 4, 4, Plain),
        field("offset", 8, 8, Plain),
        field("flags", 16, 8, Flags),
        field("extensions", 24, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_SET_DOMAIN",
        "struct drm_i915_gem_set_domain",
        (b'd', 0x5f),
        12,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("read_domains", 4, 4, Plain),
        field("write_domain", 8, 4, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_GEM_WAIT", "struct drm_i915_gem_wait", (b'd', 0x6c), 16)
        .effects(BLOCKS | WAITS)
        .fields(&[
            field("bo_handle", 0, 4, Uses(Object::Gem)),
            field("flags", 4, 4, Flags),
            field("timeout_ns", 8, 8, Timeout),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_CONTEXT_CREATE_EXT",
        "struct drm_i915_gem_context_create_ext",
        (b'd', 0x6d),
        16,
    )
    .fields(&[
        field("ctx_id", 0, 4, Makes(Object::Queue)),
        field("flags", 4, 4, Flags),
        field("extensions", 8, 8, Pointer),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_CONTEXT_DESTROY",
        "struct drm_i915_gem_context_destroy",
        (b'd', 0x6e),
        8,
    )
    .fields(&[field("ctx_id", 0, 4, Ends(Object::Queue)), field("pad", 4, 4, Plain)]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_USERPTR",
        "struct drm_i915_gem_userptr",
        (b'd', 0x73),
        24,
    )
    .fields(&[
        field("user_ptr", 0, 8, Pointer),
        field("user_size", 8, 8, Plain),
        field("flags", 16, 4, Flags),
        field("handle", 20, 4, Makes(Object::Gem)),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_GEM_THROTTLE", "", (b'd', 0x58), 0).effects(BLOCKS | WAITS),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_VM_CREATE",
        "struct drm_i915_gem_vm_control",
        (b'd', 0x7a),
        16,
    )
    .fields(&[
        field("extensions", 0, 8, Pointer),
        field("flags", 8, 4, Flags),
        field("vm_id", 12, 4, Makes(Object::Vm)),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_I915_GEM_VM_DESTROY",
        "struct drm_i915_gem_vm_control",
        (b'd', 0x7b),
        16,
    )
    .fields(&[
        field("extensions", 0, 8, Plain),
        field("flags", 8, 4, Plain),
        field("vm_id", 12, 4, Ends(Object::Vm)),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_I915_QUERY", "struct drm_i915_query", (b'd', 0x79), 16).fields(&[
        field("num_items", 0, 4, Plain),
        field("flags", 4, 4, Plain),
        field("items_ptr", 8, 8, Plain),
    ]),
];
