//! The nvidia_drm driver: numbers and layouts as its 535 and 550 have them.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Makes, MakesFd, Plain, Pointer, Uses, UsesFd};
use crate::ioctl::effect::{MEMORY_FENCE, SUBMITS};
use crate::object::{Driver, FdClass, Object};

const HEADER: &str = "kernel-open/nvidia-drm/nvidia-drm-ioctl.h (NVIDIA/open-gpu-kernel-modules)";
const DRIVER: Driver = Driver::NvidiaDrm;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 6] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_PRIME_FENCE_CONTEXT_CREATE",
        "struct drm_nvidia_prime_fence_context_create_params",
        (b'd', 0x45),
        48,
    )
    .fields(&[
        field("handle", 0, 4, Makes(Object::Gem)),
        field("index", 4, 4, Plain),
        field("size", 8, 8, Plain),
        field("import_mem_nvkms_params_ptr", 16, 8, Pointer),
        field("import_mem_nvkms_params_size", 24, 8, Plain),
        field("event_nvkms_params_ptr", 32, 8, Pointer),
        field("event_nvkms_params_size", 40, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_GEM_PRIME_FENCE_ATTACH",
        "struct drm_nvidia_gem_prime_fence_attach_params",
        (b'd', 0x46),
        16,
    )
    .effects(SUBMITS | MEMORY_FENCE)
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("fence_context_handle", 4, 4, Uses(Object::Gem)),
        field("sem_thresh", 8, 4, Plain),
        field("__pad", 12, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_SEMSURF_FENCE_CTX_CREATE",
        "struct drm_nvidia_semsurf_fence_ctx_create_params",
        (b'd', 0x54),
        32,
    )
    .fields(&[
        field("index", 0, 8, Plain),
        field("nvkms_params_ptr", 8, 8, Pointer),
        field("nvkms_params_size", 16, 8, Plain),
        field("handle", 24, 4, Makes(Object::Gem)),
        field("__pad", 28, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_SEMSURF_FENCE_CREATE",
        "struct drm_nvidia_semsurf_fence_create_params",
        (b'd', 0x55),
        24,
    )
    .effects(SUBMITS | MEMORY_FENCE)
    .fields(&[
        field("fence_context_handle", 0, 4, Uses(Object::Gem)),
        field("timeout_value_ms", 4, 4, Plain),
        field("wait_value", 8, 8, Plain),
        field("fd", 16, 4, MakesFd(FdClass::SyncFile)),
        field("__pad", 20, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_SEMSURF_FENCE_WAIT",
        "struct drm_nvidia_semsurf_fence_wait_params",
        (b'd', 0x56),
        24,
    )
    .effects(SUBMITS | MEMORY_FENCE)
    .fields(&[
        field("fence_context_handle", 0, 4, Uses(Object::Gem)),
        field("fd", 4, 4, UsesFd(FdClass::SyncFile)),
        field("pre_wait_value", 8, 8, Plain),
        field("post_wait_value", 16, 8, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_NVIDIA_SEMSURF_FENCE_ATTACH",
        "struct drm_nvidia_semsurf_fence_attach_params",
        (b'd', 0x57),
        24,
    )
    .effects(SUBMITS | MEMORY_FENCE)
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("fence_context_handle", 4, 4, Uses(Object::Gem)),
        field("timeout_value_ms", 8, 4, Plain),
        field("shared", 12, 4, Plain),
        field("wait_value", 16, 8, Plain),
    ]),
];
