//! Devices of a bench, as the plan and the reports know them.

use serde::{Deserialize, Serialize};

/// What sort of thing a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A DRM device with a card node, a render node, or both.
    Drm,
    /// `/dev/udmabuf`.
    Udmabuf,
    /// A heap in `/dev/dma_heap`.
    DmaHeap,
    /// A driver module that is loaded for its own tests and needs no hardware.
    Module,
}

/// One device of a bench.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The name in reports: the driver's, with a path behind it where one driver has several devices.
    pub name: String,
    /// The kernel driver.
    pub driver: String,
    /// What sort of thing it is.
    pub kind: DeviceKind,
    /// It has connectors.
    #[serde(default)]
    pub has_kms: bool,
    /// It has a render node.
    #[serde(default)]
    pub has_render: bool,
    /// The primary node, or the one node of a non-DRM exporter; empty in a description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The render node; empty in a description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_node: Option<String>,
    /// Where it sits: the PCI address, or the platform or faux device's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus_path: Option<String>,
}

/// What ends the name of a software twin of a driver.
const TWIN: &str = "-twin";

impl Device {
    /// The name for people: a twin is told from the hardware that it stands for, `amdgpu (twin)`.
    pub fn label(&self) -> String {
        match self.name.strip_suffix(TWIN) {
            Some(driver) => format!("{driver} (twin)"),
            None => self.name.clone(),
        }
    }
}
