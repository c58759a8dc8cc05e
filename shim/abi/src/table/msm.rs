//! The msm driver.

use super::build::{bits, field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, DeadlineSeconds, Ends, Flags, Makes, MakesFd, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::{Array, Strided};
use crate::ioctl::effect::{BLOCKS, OVERWRITES, SUBMITS, WAITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "drm/msm_drm.h";
const DRIVER: Driver = Driver::Msm;

/// MSM_SUBMIT_SYNCOBJ_IN and MSM_SUBMIT_SYNCOBJ_OUT: without them the arrays are not looked at.
const SYNCOBJ_IN: u64 = 0x0800_0000;
const SYNCOBJ_OUT: u64 = 0x0400_0000;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 7] = [
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_MSM_GEM_NEW", "struct drm_msm_gem_new", (b'd', 0x42), 16).fields(
        &[
            field("size", 0, 8, Plain),
            field("flags", 8, 4, Flags),
            field("handle", 12, 4, Makes(Object::Gem)),
        ],
    ),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_MSM_GEM_INFO", "struct drm_msm_gem_info", (b'd', 0x43), 24)
        .fields(&[
            field("handle", 0, 4, Uses(Object::Gem)),
            field("info", 4, 4, Plain),
            field("value", 8, 8, Plain),
            field("len", 16, 4, Plain),
            field("pad", 20, 4, Plain),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_MSM_GEM_CPU_PREP",
        "struct drm_msm_gem_cpu_prep",
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
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_MSM_GEM_SUBMIT", "struct drm_msm_gem_submit", (b'd', 0x46), 72)
        .effects(BLOCKS | SUBMITS | OVERWRITES)
        .fields(&[
            field("flags", 0, 4, Flags),
            field("fence", 4, 4, Makes(Object::Seqno)),
            field("nr_bos", 8, 4, Count),
            field("nr_cmds", 12, 4, Count),
            field("bos", 16, 8, Pointer),
            field("cmds", 24, 8, Pointer),
            field("fence_fd", 32, 4, MakesFd(FdClass::SyncFile)),
            field("queueid", 36, 4, Uses(Object::Queue)),
            field("in_syncobjs", 40, 8, Pointer),
            field("out_syncobjs", 48, 8, Pointer),
            field("nr_in_syncobjs", 56, 4, Count),
            field("nr_out_syncobjs", 60, 4, Count),
            field("syncobj_stride", 64, 4, Plain),
            field("pad", 68, 4, Plain),
        ])
        .follow(&[
            follow(
                "bos",
                16,
                Field(8, 4),
                Array(16),
                &[
                    field("flags", 0, 4, Flags),
                    field("handle", 4, 4, Uses(Object::Gem)),
                    field("presumed", 8, 8, Plain),
                ],
            ),
            follow(
                "in_syncobjs",
                40,
                Field(56, 4),
                Strided(16, 64),
                &[
                    field("handle", 0, 4, Uses(Object::Syncobj)),
                    field("flags", 4, 4, Flags),
                    field("point", 8, 8, Point),
                ],
            )
            .only_if(bits(0, false, SYNCOBJ_IN, SYNCOBJ_IN)),
            follow(
                "out_syncobjs",
                48,
                Field(60, 4),
                Strided(16, 64),
                &[
                    field("handle", 0, 4, Uses(Object::Syncobj)),
                    field("flags", 4, 4, Flags),
                    field("point", 8, 8, Point),
                ],
            )
            .only_if(bits(0, false, SYNCOBJ_OUT, SYNCOBJ_OUT)),
        ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_MSM_WAIT_FENCE", "struct drm_msm_wait_fence", (b'd', 0x47), 32)
        .effects(BLOCKS | WAITS)
        .fields(&[
            field("fence", 0, 4, Uses(Object::Seqno)),
            field("flags", 4, 4, Flags),
            field("timeout.tv_sec", 8, 8, DeadlineSeconds),
            field("timeout.tv_nsec", 16, 8, Plain),
            field("queueid", 24, 4, Uses(Object::Queue)),
        ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_MSM_SUBMITQUEUE_NEW",
        "struct drm_msm_submitqueue",
        (b'd', 0x4a),
        12,
    )
    .fields(&[
        field("flags", 0, 4, Flags),
        field("prio", 4, 4, Plain),
        field("id", 8, 4, Makes(Object::Queue)),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_MSM_SUBMITQUEUE_CLOSE", "unsigned int", (b'd', 0x4b), 4)
        .fields(&[field("", 0, 4, Ends(Object::Queue))]),
];
