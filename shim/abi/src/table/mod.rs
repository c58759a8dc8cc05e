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
    use crate::ioctl::effect;
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

    /// What a driver may wait in, as Linux 6.12 has it (user queues: 7.0), beside what is for waiting.
    #[test]
    fn what_gives_things_up_may_wait_for_others() {
        let waits = [
            // Lock the buffer's reservation, which others hold over waits: amdgpu_gem_object_close(),
            // nouveau_gem_object_close(). virtio_gpu_queue_fenced_ctrl_buffer() waits for room in the host's queue.
            "DRM_IOCTL_GEM_CLOSE",
            "DRM_IOCTL_MODE_DESTROY_DUMB",
            // nouveau_channel_idle()
            "DRM_IOCTL_NOUVEAU_CHANNEL_FREE",
            // drm_sched_entity_flush(): until all jobs were begun, so until their in-fences signal.
            "DRM_IOCTL_AMDGPU_CTX",
            "DRM_IOCTL_LIMA_CTX_FREE",
            // amdgpu_userq_wait_for_last_fence()
            "DRM_IOCTL_AMDGPU_USERQ",
            // xe_vm_close_and_put() flushes the work that waits for preempt fences.
            "DRM_IOCTL_XE_VM_DESTROY",
        ];
        for name in waits {
            let ioctl = all().find(|ioctl| ioctl.name == name).expect(name);
            assert_ne!(ioctl.effects & effect::BLOCKS, 0, "{name}");
        }
        for ioctl in all().filter(|ioctl| ioctl.effects & effect::WAITS != 0) {
            assert_ne!(ioctl.effects & effect::BLOCKS, 0, "{}", ioctl.name);
        }
    }
}
