//! The nouveau driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/nouveau_drm.h";
const DRIVER: Driver = Driver::Nouveau;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 8] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NOUVEAU_CHANNEL_ALLOC",
        "struct drm_nouveau_channel_alloc",
        (b'd', 0x42),
        88,
    )
    .fields(&[
        field("fb_ctxdma_handle", 0, 4, Plain),
        field("tt_ctxdma_handle", 4, 4, Plain),
        field("channel", 8, 4, Makes(Object::Queue)),
        field("pushbuf_domains", 12, 4, Plain),
        field("notifier_handle", 16, 4, Plain),
        field("subchan", 20, 64, Plain),
        field("nr_subchan", 84, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NOUVEAU_CHANNEL_FREE",
        "struct drm_nouveau_channel_free",
        (b'd', 0x43),
        4,
    )
    .effects(BLOCKS)
    .fields(&[field("channel", 0, 4, Ends(Object::Queue))]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_NOUVEAU_GEM_NEW", "struct drm_nouveau_gem_new", (b'd', 0x80), 48)
        .fields(&[
            field("info.handle", 0, 4, Makes(Object::Gem)),
            field("info.domain", 4, 4, Plain),
            field("info.size", 8, 8, Plain),
            field("info.offset", 16, 8, Plain),
            field("info.map_handle", 24, 8, Plain),
            field("info.tile_mode", 32, 4, Plain),
            field("info.tile_flags", 36, 4, Plain),
            field("channel_hint", 40, 4, Plain),
            field("align", 44, 4, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NOUVEAU_GEM_PUSHBUF",
        "struct drm_nouveau_gem_pushbuf",
        (b'd', 0x81),
        64,
    )
    .effects(BLOCKS | SUBMITS)
    .fields(&[
        field("channel", 0, 4, Uses(Object::Queue)),
        field("nr_buffers", 4, 4, Count),
        field("buffers", 8, 8, Pointer),
        field("nr_relocs", 16, 4, Count),
        field("nr_push", 20, 4, Count),
        field("relocs", 24, 8, Pointer),
        field("push", 32, 8, Pointer),
        field("suffix0", 40, 4, Plain),
        field("suffix1", 44, 4, Plain),
        field("vram_available", 48, 8, Plain),
        field("gart_available", 56, 8, Plain),
    ])
    .follow(&[follow(
        "buffers",
        8,
        Field(4, 4),
        Array(40),
        &[
            field("user_priv", 0, 8, Plain),
            field("handle", 8, 4, Uses(Object::Gem)),
            field("read_domains", 12, 4, Plain),
            field("write_domains", 16, 4, Plain),
            field("valid_domains", 20, 4, Plain),
            field("presumed.valid", 24, 4, Plain),
            field("presumed.domain", 28, 4, Plain),
            field("presumed.offset", 32, 8, Plain),
        ],
    )]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NOUVEAU_GEM_CPU_PREP",
        "struct drm_nouveau_gem_cpu_prep",
        (b'd', 0x82),
        8,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[field("handle", 0, 4, Uses(Object::Gem)), field("flags", 4, 4, Flags)]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_NOUVEAU_VM_INIT", "struct drm_nouveau_vm_init", (b'd', 0x50), 16)
        .fields(&[field("kernel_managed_addr", 0, 8, Plain), field("kernel_managed_size", 8, 8, Plain)]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_NOUVEAU_VM_BIND", "struct drm_nouveau_vm_bind", (b'd', 0x51), 40)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("op_count", 0, 4, Count),
            field("flags", 4, 4, Flags),
            field("wait_count", 8, 4, Count),
            field("sig_count", 12, 4, Count),
            field("wait_ptr", 16, 8, Pointer),
            field("sig_ptr", 24, 8, Pointer),
            field("op_ptr", 32, 8, Pointer),
        ])
        .follow(&[
            follow(
                "wait_ptr",
                16,
                Field(8, 4),
                Array(16),
                &[
                    field("flags", 0, 4, Flags),
                    field("handle", 4, 4, Uses(Object::Syncobj)),
                    field("timeline_value", 8, 8, Point),
                ],
            ),
            follow(
                "sig_ptr",
                24,
                Field(12, 4),
                Array(16),
                &[
                    field("flags", 0, 4, Flags),
                    field("handle", 4, 4, Uses(Object::Syncobj)),
                    field("timeline_value", 8, 8, Point),
                ],
            ),
            follow(
                "op_ptr",
                32,
                Field(0, 4),
                Array(40),
                &[
                    field("op", 0, 4, Plain),
                    field("flags", 4, 4, Flags),
                    field("handle", 8, 4, Uses(Object::Gem)),
                    field("pad", 12, 4, Plain),
                    field("addr", 16, 8, Plain),
                    field("bo_offset", 24, 8, Plain),
                    field("range", 32, 8, Plain),
                ],
            ),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_NOUVEAU_EXEC", "struct drm_nouveau_exec", (b'd', 0x52), 40)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("channel", 0, 4, Uses(Object::Queue)),
            field("push_count", 4, 4, Count),
            field("wait_count", 8, 4, Count),
            field("sig_count", 12, 4, Count),
            field("wait_ptr", 16, 8, Pointer),
            field("sig_ptr", 24, 8, Pointer),
            field("push_ptr", 32, 8, Pointer),
        ])
        .follow(&[
            follow(
                "wait_ptr",
                16,
                Field(8, 4),
                Array(16),
                &[
                    field("flags", 0, 4, Flags),
                    field("handle", 4, 4, Uses(Object::Syncobj)),
                    field("timeline_value", 8, 8, Point),
                ],
            ),
            follow(
                "sig_ptr",
                24,
                Field(12, 4),
                Array(16),
                &[
                    field("flags", 0, 4, Flags),
                    field("handle", 4, 4, Uses(Object::Syncobj)),
                    field("timeline_value", 8, 8, Point),
                ],
            ),
        ]),
];
