//! A device taken from its driver and given back, by the bus's `unbind` and `bind` in sysfs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::{Stop, Tested};
use crate::device::Device;
use crate::must::Must;

/// A device's place on its bus, and the driver that it has. What was unbound is bound again on drop.
#[derive(Debug)]
pub struct Binding {
    place: String,
    driver: PathBuf,
}

impl Binding {
    /// The binding of a DRM device.
    ///
    /// # Errors
    /// Skips devices on no bus, as vgem and vkms are.
    pub fn of(device: &Device) -> Result<Self, Stop> {
        let node = device.node.as_deref().and_then(Path::file_name);
        let none = || Stop::skip(format!("{} sits on no bus that it could be taken from", device.name));
        let parent = Path::new("/sys/class/drm").join(node.ok_or_else(none)?).join("device");
        let driver = fs::canonicalize(parent.join("driver")).map_err(|_| none())?;
        let place = fs::canonicalize(&parent).must("find the device in sysfs")?;
        let place = place.file_name().map(|n| n.to_string_lossy().into_owned()).ok_or_else(none)?;
        if !driver.join("unbind").exists() {
            return Err(Stop::skip(format!("the driver of {} suppresses unbinding", device.name)));
        }
        Ok(Binding { place, driver })
    }

    fn write(&self, file: &str) -> std::io::Result<()> {
        fs::write(self.driver.join(file), &self.place)
    }

    fn is_bound(&self) -> bool {
        self.driver.join(&self.place).exists()
    }

    /// Takes the device from its driver.
    ///
    /// # Errors
    /// Fails where the kernel refuses.
    pub fn unbind(&self) -> Tested {
        self.write("unbind").must(&format!("unbind {} from its driver", self.place))
    }

    /// Gives it back.
    ///
    /// # Errors
    /// Fails where the driver's probe does.
    pub fn bind(&self) -> Tested {
        self.write("bind").must(&format!("bind {} to its driver", self.place))
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        if !self.is_bound() {
            let _ = self.write("bind");
        }
    }
}
