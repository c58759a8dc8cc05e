//! Open files of DRM devices.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;

use drm::{ClientCapability, Device as _, DriverCapability};

use crate::case::Stop;
use crate::device::Device;
use crate::must::Must;

/// One open file of a DRM device (the kernel's `struct drm_file`): it owns its fd, and with it every GEM and
/// syncobj handle that is made through it. Both of the `drm` crate's traits are there:
/// `use drm::Device as _; use drm::control::Device as _;`.
#[derive(Debug)]
pub struct DrmFile {
    file: File,
    name: String,
}

impl DrmFile {
    /// Opens the primary node, `/dev/dri/cardN`. The first opener of a node becomes its master.
    ///
    /// # Errors
    /// Skips where the device has no such node, fails where it cannot be opened.
    pub fn card(device: &Device) -> Result<Self, Stop> {
        match &device.node {
            Some(path) => Self::open(device, path),
            None => Err(Stop::skip(format!("{} has no card node", device.name))),
        }
    }

    /// Opens the render node, `/dev/dri/renderDN`.
    ///
    /// # Errors
    /// Skips where the device has no such node, fails where it cannot be opened.
    pub fn render(device: &Device) -> Result<Self, Stop> {
        match &device.render_node {
            Some(path) => Self::open(device, path),
            None => Err(Stop::skip(format!("{} has no render node", device.name))),
        }
    }

    /// Opens the render node, or the primary node of a device without one.
    ///
    /// # Errors
    /// As [`DrmFile::card`].
    pub fn any(device: &Device) -> Result<Self, Stop> {
        if device.render_node.is_some() { Self::render(device) } else { Self::card(device) }
    }

    fn open(device: &Device, path: &Path) -> Result<Self, Stop> {
        let what = format!("open {} of {}", path.display(), device.name);
        let file = OpenOptions::new().read(true).write(true).open(path).must(&what)?;
        Ok(DrmFile { file, name: device.name.clone() })
    }

    /// The device's name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A driver capability (`DRM_IOCTL_GET_CAP`); 0 where the kernel or the driver does not know it.
    pub fn cap(&self, cap: DriverCapability) -> u64 {
        self.get_driver_capability(cap).unwrap_or(0)
    }

    /// Skips, naming device and capability, unless the capability is there.
    ///
    /// # Errors
    /// [`Stop::Skip`] without the capability.
    pub fn need(&self, cap: DriverCapability) -> Result<(), Stop> {
        match self.cap(cap) {
            0 => Err(Stop::skip(format!("{} lacks the capability {cap:?}", self.name))),
            _ => Ok(()),
        }
    }

    /// Turns a client capability on (`DRM_IOCTL_SET_CLIENT_CAP`).
    ///
    /// # Errors
    /// Skips with the errno where the kernel refuses it.
    pub fn client_cap(&self, cap: ClientCapability) -> Result<(), Stop> {
        self.set_client_capability(cap, true)
            .map_err(|e| Stop::skip(format!("{} refuses the client capability {cap:?}: {e}", self.name)))
    }
}

impl AsFd for DrmFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for DrmFile {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl drm::Device for DrmFile {}
impl drm::control::Device for DrmFile {}
