//! The vgem driver.

use super::build::{field, ioctl};
use crate::ioctl::Ioctl;
use crate::ioctl::Role::{Ends, Flags, Makes, Plain, Uses};
use crate::ioctl::effect::SUBMITS;
use crate::object::{Driver, Object};

const HEADER: &str = "drm/vgem_drm.h";
const DRIVER: Driver = Driver::Vgem;

/// Its ioctls.
pub(super) static TABLE: [Ioctl; 2] = [
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VGEM_FENCE_ATTACH",
        "struct drm_vgem_fence_attach",
        (b'd', 0x41),
        16,
    )
    .fields(&[
        field("handle", 0, 4, Uses(Object::Gem)),
        field("flags", 4, 4, Flags),
        field("out_fence", 8, 4, Makes(Object::VgemFence)),
        field("pad", 12, 4, Plain),
    ]),
    ioctl(
        Some(DRIVER),
        HEADER,
        "DRM_IOCTL_VGEM_FENCE_SIGNAL",
        "struct drm_vgem_fence_signal",
        (b'd', 0x42),
        8,
    )
    .effects(SUBMITS)
    .fields(&[field("fence", 0, 4, Ends(Object::VgemFence)), field("flags", 4, 4, Flags)]),
];
