//! Monitors that are not there: a paravirtual display has one output with a monitor and others without, until its host shows
//! them. A connector's `status` in sysfs says that there is one (`status_store()` in `drivers/gpu/drm/drm_sysfs.c`).

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use drm::control::{Device as _, connector};
use nix::sys::stat::{fstat, minor};

use crate::case::{Stop, Tested};
use crate::must::Must;
use crate::open::DrmFile;

/// Monitors that were claimed, until they are dropped. A case that is killed, as at the end of its budget, leaves them claimed:
/// sysfs does not tell them from real ones, so later cases find a monitor there and leave it, until `detect` is written to
/// `/sys/class/drm/card*-Virtual-*/status` or the machine starts anew.
#[derive(Debug, Default)]
pub(super) struct Forced {
    status: Vec<PathBuf>,
}

impl Forced {
    /// Claims monitors on the card's virtual connectors that have none. A real connector is left alone: it would train a link
    /// to nobody.
    ///
    /// # Errors
    /// Fails where sysfs refuses.
    pub(super) fn virtual_monitors(card: &DrmFile) -> Result<Self, Stop> {
        let minor = minor(fstat(card.as_fd()).must("stat the card")?.st_rdev);
        let resources = card.resource_handles().must("list the KMS resources")?;
        let mut forced = Forced::default();
        for &handle in resources.connectors() {
            let info = card.get_connector(handle, true).must("probe a connector")?;
            let bare = info.state() != connector::State::Connected;
            if bare && info.interface() == connector::Interface::Virtual {
                let name = format!("card{minor}-Virtual-{}", info.interface_id());
                forced.claim(&Path::new("/sys/class/drm").join(name).join("status"))?;
            }
        }
        Ok(forced)
    }

    fn claim(&mut self, status: &Path) -> Tested {
        fs::write(status, "on").must(&format!("write `on` to {}", status.display()))?;
        self.status.push(status.to_owned());
        Ok(())
    }
}

impl Drop for Forced {
    fn drop(&mut self) {
        for status in &self.status {
            let _ = fs::write(status, "detect");
        }
    }
}
