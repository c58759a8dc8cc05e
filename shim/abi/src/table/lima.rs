//! The lima driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Deadline, Ends, Flags, Makes, Plain, Pointer, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/lima_drm.h";
const DRIVER: Driver = Driver::Lima;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 6] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_GEM_CREATE", "struct drm_lima_gem_create", (b'd', 0x41), 16)
        .fields(&[
            field("size", 0, 4, Plain),
            field("flags", 4, 4, Flags),
            field("handle", 8, 4, Makes(Object::Gem)),
            field("pad", 12, 4, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_GEM_INFO", "struct drm_lima_gem_info", (b'd', 0x42), 16)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("va", 4, 4, Plain),
            field("offset", 8, 8, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_GEM_SUBMIT", "struct drm_lima_gem_submit", (b'd', 0x43), 48)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("ctx", 0, 4, Uses(Object::Queue)),
            field("pipe", 4, 4, Plain),
            field("nr_bos", 8, 4, Count),
            field("frame_size", 12, 4, Plain),
            field("bos", 16, 8, Pointer),
            field("frame", 24, 8, Pointer),
            field("flags", 32, 4, Flags),
            field("out_sync", 36, 4, Uses(Object::Syncobj)),
            field("in_sync", 40, 8, Uses(Object::Syncobj)),
        ])
        .follow(&[follow(
            "bos",
            16,
            Field(8, 4),
            Array(8),
            &[field("handle", 0, 4, Uses(Object::Gem)), field("flags", 4, 4, Flags)],
        )]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_GEM_WAIT", "struct drm_lima_gem_wait", (b'd', 0x44), 16)
        .effects(BLOCKS | WAITS)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("op", 4, 4, Plain),
            field("timeout_ns", 8, 8, Deadline),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_CTX_CREATE", "struct drm_lima_ctx_create", (b'd', 0x45), 8)
        .fields(&[field("id", 0, 4, Makes(Object::Queue)), field("_pad", 4, 4, Plain)]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_LIMA_CTX_FREE", "struct drm_lima_ctx_free", (b'd', 0x46), 8)
        .effects(BLOCKS)
        .fields(&[field("id", 0, 4, Ends(Object::Queue)), field("_pad", 4, 4, Plain)]),
];
