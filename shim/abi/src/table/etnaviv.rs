//! The etnaviv driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, DeadlineSeconds, Flags, Makes, MakesFd, Plain, Pointer, Uses};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, OVERWRITES, SUBMITS, WAITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "drm/etnaviv_drm.h";
const DRIVER: Driver = Driver::Etnaviv;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 7] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_ETNAVIV_GEM_NEW", "struct drm_etnaviv_gem_new", (b'd', 0x42), 16)
        .fields(&[
            field("size", 0, 8, Plain),
            field("flags", 8, 4, Flags),
            field("handle", 12, 4, Makes(Object::Gem)),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_ETNAVIV_GEM_INFO",
        "struct drm_etnaviv_gem_info",
        (b'd', 0x43),
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
        "DRM_IOCTL_ETNAVIV_GEM_CPU_PREP",
        "struct drm_etnaviv_gem_cpu_prep",
        (b'd', 0x44),
        24,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("op", 4, 4, Plain),
        field("timeout.tv_sec", 8, 8, DeadlineSeconds),
        field("timeout.tv_nsec", 16, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_ETNAVIV_GEM_SUBMIT",
        "struct drm_etnaviv_gem_submit",
        (b'd', 0x46),
        72,
    )
    .effects(BLOCKS | SUBMITS | OVERWRITES)
    .fields(&[
        field("fence", 0, 4, Makes(Object::Seqno)),
        field("pipe", 4, 4, Uses(Object::Queue)),
        field("exec_state", 8, 4, Plain),
        field("nr_bos", 12, 4, Count),
        field("nr_relocs", 16, 4, Plain),
        field("stream_size", 20, 4, Plain),
        field("bos", 24, 8, Pointer),
        field("relocs", 32, 8, Plain),
        field("stream", 40, 8, Pointer),
        field("flags", 48, 4, Flags),
        field("fence_fd", 52, 4, MakesFd(FdClass::SyncFile)),
        field("pmrs", 56, 8, Plain),
        field("nr_pmrs", 64, 4, Plain),
        field("pad", 68, 4, Plain),
    ])
    .follow(&[follow(
        "bos",
        24,
        Field(12, 4),
        Array(16),
        &[
            field("flags", 0, 4, Flags),
            field("handle", 4, 4, Uses(Object::Gem)),
            field("presumed", 8, 8, Plain),
        ],
    )]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_ETNAVIV_WAIT_FENCE",
        "struct drm_etnaviv_wait_fence",
        (b'd', 0x47),
        32,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("pipe", 0, 4, Uses(Object::Queue)),
        field("fence", 4, 4, Uses(Object::Seqno)),
        field("flags", 8, 4, Flags),
        field("pad", 12, 4, Plain),
        field("timeout.tv_sec", 16, 8, DeadlineSeconds),
        field("timeout.tv_nsec", 24, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_ETNAVIV_GEM_USERPTR",
        "struct drm_etnaviv_gem_userptr",
        (b'd', 0x48),
        24,
    )
    .fields(&[
        field("user_ptr", 0, 8, Pointer),
        field("user_size", 8, 8, Plain),
        field("flags", 16, 4, Flags),
        field("handle", 20, 4, Makes(Object::Gem)),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_ETNAVIV_GEM_WAIT",
        "struct drm_etnaviv_gem_wait",
        (b'd', 0x49),
        32,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("pipe", 0, 4, Plain),
        field("handle", 4, 4, Uses(Object::Gem)),
        field("flags", 8, 4, Flags),
        field("pad", 12, 4, Plain),
        field("timeout.tv_sec", 16, 8, DeadlineSeconds),
        field("timeout.tv_nsec", 24, 8, Plain),
    ]),
];
