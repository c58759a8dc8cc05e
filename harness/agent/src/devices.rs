//! The devices of this machine, for the runner and for a case.

use std::path::Path;

use fencelab_bench::protocol;
use fencelab_suites::device;

/// The devices that are here now, and those that no scan finds.
pub(crate) fn scan(described: &[protocol::Device]) -> std::io::Result<Vec<device::Device>> {
    let mut devices = device::scan(Path::new("/"))?;
    devices.extend(described.iter().map(from_description));
    Ok(devices)
}

/// The named ones, in this order; the first name that is not here as the error.
pub(crate) fn select(devices: &[device::Device], names: &[String]) -> Result<Vec<device::Device>, String> {
    let find = |name: &String| devices.iter().find(|d| d.name == *name).cloned().ok_or_else(|| name.clone());
    names.iter().map(find).collect()
}

/// The same device in the protocol's terms.
pub(crate) fn described(device: &device::Device) -> protocol::Device {
    let text = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.to_string_lossy().into_owned());
    protocol::Device {
        name: device.name.clone(),
        driver: device.driver.clone(),
        kind: match device.kind {
            device::Kind::Drm => protocol::DeviceKind::Drm,
            device::Kind::Udmabuf => protocol::DeviceKind::Udmabuf,
            device::Kind::DmaHeap => protocol::DeviceKind::DmaHeap,
            device::Kind::Module => protocol::DeviceKind::Module,
        },
        has_kms: device.has_kms,
        has_render: device.has_render,
        node: text(&device.node),
        render_node: text(&device.render_node),
        bus_path: device.bus_path.clone(),
    }
}

fn from_description(device: &protocol::Device) -> device::Device {
    device::Device {
        name: device.name.clone(),
        driver: device.driver.clone(),
        kind: match device.kind {
            protocol::DeviceKind::Drm => device::Kind::Drm,
            protocol::DeviceKind::Udmabuf => device::Kind::Udmabuf,
            protocol::DeviceKind::DmaHeap => device::Kind::DmaHeap,
            protocol::DeviceKind::Module => device::Kind::Module,
        },
        has_kms: device.has_kms,
        has_render: device.has_render,
        node: None,
        render_node: None,
        bus_path: None,
    }
}
