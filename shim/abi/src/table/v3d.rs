//! The v3d driver.

use super::build::{bits, field, follow, ioctl};
use crate::ioctl::Count::{Field, Fixed};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Flags, Makes, Plain, Point, Pointer, Timeout, Uses};
use crate::ioctl::Shape::{Array, Chain};
use crate::ioctl::effect::{BLOCKS, SUBMITS, WAITS};
use crate::object::{Driver, Object};

const HEADER: &str = "drm/v3d_drm.h";
const DRIVER: Driver = Driver::V3d;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 7] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_SUBMIT_CL", "struct drm_v3d_submit_cl", (b'd', 0x40), 72)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("bcl_start", 0, 4, Plain),
            field("bcl_end", 4, 4, Plain),
            field("rcl_start", 8, 4, Plain),
            field("rcl_end", 12, 4, Plain),
            field("in_sync_bcl", 16, 4, Uses(Object::Syncobj)),
            field("in_sync_rcl", 20, 4, Uses(Object::Syncobj)),
            field("out_sync", 24, 4, Uses(Object::Syncobj)),
            field("qma", 28, 4, Plain),
            field("qms", 32, 4, Plain),
            field("qts", 36, 4, Plain),
            field("bo_handles", 40, 8, Pointer),
            field("bo_handle_count", 48, 4, Count),
            field("flags", 52, 4, Flags),
            field("perfmon_id", 56, 4, Plain),
            field("pad", 60, 4, Plain),
            field("extensions", 64, 8, Pointer),
        ])
        .follow(&[
            follow("bo_handles", 40, Field(48, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
            follow(
                "extensions",
                64,
                Fixed(1),
                Chain(1, 48),
                &[
                    field("base.next", 0, 8, Plain),
                    field("base.id", 8, 4, Plain),
                    field("base.flags", 12, 4, Plain),
                    field("in_syncs", 16, 8, Pointer),
                    field("out_syncs", 24, 8, Pointer),
                    field("in_sync_count", 32, 4, Count),
                    field("out_sync_count", 36, 4, Count),
                    field("wait_stage", 40, 4, Plain),
                    field("pad", 44, 4, Plain),
                ],
            )
            .only_if(bits(52, false, 0x2, 0x2))
            .inner(&[
                follow(
                    "in_syncs",
                    16,
                    Field(32, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
                follow(
                    "out_syncs",
                    24,
                    Field(36, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
            ]),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_WAIT_BO", "struct drm_v3d_wait_bo", (b'd', 0x41), 16)
        .effects(BLOCKS | WAITS)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("pad", 4, 4, Plain),
            field("timeout_ns", 8, 8, Timeout),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_CREATE_BO", "struct drm_v3d_create_bo", (b'd', 0x42), 16)
        .fields(&[
            field("size", 0, 4, Plain),
            field("flags", 4, 4, Flags),
            field("handle", 8, 4, Makes(Object::Gem)),
            field("offset", 12, 4, Plain),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_MMAP_BO", "struct drm_v3d_mmap_bo", (b'd', 0x43), 16).fields(
        &[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("flags", 4, 4, Flags),
            field("offset", 8, 8, Plain),
        ],
    ),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_SUBMIT_TFU", "struct drm_v3d_submit_tfu", (b'd', 0x46), 88)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("icfg", 0, 4, Plain),
            field("iia", 4, 4, Plain),
            field("iis", 8, 4, Plain),
            field("ica", 12, 4, Plain),
            field("iua", 16, 4, Plain),
            field("ioa", 20, 4, Plain),
            field("ios", 24, 4, Plain),
            field("coef", 28, 16, Plain),
            field("bo_handles", 44, 16, Plain),
            field("in_sync", 60, 4, Uses(Object::Syncobj)),
            field("out_sync", 64, 4, Uses(Object::Syncobj)),
            field("flags", 68, 4, Flags),
            field("extensions", 72, 8, Pointer),
            field("v71.ioc", 80, 4, Plain),
            field("v71.pad", 84, 4, Plain),
        ])
        .follow(&[follow(
            "extensions",
            72,
            Fixed(1),
            Chain(1, 48),
            &[
                field("base.next", 0, 8, Plain),
                field("base.id", 8, 4, Plain),
                field("base.flags", 12, 4, Plain),
                field("in_syncs", 16, 8, Pointer),
                field("out_syncs", 24, 8, Pointer),
                field("in_sync_count", 32, 4, Count),
                field("out_sync_count", 36, 4, Count),
                field("wait_stage", 40, 4, Plain),
                field("pad", 44, 4, Plain),
            ],
        )
        .only_if(bits(68, false, 0x2, 0x2))
        .inner(&[
            follow(
                "in_syncs",
                16,
                Field(32, 4),
                Array(32),
                &[
                    field("handle", 0, 4, Uses(Object::Syncobj)),
                    field("flags", 4, 4, Flags),
                    field("point", 8, 8, Point),
                    field("mbz", 16, 16, Plain),
                ],
            ),
            follow(
                "out_syncs",
                24,
                Field(36, 4),
                Array(32),
                &[
                    field("handle", 0, 4, Uses(Object::Syncobj)),
                    field("flags", 4, 4, Flags),
                    field("point", 8, 8, Point),
                    field("mbz", 16, 16, Plain),
                ],
            ),
        ])]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_SUBMIT_CSD", "struct drm_v3d_submit_csd", (b'd', 0x47), 88)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("cfg", 0, 28, Plain),
            field("coef", 28, 16, Plain),
            field("bo_handles", 48, 8, Pointer),
            field("bo_handle_count", 56, 4, Count),
            field("in_sync", 60, 4, Uses(Object::Syncobj)),
            field("out_sync", 64, 4, Uses(Object::Syncobj)),
            field("perfmon_id", 68, 4, Plain),
            field("extensions", 72, 8, Pointer),
            field("flags", 80, 4, Flags),
            field("pad", 84, 4, Plain),
        ])
        .follow(&[
            follow("bo_handles", 48, Field(56, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
            follow(
                "extensions",
                72,
                Fixed(1),
                Chain(1, 48),
                &[
                    field("base.next", 0, 8, Plain),
                    field("base.id", 8, 4, Plain),
                    field("base.flags", 12, 4, Plain),
                    field("in_syncs", 16, 8, Pointer),
                    field("out_syncs", 24, 8, Pointer),
                    field("in_sync_count", 32, 4, Count),
                    field("out_sync_count", 36, 4, Count),
                    field("wait_stage", 40, 4, Plain),
                    field("pad", 44, 4, Plain),
                ],
            )
            .only_if(bits(80, false, 0x2, 0x2))
            .inner(&[
                follow(
                    "in_syncs",
                    16,
                    Field(32, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
                follow(
                    "out_syncs",
                    24,
                    Field(36, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
            ]),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_V3D_SUBMIT_CPU", "struct drm_v3d_submit_cpu", (b'd', 0x4b), 24)
        .effects(BLOCKS | SUBMITS)
        .fields(&[
            field("bo_handles", 0, 8, Pointer),
            field("bo_handle_count", 8, 4, Count),
            field("flags", 12, 4, Flags),
            field("extensions", 16, 8, Pointer),
        ])
        .follow(&[
            follow("bo_handles", 0, Field(8, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
            follow(
                "extensions",
                16,
                Fixed(1),
                Chain(1, 48),
                &[
                    field("base.next", 0, 8, Plain),
                    field("base.id", 8, 4, Plain),
                    field("base.flags", 12, 4, Plain),
                    field("in_syncs", 16, 8, Pointer),
                    field("out_syncs", 24, 8, Pointer),
                    field("in_sync_count", 32, 4, Count),
                    field("out_sync_count", 36, 4, Count),
                    field("wait_stage", 40, 4, Plain),
                    field("pad", 44, 4, Plain),
                ],
            )
            .only_if(bits(12, false, 0x2, 0x2))
            .inner(&[
                follow(
                    "in_syncs",
                    16,
                    Field(32, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
                follow(
                    "out_syncs",
                    24,
                    Field(36, 4),
                    Array(32),
                    &[
                        field("handle", 0, 4, Uses(Object::Syncobj)),
                        field("flags", 4, 4, Flags),
                        field("point", 8, 8, Point),
                        field("mbz", 16, 16, Plain),
                    ],
                ),
            ]),
        ]),
];
