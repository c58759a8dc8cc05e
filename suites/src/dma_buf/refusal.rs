//! Which imports work and with which errno the others are refused, for the drivers whose code was read
//! (Linux 6.12); any other pair may work or be refused with an errno that a caller can make sense of.

use nix::errno::Errno;

use crate::device::Device;

/// What importing must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A handle.
    Works,
    /// This errno.
    Refused(Errno),
    /// A handle or one of [`SANE`].
    Either,
}

/// Errnos by which an import may say that the two devices cannot share this buffer.
pub(crate) const SANE: [Errno; 6] =
    [Errno::EINVAL, Errno::ENODEV, Errno::ENOSYS, Errno::EOPNOTSUPP, Errno::EPERM, Errno::EBUSY];

/// What an import into `importer` of a buffer of `exporter` must answer.
pub(super) fn expected(exporter: &Device, importer: &Device) -> Expected {
    match (exporter.driver.as_str(), importer.driver.as_str()) {
        // No gem_prime_import_sg_table: drm_gem_prime_import_dev() ends before it attaches.
        (_, "bochs") => Expected::Refused(Errno::EINVAL),
        // No get_sg_table: drm_gem_map_attach() ends the attach.
        ("bochs", _) => Expected::Refused(Errno::ENOSYS),
        // qxl_gem_prime_get_sg_table() and qxl_gem_prime_import_sg_table() are there to say no.
        ("qxl", _) | (_, "qxl") => Expected::Refused(Errno::ENOSYS),
        // virtgpu_gem_prime_import_sg_table(), on a host without blob resources.
        (_, "virtio-gpu") => Expected::Refused(Errno::ENODEV),
        _ if shares(exporter) && shares(importer) => Expected::Works,
        _ => Expected::Either,
    }
}

/// Drivers that give and take pages (the shmem helpers), the twins, which do as well (core/import.c), and exporters that
/// give pages. The twins' drivers on real hardware may have reasons of their own to refuse.
fn shares(device: &Device) -> bool {
    let driver = device.driver.as_str();
    device.is_twin()
        || matches!(driver, "vgem" | "vkms" | "cirrus" | "virtio-gpu" | "udmabuf" | "heap-system")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Kind;

    fn device(driver: &str) -> Device {
        Device {
            name: driver.into(),
            driver: driver.into(),
            kind: Kind::Drm,
            has_kms: false,
            has_render: false,
            node: None,
            render_node: None,
            bus_path: None,
        }
    }

    #[test]
    fn the_importer_s_own_no_comes_before_the_exporter_s() {
        let of = |from, into| expected(&device(from), &device(into));
        assert_eq!(of("qxl", "bochs"), Expected::Refused(Errno::EINVAL));
        assert_eq!(of("bochs", "virtio-gpu"), Expected::Refused(Errno::ENOSYS));
        assert_eq!(of("vgem", "virtio-gpu"), Expected::Refused(Errno::ENODEV));
        assert_eq!(of("udmabuf", "vkms"), Expected::Works);
        assert_eq!(of("amdgpu", "vkms"), Expected::Either);
        let twin = Device { name: "amdgpu-twin".into(), ..device("amdgpu") };
        assert_eq!(expected(&twin, &device("vkms")), Expected::Works);
        assert_eq!(expected(&device("qxl"), &twin), Expected::Refused(Errno::ENOSYS));
        assert_eq!(expected(&twin, &device("i915")), Expected::Either);
    }
}
