//! DRM sync objects.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{
    Count, Deadline, Ends, Flags, Makes, MakesSyncobj, MakesSyncobjFd, Plain, Point, Pointer, Uses, UsesFd,
};
use crate::ioctl::Shape::Array;
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{FdClass, Object};

const HEADER: &str = "drm/drm.h";

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 12] = [
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_CREATE", "struct drm_syncobj_create", (b'd', 0xbf), 8)
        .fields(&[field("handle", 0, 4, Makes(Object::Syncobj)), field("flags", 4, 4, Flags)]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_DESTROY", "struct drm_syncobj_destroy", (b'd', 0xc0), 8)
        .fields(&[field("handle", 0, 4, Ends(Object::Syncobj)), field("pad", 4, 4, Plain)]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", "struct drm_syncobj_handle", (b'd', 0xc1), 24)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Syncobj)),
            field("flags", 4, 4, Flags),
            field("fd", 8, 4, MakesSyncobjFd),
            field("pad", 12, 4, Plain),
            field("point", 16, 8, Point),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE", "struct drm_syncobj_handle", (b'd', 0xc2), 24)
        .fields(&[
            field("handle", 0, 4, MakesSyncobj),
            field("flags", 4, 4, Flags),
            field("fd", 8, 4, UsesFd(FdClass::Unknown)),
            field("pad", 12, 4, Plain),
            field("point", 16, 8, Point),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_TRANSFER", "struct drm_syncobj_transfer", (b'd', 0xcc), 32)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("src_handle", 0, 4, Uses(Object::Syncobj)),
            field("dst_handle", 4, 4, Uses(Object::Syncobj)),
            field("src_point", 8, 8, Point),
            field("dst_point", 16, 8, Point),
            field("flags", 24, 4, Flags),
            field("pad", 28, 4, Plain),
        ]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_WAIT", "struct drm_syncobj_wait", (b'd', 0xc3), 40)
        .effects(BLOCKS | WAITS)
        .fields(&[
            field("handles", 0, 8, Pointer),
            field("timeout_nsec", 8, 8, Deadline),
            field("count_handles", 16, 4, Count),
            field("flags", 20, 4, Flags),
            field("first_signaled", 24, 4, Plain),
            field("pad", 28, 4, Plain),
            field("deadline_nsec", 32, 8, Deadline),
        ])
        .follow(&[follow("handles", 0, Field(16, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))])]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT",
        "struct drm_syncobj_timeline_wait",
        (b'd', 0xca),
        48,
    )
    .effects(BLOCKS | WAITS)
    .fields(&[
        field("handles", 0, 8, Pointer),
        field("points", 8, 8, Pointer),
        field("timeout_nsec", 16, 8, Deadline),
        field("count_handles", 24, 4, Count),
        field("flags", 28, 4, Flags),
        field("first_signaled", 32, 4, Plain),
        field("pad", 36, 4, Plain),
        field("deadline_nsec", 40, 8, Deadline),
    ])
    .follow(&[
        follow("handles", 0, Field(24, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
        follow("points", 8, Field(24, 4), Array(8), &[field("", 0, 8, Point)]),
    ]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_EVENTFD", "struct drm_syncobj_eventfd", (b'd', 0xcf), 24).fields(
        &[
            field("handle", 0, 4, Uses(Object::Syncobj)),
            field("flags", 4, 4, Flags),
            field("point", 8, 8, Point),
            field("fd", 16, 4, UsesFd(FdClass::Eventfd)),
            field("pad", 20, 4, Plain),
        ],
    ),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_RESET", "struct drm_syncobj_array", (b'd', 0xc4), 16)
        .effects(SUBMITS)
        .fields(&[
            field("handles", 0, 8, Pointer),
            field("count_handles", 8, 4, Count),
            field("pad", 12, 4, Plain),
        ])
        .follow(&[follow("handles", 0, Field(8, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))])]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_SIGNAL", "struct drm_syncobj_array", (b'd', 0xc5), 16)
        .effects(SUBMITS)
        .fields(&[
            field("handles", 0, 8, Pointer),
            field("count_handles", 8, 4, Count),
            field("pad", 12, 4, Plain),
        ])
        .follow(&[follow("handles", 0, Field(8, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))])]),
    ioctl(None, HEADER, "DRM_IOCTL_SYNCOBJ_QUERY", "struct drm_syncobj_timeline_array", (b'd', 0xcb), 24)
        .fields(&[
            field("handles", 0, 8, Pointer),
            field("points", 8, 8, Pointer),
            field("count_handles", 16, 4, Count),
            field("flags", 20, 4, Flags),
        ])
        .follow(&[
            follow("handles", 0, Field(16, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
            follow("points", 8, Field(16, 4), Array(8), &[field("", 0, 8, Point)]).output(),
        ]),
    ioctl(
        None,
        HEADER,
        "DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL",
        "struct drm_syncobj_timeline_array",
        (b'd', 0xcd),
        24,
    )
    .effects(SUBMITS)
    .fields(&[
        field("handles", 0, 8, Pointer),
        field("points", 8, 8, Pointer),
        field("count_handles", 16, 4, Count),
        field("flags", 20, 4, Flags),
    ])
    .follow(&[
        follow("handles", 0, Field(16, 4), Array(4), &[field("", 0, 4, Uses(Object::Syncobj))]),
        follow("points", 8, Field(16, 4), Array(8), &[field("", 0, 8, Point)]),
    ]),
];
