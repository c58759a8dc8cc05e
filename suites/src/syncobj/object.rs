//! One sync object handle, owned.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use drm::control::Device as _;
use drm::control::syncobj::Handle;

use crate::case::{Stop, Tested};
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::sync_file::SyncFile;
use crate::uapi::syncobj::{self as uapi, FdToHandle, SYNC_FILE, Transfer, WaitFor};

/// A sync object handle of one open file; destroyed when it is dropped.
#[derive(Debug)]
pub struct Syncobj {
    file: Arc<DrmFile>,
    handle: Handle,
    live: bool,
}

/// A point of a sync object; point 0 is the binary fence.
pub type Point<'a> = (&'a Syncobj, u64);

impl Syncobj {
    /// A new object, without a fence, or `signalled`.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the kernel makes none.
    pub fn new(file: &Arc<DrmFile>, signalled: bool) -> Result<Self, Stop> {
        let handle = file.create_syncobj(signalled).must("create a syncobj")?;
        Ok(Syncobj { file: Arc::clone(file), handle, live: true })
    }

    /// A new handle of the object behind an fd of [`Syncobj::share`].
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE`.
    pub fn adopt(file: &Arc<DrmFile>, fd: impl AsFd) -> io::Result<Self> {
        let handle = file.fd_to_syncobj(fd.as_fd(), false)?;
        Ok(Syncobj { file: Arc::clone(file), handle, live: true })
    }

    /// The handle's number.
    pub fn raw(&self) -> u32 {
        self.handle.into()
    }

    /// An fd for the object itself, which other processes may adopt.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD`.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.file.syncobj_to_fd(self.handle, false)
    }

    /// A sync file with the fence that the object holds now.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD`; `EINVAL` where it holds none.
    pub fn export(&self) -> io::Result<SyncFile> {
        self.file.syncobj_to_fd(self.handle, true).map(SyncFile::new)
    }

    /// Puts the fence of `fence` into the object in place of what it held. The `drm` crate cannot: it passes handle 0.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE`.
    pub fn import(&self, fence: impl AsFd) -> nix::Result<()> {
        let mut args = FdToHandle {
            handle: self.raw(),
            flags: SYNC_FILE,
            fd: fence.as_fd().as_raw_fd(),
            ..FdToHandle::default()
        };
        // SAFETY: the struct holds no addresses.
        unsafe { uapi::call(&self.file, &mut args) }
    }

    /// Puts a signalled fence into the object.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_SIGNAL`.
    pub fn signal(&self) -> io::Result<()> {
        self.file.syncobj_signal(&[self.handle])
    }

    /// Takes the fence out of the object.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_RESET`.
    pub fn reset(&self) -> io::Result<()> {
        self.file.syncobj_reset(&[self.handle])
    }

    /// Adds a signalled fence at a point.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL`.
    pub fn signal_point(&self, point: u64) -> io::Result<()> {
        self.file.syncobj_timeline_signal(&[self.handle], &[point])
    }

    /// The last point up to which everything has signalled.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_QUERY`.
    pub fn signalled_point(&self) -> io::Result<u64> {
        let mut points = [u64::MAX];
        self.file.syncobj_timeline_query(&[self.handle], &mut points, false)?;
        Ok(points[0])
    }

    /// The last point that has a fence.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_QUERY`.
    pub fn submitted_point(&self) -> io::Result<u64> {
        let mut points = [u64::MAX];
        self.file.syncobj_timeline_query(&[self.handle], &mut points, true)?;
        Ok(points[0])
    }

    /// Copies the fence of one point to another: `from` and `to` may be one object.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_TRANSFER`.
    pub fn transfer(from: Point<'_>, to: Point<'_>, flags: u32) -> nix::Result<()> {
        let mut args = Transfer {
            src_handle: from.0.raw(),
            src_point: from.1,
            dst_handle: to.0.raw(),
            dst_point: to.1,
            flags,
            pad: 0,
        };
        // SAFETY: the struct holds no addresses.
        unsafe { uapi::call(&to.0.file, &mut args) }
    }

    /// Has `eventfd` counted up when the point signals, or with `available` when it gets a fence.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_EVENTFD`.
    pub fn notify(&self, point: u64, eventfd: BorrowedFd<'_>, available: bool) -> io::Result<()> {
        self.file.syncobj_eventfd(self.handle, point, eventfd, available)
    }

    /// Waits for this object's binary fence.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_WAIT`.
    pub fn wait(&self, what: &WaitFor) -> nix::Result<u32> {
        uapi::wait(&self.file, &[self.raw()], what)
    }

    /// Waits for one of this object's points.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT`.
    pub fn wait_point(&self, point: u64, what: &WaitFor) -> nix::Result<u32> {
        uapi::timeline_wait(&self.file, &[self.raw()], &[point], what)
    }

    /// Whether the binary fence has signalled.
    ///
    /// # Errors
    /// [`Stop::Fail`] where there is none.
    pub fn is_signalled(&self) -> Result<bool, Stop> {
        match self.wait(&WaitFor::default()) {
            Ok(_) => Ok(true),
            Err(nix::errno::Errno::ETIME) => Ok(false),
            Err(errno) => Err(Stop::fail(format!("failed to poll a syncobj: {errno}"))),
        }
    }

    /// Destroys the handle now, where a case wants to see the answer.
    ///
    /// # Errors
    /// As `DRM_IOCTL_SYNCOBJ_DESTROY`.
    pub fn destroy(mut self) -> io::Result<()> {
        self.live = false;
        self.file.destroy_syncobj(self.handle)
    }

    /// Checks that the object holds no fence: a wait is refused (SYNC-NULL).
    ///
    /// # Errors
    /// [`Stop::Fail`] where it holds one.
    pub fn must_be_empty(&self) -> Tested {
        self.wait(&WaitFor::default()).refused("wait on no fence", nix::errno::Errno::EINVAL)
    }
}

impl Drop for Syncobj {
    fn drop(&mut self) {
        if self.live {
            // The file's end frees what could not be destroyed.
            let _ = self.file.destroy_syncobj(self.handle);
        }
    }
}
