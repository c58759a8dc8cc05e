//! The ioctls, one file per header or driver.
//!
//! Layouts are those of Linux 6.12's uAPI headers, grown by what later ones appended (the `point` of
//! `drm_syncobj_handle`, amdgpu's user queues, both 6.16); `tests/headers.rs` compares them with the headers themselves.
//! A field that an older caller does not pass lies beyond its `_IOC_SIZE`.

mod amdgpu;
mod amdgpu_userq;
mod build;
mod core;
mod dma_buf;
mod etnaviv;
mod heap;
mod i915;
mod kms;
mod lima;
mod msm;
mod nouveau;
mod nvidia_drm;
mod panfrost;
mod panthor;
mod sw_sync;
mod sync_file;
mod syncobj;
mod udmabuf;
mod v3d;
mod vgem;
mod virtio_gpu;
mod xe;

use crate::ioctl::{DRIVER_BASE, DRIVER_END, DRM, Ioctl, Request};
use crate::object::FdClass;

/// Every table.
pub(super) static TABLES: [&[Ioctl]; 22] = [
    &self::core::TABLE,
    &syncobj::TABLE,
    &kms::TABLE,
    &sync_file::TABLE,
    &sw_sync::TABLE,
    &dma_buf::TABLE,
    &heap::TABLE,
    &udmabuf::TABLE,
    &vgem::TABLE,
    &amdgpu::TABLE,
    &amdgpu_userq::TABLE,
    &i915::TABLE,
    &xe::TABLE,
    &nouveau::TABLE,
    &virtio_gpu::TABLE,
    &msm::TABLE,
    &panfrost::TABLE,
    &panthor::TABLE,
    &v3d::TABLE,
    &etnaviv::TABLE,
    &lima::TABLE,
    &nvidia_drm::TABLE,
];

/// Every ioctl that we know.
pub fn all() -> impl Iterator<Item = &'static Ioctl> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The ioctl of that request on an fd of that class. Driver-private DRM numbers need the class to know the driver.
pub fn find(request: Request, class: FdClass) -> Option<&'static Ioctl> {
    let private = request.ty() == DRM && (DRIVER_BASE..DRIVER_END).contains(&request.nr());
    let driver = match class {
        FdClass::Drm(driver) if private => Some(driver),
        _ => None,
    };
    all().find(|ioctl| ioctl.key == (request.ty(), request.nr()) && ioctl.driver == driver)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::object::Driver;
    use std::collections::HashSet;

    #[test]
    fn keys_are_unique_within_a_driver() {
        let mut seen = HashSet::new();
        for ioctl in all() {
            assert!(seen.insert((ioctl.driver, ioctl.key)), "{} is there twice", ioctl.name);
        }
    }

    #[test]
    fn private_numbers_need_their_driver() {
        for ioctl in all() {
            let private = ioctl.key.0 == DRM && (DRIVER_BASE..DRIVER_END).contains(&ioctl.key.1);
            assert_eq!(ioctl.driver.is_some(), private, "{}", ioctl.name);
        }
    }

    #[test]
    fn fields_lie_within_their_argument() {
        for ioctl in all() {
            for field in ioctl.fields {
                assert!(field.offset + field.size <= ioctl.size, "{}.{}", ioctl.name, field.name);
            }
            for follow in ioctl.follow {
                assert!(follow.pointer + 8 <= ioctl.size, "{}.{}", ioctl.name, follow.name);
            }
        }
    }

    #[test]
    fn one_number_means_different_things_to_different_drivers() {
        let request = Request(0xc018_6444);
        let amdgpu = find(request, FdClass::Drm(Driver::Amdgpu)).map(|ioctl| ioctl.name);
        assert_eq!(amdgpu, Some("DRM_IOCTL_AMDGPU_CS"));
        let panthor = find(request, FdClass::Drm(Driver::Panthor)).map(|ioctl| ioctl.name);
        assert_eq!(panthor, None);
        assert!(find(request, FdClass::Unknown).is_none());
    }
}
