//! Devices: what the matrix knows of them, and how they are found on the machine under test.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::case::Stop;
use crate::must::Must;

/// What sort of thing a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A DRM device with a card node, a render node, or both.
    Drm,
    /// `/dev/udmabuf`: dma-bufs from memfd pages.
    Udmabuf,
    /// A heap in `/dev/dma_heap`.
    DmaHeap,
    /// A driver module that is loaded for its own tests and needs no hardware.
    Module,
}

/// One device of a bench: its lasting name, and what the matrix must know to plan for it. Node paths are
/// empty in a plan and filled in on the machine under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The name in reports: the driver's, with a path behind it where one driver has several devices.
    pub name: String,
    /// The kernel driver, as `DRM_IOCTL_VERSION` names it (with `-` for `_`, `virtio-gpu` for `virtio_gpu`).
    pub driver: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// It has connectors or CRTCs.
    #[serde(default)]
    pub has_kms: bool,
    /// It has a render node.
    #[serde(default)]
    pub has_render: bool,
    /// The primary node, `/dev/dri/cardN`, or the one node of a non-DRM exporter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<PathBuf>,
    /// The render node, `/dev/dri/renderDN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_node: Option<PathBuf>,
    /// Where it sits: the PCI address, or the platform or faux device's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus_path: Option<String>,
}

impl Device {
    /// Whether it is fencelab's software twin of its driver.
    pub fn is_twin(&self) -> bool {
        self.name.strip_suffix("-twin") == Some(self.driver.as_str())
    }
}

/// Finds every device of this machine below `root` (`/` outside tests). Two devices of one driver are told
/// apart by their bus path. A machine without DRM devices gives the dma-buf exporters alone, or nothing.
///
/// # Errors
/// When `/sys/class/drm` exists and cannot be read.
pub fn scan(root: &Path) -> io::Result<Vec<Device>> {
    let mut found = scan_drm(root)?;
    found.extend(scan_exporters(root));
    tell_apart(&mut found);
    Ok(found)
}

/// A device that went and came back, under the nodes that it has now.
///
/// # Errors
/// Fails where it did not come back.
pub fn again(device: &Device) -> Result<Device, Stop> {
    let found = scan(Path::new("/")).must("look for devices")?;
    let back = found.into_iter().find(|d| d.name == device.name);
    back.ok_or_else(|| Stop::fail(format!("{} did not come back", device.name)))
}

fn scan_drm(root: &Path) -> io::Result<Vec<Device>> {
    let class = root.join("sys/class/drm");
    let mut names = match fs::read_dir(&class) {
        Ok(entries) => entries
            .map(|e| Ok(e?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    names.sort_by_key(|n| (n.len(), n.clone()));
    let mut found: Vec<Device> = Vec::new();
    for name in names {
        let is_node =
            |prefix: &str| name.strip_prefix(prefix).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let (card, render) = (is_node("card"), is_node("renderD"));
        if !card && !render {
            continue;
        }
        let parent = fs::canonicalize(class.join(&name).join("device")).unwrap_or_else(|_| class.join(&name));
        let bus_path = parent.file_name().map(|n| n.to_string_lossy().into_owned());
        let node = root.join("dev/dri").join(&name);
        let position = found.iter().position(|d| d.bus_path == bus_path);
        let index = position.unwrap_or_else(|| {
            found.push(Device { bus_path, ..drm_device(driver_of(&parent)) });
            found.len() - 1
        });
        let device = &mut found[index];
        if card {
            device.has_kms = has_connectors(&class, &name);
            device.node = Some(node);
        } else {
            device.has_render = true;
            device.render_node = Some(node);
        }
    }
    Ok(found)
}

/// A device of this driver. The twins' own drivers (`ci/twins`) speak another one's uAPI: they stand for it, under a name
/// that says so.
fn drm_device(driver: String) -> Device {
    match driver.strip_prefix("fencelab-twin-") {
        Some(real) => Device { name: format!("{real}-twin"), ..bare(real.into(), Kind::Drm) },
        None => bare(driver, Kind::Drm),
    }
}

/// The driver of the device behind `parent`. Virtual devices have no driver link (vgem, vkms before 6.16):
/// their own name tells. virtio-gpu's link leads to the virtio bus's driver.
fn driver_of(parent: &Path) -> String {
    let link = fs::read_link(parent.join("driver")).ok();
    let name = link
        .as_deref()
        .unwrap_or(parent)
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    driver_name(&name)
}

/// One spelling for what sysfs, modules and `DRM_IOCTL_VERSION` write differently.
pub fn driver_name(name: &str) -> String {
    match name {
        "virtio_gpu" | "virtio-pci" => "virtio-gpu".into(),
        "bochs-drm" => "bochs".into(),
        "xe" | "i915" | "amdgpu" => name.into(),
        other => other.replace('_', "-"),
    }
}

fn has_connectors(class: &Path, card: &str) -> bool {
    let prefix = format!("{card}-");
    fs::read_dir(class)
        .map(|entries| entries.flatten().any(|e| e.file_name().to_string_lossy().starts_with(&prefix)))
        .unwrap_or(false)
}

fn scan_exporters(root: &Path) -> Vec<Device> {
    let mut found = Vec::new();
    let udmabuf = root.join("dev/udmabuf");
    if udmabuf.exists() {
        found.push(Device { node: Some(udmabuf), ..bare("udmabuf".into(), Kind::Udmabuf) });
    }
    let mut heaps: Vec<_> =
        fs::read_dir(root.join("dev/dma_heap")).into_iter().flatten().flatten().map(|e| e.path()).collect();
    heaps.sort();
    for path in heaps {
        let heap = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        found.push(Device { node: Some(path), ..bare(format!("heap-{heap}"), Kind::DmaHeap) });
    }
    found
}

fn bare(driver: String, kind: Kind) -> Device {
    Device {
        name: driver.clone(),
        driver,
        kind,
        has_kms: false,
        has_render: false,
        node: None,
        render_node: None,
        bus_path: None,
    }
}

fn tell_apart(devices: &mut [Device]) {
    for i in 0..devices.len() {
        let twins = devices.iter().filter(|d| d.driver == devices[i].driver).count();
        if let (true, Some(path)) = (twins > 1, devices[i].bus_path.clone()) {
            devices[i].name = format!("{}-{path}", devices[i].driver);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_twin_stands_for_its_driver_under_a_name_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let device = root.path().join("sys/devices/pci10000:00/10000:00:00.0");
        let driver = root.path().join("sys/bus/pci/drivers/fencelab_twin_amdgpu");
        let class = root.path().join("sys/class/drm");
        for folder in [&device, &driver, &class.join("renderD130")] {
            fs::create_dir_all(folder).unwrap();
        }
        symlink(&driver, device.join("driver")).unwrap();
        symlink(&device, class.join("renderD130/device")).unwrap();
        let found = scan(root.path()).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].driver.as_str()), ("amdgpu-twin", "amdgpu"));
        assert_eq!(found[0].bus_path.as_deref(), Some("10000:00:00.0"));
        assert!(found[0].has_render && !found[0].has_kms);
    }
}
