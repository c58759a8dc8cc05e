//! What most cases begin with: an open file with sync objects, and a timeline to make fences on.

use std::sync::Arc;

use drm::DriverCapability::{SyncObj, TimelineSyncObj};

use super::clock::{PATIENCE_MS, in_ms};
use super::object::{Point, Syncobj};
use crate::case::Stop;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::uapi::syncobj::{self as uapi, WaitFor};

/// An open device and a sw_sync timeline. The timeline is dropped with it, which signals every fence that a case
/// left pending.
pub struct Fixture {
    /// The open device.
    pub file: Arc<DrmFile>,
    /// Where [`Fixture::fence`] makes its fences; its value starts at 0.
    pub clock: Timeline,
}

impl Fixture {
    /// For binary sync objects.
    ///
    /// # Errors
    /// Skips where the device has no sync objects, or the kernel no sw_sync.
    pub fn binary(ctx: &Ctx) -> Result<Self, Stop> {
        let file = DrmFile::any(ctx.device(0))?;
        file.need(SyncObj)?;
        Ok(Fixture { file: Arc::new(file), clock: Timeline::new()? })
    }

    /// For timeline sync objects.
    ///
    /// # Errors
    /// Skips where the device has none, or the kernel no sw_sync.
    pub fn timeline(ctx: &Ctx) -> Result<Self, Stop> {
        let fixture = Self::binary(ctx)?;
        fixture.file.need(TimelineSyncObj)?;
        Ok(fixture)
    }

    /// A sync object without a fence.
    ///
    /// # Errors
    /// As [`Syncobj::new`].
    pub fn empty(&self) -> Result<Syncobj, Stop> {
        Syncobj::new(&self.file, false)
    }

    /// A sync object with a signalled fence.
    ///
    /// # Errors
    /// As [`Syncobj::new`].
    pub fn signalled(&self) -> Result<Syncobj, Stop> {
        Syncobj::new(&self.file, true)
    }

    /// A fence that signals when the clock reaches `seqno`.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the kernel makes none.
    pub fn fence(&self, seqno: u32) -> Result<SyncFile, Stop> {
        self.clock.fence(seqno).must("create a sw_sync fence")
    }

    /// A sync object with the clock's fence for `seqno`.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the kernel makes none.
    pub fn holding(&self, seqno: u32) -> Result<Syncobj, Stop> {
        let object = self.empty()?;
        object.import(self.fence(seqno)?).must("import a sync file")?;
        Ok(object)
    }

    /// Puts the clock's fence for `seqno` at a point.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the kernel refuses.
    pub fn submit(&self, to: Point<'_>, seqno: u32) -> Result<(), Stop> {
        let source = self.holding(seqno)?;
        Syncobj::transfer((&source, 0), to, 0).must("transfer a fence to a point")
    }

    /// Moves the clock on, and signals the fences that it reaches.
    ///
    /// # Errors
    /// [`Stop::Fail`] where sw_sync refuses.
    pub fn tick(&self, steps: u32) -> Result<(), Stop> {
        self.clock.inc(steps).must("move the sw_sync timeline on")
    }

    /// Waits for the binary fences of all `objects`.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_WAIT`.
    pub fn wait(&self, objects: &[&Syncobj], what: &WaitFor) -> nix::Result<u32> {
        let handles: Vec<u32> = objects.iter().map(|o| o.raw()).collect();
        uapi::wait(&self.file, &handles, what)
    }

    /// Waits for points.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT`.
    pub fn wait_points(&self, points: &[Point<'_>], what: &WaitFor) -> nix::Result<u32> {
        let handles: Vec<u32> = points.iter().map(|p| p.0.raw()).collect();
        let numbers: Vec<u64> = points.iter().map(|p| p.1).collect();
        uapi::timeline_wait(&self.file, &handles, &numbers, what)
    }
}

/// A wait that ends by itself should nobody end it.
///
/// # Errors
/// [`Stop::Fail`] where the clock cannot be read.
pub(super) fn patient(flags: u32) -> Result<WaitFor, Stop> {
    Ok(WaitFor { flags, timeout_ns: in_ms(PATIENCE_MS)?, deadline_ns: 0 })
}

/// A wait that only looks.
pub(super) fn poll(flags: u32) -> WaitFor {
    WaitFor { flags, ..WaitFor::default() }
}
