//! Fences that user space signals: `sync/sw_sync` in debugfs, `drivers/dma-buf/sw_sync.c` (it has no uAPI header).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::sync_file::SyncFile;
use crate::case::Stop;
use crate::must::HasErrno;

/// Where debugfs has it, once it is mounted where everybody mounts it.
pub const PATH: &str = "/sys/kernel/debug/sync/sw_sync";

/// `struct sw_sync_create_fence_data`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct CreateFenceData {
    /// The fence's seqno on its timeline.
    pub value: u32,
    /// Its name; the kernel ignores it.
    pub name: [u8; 32],
    /// The sync file with the new fence (out).
    pub fence: i32,
}

/// `struct sw_sync_get_deadline`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct GetDeadline {
    /// The earliest deadline that was set, `CLOCK_MONOTONIC` (out; must be zero before).
    pub deadline_ns: u64,
    /// Must be zero.
    pub pad: u32,
    /// The sync file with one sw_sync fence.
    pub fence_fd: i32,
}

mod ioctl {
    use super::{CreateFenceData, GetDeadline};
    nix::ioctl_readwrite!(create_fence, b'W', 0, CreateFenceData);
    nix::ioctl_write_ptr!(inc, b'W', 1, u32);
    nix::ioctl_readwrite!(get_deadline, b'W', 2, GetDeadline);
}

/// `SW_SYNC_IOC_CREATE_FENCE`.
pub const CREATE_FENCE: libc::Ioctl = nix::request_code_readwrite!(b'W', 0, size_of::<CreateFenceData>());
/// `SW_SYNC_IOC_INC`.
pub const INC: libc::Ioctl = nix::request_code_write!(b'W', 1, size_of::<u32>());
/// `SW_SYNC_GET_DEADLINE`.
pub const GET_DEADLINE: libc::Ioctl = nix::request_code_readwrite!(b'W', 2, size_of::<GetDeadline>());

/// A timeline whose value starts at 0. Dropping its last descriptor signals what is left on it with `-ENOENT`,
/// so that no fence of it outlives its owner.
#[derive(Debug)]
pub struct Timeline(File);

impl Timeline {
    /// A new timeline, for a case.
    ///
    /// # Errors
    /// Skips where this kernel has no sw_sync, or debugfs is not mounted.
    pub fn new() -> Result<Self, Stop> {
        Self::open().map_err(|e| {
            Stop::skip(format!("no sw_sync fences: {PATH}: {:?} (CONFIG_SW_SYNC, debugfs)", e.errno()))
        })
    }

    /// A new timeline.
    ///
    /// # Errors
    /// As `open`.
    pub fn open() -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(PATH).map(Timeline)
    }

    /// A second descriptor of the same timeline.
    ///
    /// # Errors
    /// As `dup`.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Timeline)
    }

    /// A fence that signals when the timeline reaches `seqno`, compared as 32-bit distance. Two fences with one
    /// seqno are one fence.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn fence(&self, seqno: u32) -> nix::Result<SyncFile> {
        let mut data = CreateFenceData { value: seqno, ..CreateFenceData::default() };
        // SAFETY: `data` is a live struct of the size that the request encodes; it holds no pointers.
        unsafe { ioctl::create_fence(self.0.as_raw_fd(), &mut data) }?;
        // SAFETY: on success the kernel made this descriptor for us alone.
        Ok(SyncFile::new(unsafe { OwnedFd::from_raw_fd(data.fence) }))
    }

    /// Moves the timeline on by `steps` and signals the fences that it reaches.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn inc(&self, steps: u32) -> nix::Result<()> {
        // SAFETY: the kernel reads one u32 from the address, which is live.
        unsafe { ioctl::inc(self.0.as_raw_fd(), &steps) }.map(drop)
    }

    /// The earliest deadline that was set on a sw_sync fence, in nanoseconds of `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// `ENOENT` where none was set, and as the ioctl.
    pub fn deadline(&self, fence: &SyncFile) -> nix::Result<u64> {
        let mut data = GetDeadline { fence_fd: fence.as_raw_fd(), ..GetDeadline::default() };
        self.deadline_raw(&mut data)?;
        Ok(data.deadline_ns)
    }

    /// `SW_SYNC_GET_DEADLINE` with whatever `data` holds.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn deadline_raw(&self, data: &mut GetDeadline) -> nix::Result<()> {
        // SAFETY: `data` is a live struct of the size that the request encodes; it holds no pointers.
        unsafe { ioctl::get_deadline(self.0.as_raw_fd(), data) }.map(drop)
    }
}

impl AsFd for Timeline {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Timeline {
    fn from(fd: OwnedFd) -> Self {
        Timeline(File::from(fd))
    }
}
