//! GPUs that take jobs: one set of words for amdgpu, i915 and their twins.
//!
//! A case opens a [`Gpu`], makes [`Buffer`]s and a [`Queue`], and describes a [`Job`]; the driver's file turns that into
//! ioctls. What only a twin can do (a settable delay, a hang, a checksum) skips on real hardware, with the reason.

mod amdgpu;
mod buffer;
mod controls;
mod driver;
mod i915;
mod job;
mod packets;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use drm::Device as _;

use crate::buffer::Gem;
use crate::case::Stop;
use crate::device::Device;
use crate::must::Must;
use crate::open::DrmFile;

pub use buffer::Buffer;
pub use controls::{Controls, JobTimeout, RESET_PATIENCE};
pub use job::Job;
pub use queue::Queue;

pub(crate) use packets::intel_store;

use driver::Driver;
use packets::Dialect;

/// How the twins' `desc` begins (`DRM_IOCTL_VERSION`).
const TWIN: &str = "fencelab twin of ";

/// Where buffers begin in a GPU's address space: above what drivers keep for themselves, below what 48 bits reach.
const FIRST_ADDRESS: u64 = 1 << 32;

/// Between two buffers, so that an access beyond the end hits nothing.
const GUARD: u64 = 1 << 16;

/// The page of GPU and CPU.
pub const PAGE: usize = 4096;

/// One open file of a GPU.
#[derive(Debug)]
pub struct Gpu {
    file: Arc<DrmFile>,
    driver: Box<dyn Driver>,
    dialect: Dialect,
    next: AtomicU64,
}

impl Gpu {
    /// Opens a device's render node.
    ///
    /// # Errors
    /// Skips a driver whose jobs are not known here, or that lacks what they need; fails where the node does not open.
    pub fn open(device: &Device) -> Result<Arc<Gpu>, Stop> {
        Self::of(Arc::new(DrmFile::any(device)?), &device.driver)
    }

    /// Takes an open file, as a case needs it that also commits or exports by way of the card node.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn of(file: Arc<DrmFile>, driver: &str) -> Result<Arc<Gpu>, Stop> {
        let said = file.get_driver().must(&format!("ask {} for its driver", file.name()))?;
        let is_twin = said.description().to_string_lossy().starts_with(TWIN);
        let (driver, real): (Box<dyn Driver>, _) = match driver {
            "amdgpu" => (Box::new(amdgpu::Amdgpu::new(&file)?), Dialect::Pm4),
            "i915" => (Box::new(i915::I915::new(&file)?), Dialect::Mi),
            other => return Err(Stop::skip(format!("no jobs are known for the driver {other}"))),
        };
        let dialect = if is_twin { Dialect::Twin } else { real };
        Ok(Arc::new(Gpu { file, driver, dialect, next: AtomicU64::new(FIRST_ADDRESS) }))
    }

    /// The open file.
    pub fn file(&self) -> &Arc<DrmFile> {
        &self.file
    }

    /// The device's name in reports.
    pub fn name(&self) -> &str {
        self.file.name()
    }

    /// Whether it is fencelab's software twin of the driver.
    pub fn is_twin(&self) -> bool {
        self.dialect == Dialect::Twin
    }

    /// Skips on real hardware.
    ///
    /// # Errors
    /// [`Stop::Skip`] with what only a twin can do.
    pub fn need_twin(&self, what: &str) -> Result<(), Stop> {
        match self.is_twin() {
            true => Ok(()),
            false => Err(Stop::skip(format!("{} is real hardware: only a twin has {what}", self.name()))),
        }
    }

    /// A new buffer of this many bytes, in the GPU's address space.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn buffer(self: &Arc<Self>, size: usize) -> Result<Buffer, Stop> {
        let what = format!("make a buffer of {size} bytes on {}", self.name());
        let handle = self.driver.allocate(size as u64).must(&what)?;
        Buffer::bound(self, Gem::adopt(&self.file, handle), size, true)
    }

    /// A buffer of the caller's own pages, which stay the caller's. `start` and `size` are multiples of the page.
    ///
    /// # Errors
    /// As the driver's userptr ioctl; it may be refused only by a later job.
    pub fn userptr(&self, start: u64, size: usize, read_only: bool) -> nix::Result<Gem> {
        let handle = self.driver.userptr(start, size as u64, read_only)?;
        Ok(Gem::adopt(&self.file, handle))
    }

    /// Puts a buffer into the GPU's address space.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn bind(self: &Arc<Self>, gem: Gem, size: usize, writable: bool) -> Result<Buffer, Stop> {
        Buffer::bound(self, gem, size, writable)
    }

    /// A queue (a context) whose jobs run one after another.
    ///
    /// # Errors
    /// Fails where the driver makes no context.
    pub fn queue(self: &Arc<Self>) -> Result<Queue, Stop> {
        Queue::new(self)
    }

    /// Whether a change of a process's memory waits for the jobs that use the pages: amdgpu waits in the notifier
    /// (amdgpu_hmm.c), i915 looks again when a job is submitted (i915_gem_userptr.c). Both twins wait (core/userptr.c).
    pub fn waits_in_notifier(&self) -> bool {
        self.is_twin() || self.driver.waits_in_notifier()
    }

    /// The errno with which a userptr buffer's export is refused.
    pub fn export_refusal(&self) -> nix::errno::Errno {
        self.driver.export_refusal()
    }

    fn address(&self, size: usize) -> u64 {
        let room = (size as u64).next_multiple_of(GUARD) + GUARD;
        self.next.fetch_add(room, Ordering::Relaxed)
    }
}
