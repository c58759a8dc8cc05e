//! The panfrost driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Deadline, Flags, Makes, Plain, Pointer, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/panfrost_drm.h";
const DRIVER: Driver = Driver::Panfrost;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 4] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_PANFROST_SUBMIT", "struct drm_panfrost_submit", (b'd', 0x40), 48)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("jc", 0, 8, Plain),
            field("in_syncs", 8, 8, Pointer),
            field("in_sync_count", 16, 4, Count),
            field("out_sync", 20, 4, Uses(Object::Syncobj)),
            field("bo_handles", 24, 8, Pointer),
            field("bo_handle_count", 32, 4, Count),
            field("requirements", 36, 4, Plain),
            field("jm_ctx_handle", 40, 4, Plain),
            field("pad", 44, 4, Plain),
        ])
        .follow(&[
            follow("in_syncs", 8, Field(16, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
            follow("bo_handles", 24, Field(32, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANFROST_WAIT_BO",
        "struct drm_panfrost_wait_bo",
        (b'd', 0x41),
        16,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("pad", 4, 4, Plain),
        field("timeout_ns", 8, 8, Deadline),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANFROST_CREATE_BO",
        "struct drm_panfrost_create_bo",
        (b'd', 0x42),
        24,
    )
    .fields(&[
        field("size", 0, 4, Plain),
        field("flags", 4, 4, Flags),
        field("handle", 8, 4, Makes(Object::Gem)),
        field("pad", 12, 4, Plain),
        field("offset", 16, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_PANFROST_MMAP_BO",
        "struct drm_panfrost_mmap_bo",
        (b'd', 0x43),
        16,
    )
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("flags", 4, 4, Flags),
        field("offset", 8, 8, Plain),
    ]),
];
