//! A guest's description, as its YAML file has it. A mistake in the file is told with file, line and column, and
//! with what was expected.

use std::fmt;
use std::fs;
use std::path::Path;

use fencelab_events::DeviceKind;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{Error, protocol};

/// The default guest.
const DEFAULT: &str = include_str!("../../../../configs/benches/vm.yaml");

/// A guest's description.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The QEMU to run, looked up in PATH.
    #[serde(default = "qemu")]
    pub qemu: String,
    /// Processors.
    #[serde(deserialize_with = "cpus")]
    pub cpus: u32,
    /// Memory.
    #[serde(deserialize_with = "memory")]
    pub memory_mib: u32,
    /// What the recorder's records of one boot may take.
    #[serde(default = "record_mib", deserialize_with = "records")]
    pub record_mib: u32,
    /// Swap, made of the guest's memory; 0 for none.
    #[serde(default = "swap_mib", deserialize_with = "swap")]
    pub swap_mib: u32,
    /// More of the kernel's command line.
    #[serde(default, deserialize_with = "append")]
    pub append: String,
    /// How long things may take.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// Its devices.
    #[serde(deserialize_with = "devices")]
    pub devices: Vec<Device>,
}

/// How long things may take, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Until the first byte of a guest under KVM.
    #[serde(deserialize_with = "seconds")]
    pub kvm_silent_s: u64,
    /// Until the agent's greeting.
    #[serde(deserialize_with = "seconds")]
    pub hello_s: u64,
    /// Without a byte from a guest that is up.
    #[serde(deserialize_with = "seconds")]
    pub silent_s: u64,
    /// From the order to power off until the kill.
    #[serde(deserialize_with = "seconds")]
    pub power_off_s: u64,
}

/// One device of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name in reports.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The kernel driver.
    #[serde(deserialize_with = "name")]
    pub driver: String,
    /// What sort of thing it is.
    pub kind: DeviceKind,
    /// It has connectors.
    #[serde(default)]
    pub has_kms: bool,
    /// It has a render node.
    #[serde(default)]
    pub has_render: bool,
    /// The module that the agent loads for it.
    #[serde(default)]
    pub module: Option<String>,
    /// QEMU's arguments that put it into the guest.
    #[serde(default)]
    pub qemu: Vec<String>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines { kvm_silent_s: 6, hello_s: 180, silent_s: 45, power_off_s: 15 }
    }
}

impl Default for Config {
    /// The guest of `configs/benches/vm.yaml`, as it was when fencelab was built.
    fn default() -> Self {
        // The file is a part of this program, and a test reads it.
        Config::parse(DEFAULT, "configs/benches/vm.yaml").expect("the built-in guest is well described")
    }
}

impl Config {
    /// Reads a description.
    ///
    /// # Errors
    /// [`Error::ConfigFile`] and [`Error::Config`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text =
            fs::read_to_string(path).map_err(|error| Error::ConfigFile { path: path.into(), error })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Understands a description; `name` is the file's, for errors.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        serde_yaml::from_str(text).map_err(|error| {
            let message = error.to_string();
            let Some(at) = error.location() else {
                return Error::Config { place: name.into(), expected: message };
            };
            let suffix = format!(" at line {} column {}", at.line(), at.column());
            let expected = message.strip_suffix(&suffix).unwrap_or(&message).to_owned();
            Error::Config { place: format!("{name}:{}:{}", at.line(), at.column()), expected }
        })
    }
}

impl Device {
    /// The device as plans and reports know it.
    pub fn described(&self) -> protocol::Device {
        protocol::Device {
            name: self.name.clone(),
            driver: self.driver.clone(),
            kind: self.kind,
            has_kms: self.has_kms,
            has_render: self.has_render,
            node: None,
            render_node: None,
            bus_path: None,
        }
    }
}

fn qemu() -> String {
    "qemu-system-x86_64".into()
}

fn record_mib() -> u32 {
    64
}

fn swap_mib() -> u32 {
    128
}

fn cpus<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 1, 64, "processors")
}

fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 64, 1 << 20, "MiB of memory")
}

fn swap<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 0, 4096, "MiB of swap")
}

/// The guest sees it as a PCI device's memory, whose size is a power of two.
fn records<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let found = within(from, 1, 4096, "MiB of records")?;
    if found.is_power_of_two() {
        return Ok(found);
    }
    Err(de::Error::custom(format!("{found} MiB of records, expected a power of two")))
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, 1, 86400, "seconds").map(u64::from)
}

fn within<'de, D: Deserializer<'de>>(from: D, low: u32, high: u32, unit: &str) -> Result<u32, D::Error> {
    let found = u32::deserialize(from)?;
    if (low..=high).contains(&found) {
        return Ok(found);
    }
    Err(de::Error::custom(format!("{found} {unit}, expected {low} to {high}")))
}

/// What follows ` -- ` on a kernel's command line goes to init, which is ours.
fn append<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.split_whitespace().any(|word| word == "--" || word.starts_with("init=")) {
        return Err(de::Error::custom(
            "expected kernel parameters without `--` and `init=`, which are fencelab's own",
        ));
    }
    Ok(text)
}

/// Names become parts of case ids and of file names.
fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if !text.is_empty() && text.chars().all(fits) {
        return Ok(text);
    }
    Err(de::Error::custom(format!("the name `{text}`, expected letters, digits, `-`, `_`, `.` and `:`")))
}

fn devices<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Device>, D::Error> {
    struct Distinct;
    impl<'de> Visitor<'de> for Distinct {
        type Value = Vec<Device>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of devices")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut devices: Vec<Device> = Vec::new();
            while let Some(device) = list.next_element::<Device>()? {
                if devices.iter().any(|d| d.name == device.name) {
                    let message = format!("a second device named `{}`, expected distinct names", device.name);
                    return Err(de::Error::custom(message));
                }
                devices.push(device);
            }
            Ok(devices)
        }
    }
    from.deserialize_seq(Distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_every_device_of_a_guest() {
        let config = Config::default();
        let names: Vec<&str> = config.devices.iter().map(|d| d.name.as_str()).collect();
        let expected = [
            "vkms",
            "vgem",
            "virtio-gpu",
            "bochs",
            "qxl",
            "cirrus",
            "amdgpu-twin",
            "i915-twin",
            "udmabuf",
            "heap-system",
            "i915",
        ];
        assert_eq!(names, expected);
        assert_eq!(config.deadlines, Deadlines::default());
    }

    fn error(text: &str) -> String {
        Config::parse(text, "my.yaml").unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_was_expected() {
        let told = error("cpus: 2\nmemory_mib: 512\ncpu: 3\ndevices: []\n");
        assert!(
            told.starts_with("my.yaml:3:1: unknown field `cpu`, expected one of `qemu`, `cpus`"),
            "{told}"
        );
        let told = error("cpus: two\nmemory_mib: 512\ndevices: []\n");
        assert!(told.starts_with("my.yaml:1:7: cpus: invalid type: string \"two\", expected u32"), "{told}");
        let told = error("cpus: 0\nmemory_mib: 512\ndevices: []\n");
        assert!(told.starts_with("my.yaml:1:"), "{told}");
        assert!(told.contains("0 processors, expected 1 to 64"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\ndevices:\n  - {name: a, driver: b, kind: gpu}\n");
        assert!(told.starts_with("my.yaml:4:"), "{told}");
        assert!(told.contains("unknown variant `gpu`, expected one of `drm`"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\ndevices: [\n");
        assert!(told.starts_with("my.yaml:4:"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\nrecord_mib: 48\ndevices: []\n");
        assert!(told.contains("48 MiB of records, expected a power of two"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\nswap_mib: 8192\ndevices: []\n");
        assert!(told.contains("MiB of swap"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\n");
        assert!(told.contains("missing field `devices`"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\nappend: quiet -- x\ndevices: []\n");
        assert!(told.contains("expected kernel parameters without `--`"), "{told}");
    }

    #[test]
    fn names_are_distinct_and_plain() {
        let one = "  - {name: a, driver: b, kind: drm}\n";
        let told = error(&format!("cpus: 1\nmemory_mib: 512\ndevices:\n{one}{one}"));
        assert!(told.starts_with("my.yaml:"), "{told}");
        assert!(told.contains("a second device named `a`"), "{told}");
        let told = error("cpus: 1\nmemory_mib: 512\ndevices:\n  - {name: a+b, driver: b, kind: drm}\n");
        assert!(told.contains("the name `a+b`, expected letters"), "{told}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let told = Config::read(Path::new("/nonexistent.yaml")).unwrap_err().to_string();
        assert!(told.starts_with("read /nonexistent.yaml: No such file"), "{told}");
    }
}
