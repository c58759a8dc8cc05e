//! What a GPU offers in debugfs: forced resets, and the twins' own ways.

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::stat::fstat;

use super::Gpu;
use crate::case::{Stop, Tested};
use crate::must::Must;

/// Where the twins' files are.
const TWINS: &str = "/sys/kernel/debug/fencelab";

/// Where DRM's are, a folder a minor.
const DRI: &str = "/sys/kernel/debug/dri";

/// What takes longer than this is not about to come on any GPU: amdgpu's own limit for a job is 10 s, i915's heartbeats
/// take up to 10 s before they reset.
pub const RESET_PATIENCE: Duration = Duration::from_secs(25);

/// One GPU's files.
#[derive(Debug)]
pub struct Controls {
    name: String,
    twin: Option<PathBuf>,
    dri: PathBuf,
}

impl Controls {
    /// Of this GPU.
    ///
    /// # Errors
    /// Fails where its node cannot be looked at.
    pub fn of(gpu: &Gpu, driver: &str) -> Result<Controls, Stop> {
        let node = fstat(gpu.file().as_fd()).must("look at a device node")?;
        let minor = nix::sys::stat::minor(node.st_rdev);
        Ok(Controls {
            name: gpu.name().into(),
            twin: gpu.is_twin().then(|| Path::new(TWINS).join(driver)),
            dri: Path::new(DRI).join(minor.to_string()),
        })
    }

    /// Resets the GPU, whatever it does: by amdgpu's `amdgpu_gpu_recover` or i915's `i915_wedged`.
    ///
    /// # Errors
    /// Skips where debugfs offers no reset, fails where it is refused.
    pub fn reset(&self) -> Tested {
        let (recover, wedged) = (self.dri.join("amdgpu_gpu_recover"), self.dri.join("i915_wedged"));
        if recover.exists() {
            return fs::read(&recover).must(&format!("read {}", recover.display())).map(drop);
        }
        if wedged.exists() {
            return write(&wedged, &u64::MAX.to_string());
        }
        Err(Stop::skip(format!("{} offers no forced reset in {}", self.name, self.dri.display())))
    }

    /// Has the twin reset as it would with displays to restore.
    ///
    /// # Errors
    /// Skips on real hardware, fails where the twin refuses.
    pub fn reset_with_modeset(&self) -> Tested {
        self.twin_write("reset", "modeset")
    }

    /// Has every buffer of the twin that is not pinned get other pages, as memory pressure would.
    ///
    /// # Errors
    /// Skips on real hardware, fails where the twin refuses.
    pub fn evict(&self) -> Tested {
        self.twin_write("evict", "1")
    }

    /// Has the twin give each job that long before it is lost, until the answer is dropped.
    ///
    /// # Errors
    /// Skips on real hardware, fails where the twin refuses.
    pub fn job_timeout(&self, limit: Duration) -> Result<JobTimeout, Stop> {
        let Some(folder) = &self.twin else {
            return Err(Stop::skip(format!("{} is real hardware: its jobs' time is its own", self.name)));
        };
        let file = folder.join("job_timeout_ms");
        let before = fs::read_to_string(&file).must(&format!("read {}", file.display()))?;
        write(&file, &limit.as_millis().to_string())?;
        Ok(JobTimeout { file, before })
    }

    fn twin_write(&self, file: &str, text: &str) -> Tested {
        match &self.twin {
            Some(folder) => write(&folder.join(file), text),
            None => Err(Stop::skip(format!("{} is real hardware, without {file}", self.name))),
        }
    }
}

/// Another time limit for a twin's jobs; on drop it is what it was.
#[derive(Debug)]
pub struct JobTimeout {
    file: PathBuf,
    before: String,
}

impl Drop for JobTimeout {
    fn drop(&mut self) {
        let _ = fs::write(&self.file, self.before.trim());
    }
}

fn write(path: &Path, text: &str) -> Tested {
    fs::write(path, text).must(&format!("write {text} to {}", path.display()))
}
