//! DRM itself: versions, capabilities, buffers and their sharing.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Ends, Flags, Makes, MakesFd, Plain, Pointer, Text, Uses, UsesFd};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::BLOCKS;
use crate::object::{FdClass, Object};

const HEADER: &str = "drm/drm.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 17] = [
    ioctl(None, HEADER, "DRM_IOCTL_VERSION", "struct drm_version", (b'd', 0x0), 64)
        .fields(&[
            field("version_major", 0, 4, Plain),
            field("version_minor", 4, 4, Plain),
            field("version_patchlevel", 8, 4, Plain),
            field("name_len", 16, 8, Count),
            field("name", 24, 8, Pointer),
            field("date_len", 32, 8, Count),
            field("date", 40, 8, Pointer),
            field("desc_len", 48, 8, Count),
            field("desc", 56, 8, Pointer),
        ])
        .follow(&[follow("name", 24, Field(16, 8), Array(1), &[field("", 0, 1, Text)]).output()]),
    ioctl(None, HEADER, "DRM_IOCTL_GET_UNIQUE", "struct drm_unique", (b'd', 0x01), 16)
        .fields(&[field("unique_len", 0, 8, Count), field("unique", 8, 8, Pointer)]),
    ioctl(None, HEADER, "DRM_IOCTL_GET_MAGIC", "struct drm_auth", (b'd', 0x02), 4)
        .fields(&[field("magic", 0, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_SET_VERSION", "struct drm_set_version", (b'd', 0x07), 16).fields(&[
        field("drm_di_major", 0, 4, Plain),
        field("drm_di_minor", 4, 4, Plain),
        field("drm_dd_major", 8, 4, Plain),
        field("drm_dd_minor", 12, 4, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_AUTH_MAGIC", "struct drm_auth", (b'd', 0x11), 4)
        .fields(&[field("magic", 0, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_GET_CAP", "struct drm_get_cap", (b'd', 0xc), 16)
        .fields(&[field("capability", 0, 8, Plain), field("value", 8, 8, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_SET_CLIENT_CAP", "struct drm_set_client_cap", (b'd', 0xd), 16)
        .fields(&[field("capability", 0, 8, Plain), field("value", 8, 8, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_GEM_CLOSE", "struct drm_gem_close", (b'd', 0x9), 8)
        .effects(BLOCKS)
        .fields(&[field("handle", 0, 4, Ends(Object::Gem)), field("pad", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_GEM_FLINK", "struct drm_gem_flink", (b'd', 0xa), 8)
        .fields(&[field("handle", 0, 4, Uses(Object::Gem)), field("name", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_GEM_OPEN", "struct drm_gem_open", (b'd', 0xb), 16).fields(&[
        field("name", 0, 4, Plain),
        field("handle", 4, 4, Makes(Object::Gem)),
        field("size", 8, 8, Plain),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_SET_MASTER", "", (b'd', 0x1e), 0),
    ioctl(None, HEADER, "DRM_IOCTL_DROP_MASTER", "", (b'd', 0x1f), 0),
    ioctl(None, HEADER, "DRM_IOCTL_PRIME_HANDLE_TO_FD", "struct drm_prime_handle", (b'd', 0x2d), 12).fields(
        &[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("flags", 4, 4, Flags),
            field("fd", 8, 4, MakesFd(FdClass::DmaBuf)),
        ],
    ),
    ioctl(None, HEADER, "DRM_IOCTL_PRIME_FD_TO_HANDLE", "struct drm_prime_handle", (b'd', 0x2e), 12).fields(
        &[
            field("handle", 0, 4, Makes(Object::Gem)),
            field("flags", 4, 4, Flags),
            field("fd", 8, 4, UsesFd(FdClass::DmaBuf)),
        ],
    ),
    ioctl(None, HEADER, "DRM_IOCTL_WAIT_VBLANK", "union drm_wait_vblank", (b'd', 0x3a), 24)
        .effects(BLOCKS)
        .fields(&[
            field("request.type", 0, 4, Plain),
            field("request.sequence", 4, 4, Plain),
            field("request.signal", 8, 8, Plain),
            field("reply.type", 0, 4, Plain),
            field("reply.sequence", 4, 4, Plain),
            field("reply.tval_sec", 8, 8, Plain),
            field("reply.tval_usec", 16, 8, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_CRTC_GET_SEQUENCE", "struct drm_crtc_get_sequence", (b'd', 0x3b), 24)
        .fields(&[
            field("crtc_id", 0, 4, Uses(Object::Crtc)),
            field("active", 4, 4, Plain),
            field("sequence", 8, 8, Plain),
            field("sequence_ns", 16, 8, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_CRTC_QUEUE_SEQUENCE", "struct drm_crtc_queue_sequence", (b'd', 0x3c), 24)
        .fields(&[
            field("crtc_id", 0, 4, Uses(Object::Crtc)),
            field("flags", 4, 4, Flags),
            field("sequence", 8, 8, Plain),
            field("user_data", 16, 8, Plain),
        ]),
];
