//! The virtio_gpu driver.

use super::build::{field, follow, ioctl};
use crate::ioctl::Count::Field;
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Count, Flags, Makes, MakesFd, Plain, Point, Pointer, Uses};
use crate::ioctl::Shape::{Array, Strided};
use crate::ioctl::effect::{BLOCKS, OVERWRITES, SUBMITS, WAITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "drm/virtgpu_drm.h";
const DRIVER: Driver = Driver::VirtioGpu;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 8] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_EXECBUFFER",
        "struct drm_virtgpu_execbuffer",
        (b'd', 0x42),
        64,
    )
    .effects(BLOCKS | SUBMITS | OVERWRITES)
    .fields(&[
        field("flags", 0, 4, Flags),
        field("size", 4, 4, Plain),
        field("command", 8, 8, Pointer),
        field("bo_handles", 16, 8, Pointer),
        field("num_bo_handles", 24, 4, Count),
        field("fence_fd", 28, 4, MakesFd(FdClass::SyncFile)),
        field("ring_idx", 32, 4, Plain),
        field("syncobj_stride", 36, 4, Plain),
        field("num_in_syncobjs", 40, 4, Count),
        field("num_out_syncobjs", 44, 4, Count),
        field("in_syncobjs", 48, 8, Pointer),
        field("out_syncobjs", 56, 8, Pointer),
    ])
    .follow(&[
        follow("bo_handles", 16, Field(24, 4), Array(4), &[field("", 0, 4, Uses(Object::Gem))]),
        follow(
            "in_syncobjs",
            48,
            Field(40, 4),
            Strided(16, 36),
            &[
                field("handle", 0, 4, Uses(Object::Syncobj)),
                field("flags", 4, 4, Flags),
                field("point", 8, 8, Point),
            ],
        ),
        follow(
            "out_syncobjs",
            56,
            Field(44, 4),
            Strided(16, 36),
            &[
                field("handle", 0, 4, Uses(Object::Syncobj)),
                field("flags", 4, 4, Flags),
                field("point", 8, 8, Point),
            ],
        ),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_VIRTGPU_MAP", "struct drm_virtgpu_map", (b'd', 0x41), 16).fields(
        &[field("offset", 0, 8, Plain), field("handle", 8, 4, Uses(Object::Gem)), field("pad", 12, 4, Plain)],
    ),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_RESOURCE_CREATE",
        "struct drm_virtgpu_resource_create",
        (b'd', 0x44),
        56,
    )
    .fields(&[
        field("target", 0, 4, Plain),
        field("format", 4, 4, Plain),
        field("bind", 8, 4, Plain),
        field("width", 12, 4, Plain),
        field("height", 16, 4, Plain),
        field("depth", 20, 4, Plain),
        field("array_size", 24, 4, Plain),
        field("last_level", 28, 4, Plain),
        field("nr_samples", 32, 4, Plain),
        field("flags", 36, 4, Flags),
        field("bo_handle", 40, 4, Makes(Object::Gem)),
        field("res_handle", 44, 4, Plain),
        field("size", 48, 4, Plain),
        field("stride", 52, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB",
        "struct drm_virtgpu_resource_create_blob",
        (b'd', 0x4a),
        56,
    )
    .fields(&[
        field("blob_mem", 0, 4, Plain),
        field("blob_flags", 4, 4, Plain),
        field("bo_handle", 8, 4, Makes(Object::Gem)),
        field("res_handle", 12, 4, Plain),
        field("size", 16, 8, Plain),
        field("pad", 24, 4, Plain),
        field("cmd_size", 28, 4, Plain),
        field("cmd", 32, 8, Pointer),
        field("blob_id", 40, 8, Plain),
        field("blob_hints", 48, 4, Plain),
        field("pad2", 52, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_TRANSFER_FROM_HOST",
        "struct drm_virtgpu_3d_transfer_from_host",
        (b'd', 0x46),
        44,
    )
    .effects(SUBMITS)
    .fields(&[
        field("bo_handle", 0, 4, Uses(Object::Gem)),
        field("box.x", 4, 4, Plain),
        field("box.y", 8, 4, Plain),
        field("box.z", 12, 4, Plain),
        field("box.w", 16, 4, Plain),
        field("box.h", 20, 4, Plain),
        field("box.d", 24, 4, Plain),
        field("level", 28, 4, Plain),
        field("offset", 32, 4, Plain),
        field("stride", 36, 4, Plain),
        field("layer_stride", 40, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST",
        "struct drm_virtgpu_3d_transfer_to_host",
        (b'd', 0x47),
        44,
    )
    .effects(SUBMITS)
    .fields(&[
        field("bo_handle", 0, 4, Uses(Object::Gem)),
        field("box.x", 4, 4, Plain),
        field("box.y", 8, 4, Plain),
        field("box.z", 12, 4, Plain),
        field("box.w", 16, 4, Plain),
        field("box.h", 20, 4, Plain),
        field("box.d", 24, 4, Plain),
        field("level", 28, 4, Plain),
        field("offset", 32, 4, Plain),
        field("stride", 36, 4, Plain),
        field("layer_stride", 40, 4, Plain),
    ]),
    ioctl(Some(DRIVER), HEADER, "DRM_IOCTL_VIRTGPU_WAIT", "struct drm_virtgpu_3d_wait", (b'd', 0x48), 8)
        .effects(BLOCKS | WAITS)
        .fields(&[field("handle", 0, 4, Uses(Object::Gem)), field("flags", 4, 4, Flags)]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VIRTGPU_CONTEXT_INIT",
        "struct drm_virtgpu_context_init",
        (b'd', 0x4b),
        16,
    )
    .fields(&[
        field("num_params", 0, 4, Count),
        field("pad", 4, 4, Plain),
        field("ctx_set_params", 8, 8, Pointer),
    ]),
];
