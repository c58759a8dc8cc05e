//! Sync files, `include/uapi/linux/sync_file.h`: a fence, or several, behind a file descriptor.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::text;

/// `struct sync_merge_data`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct MergeData {
    /// The name of the new sync file.
    pub name: [u8; 32],
    /// The other sync file.
    pub fd2: i32,
    /// The new sync file (out).
    pub fence: i32,
    /// Must be zero.
    pub flags: u32,
    /// Must be zero.
    pub pad: u32,
}

/// `struct sync_fence_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct RawFenceInfo {
    /// The timeline's name.
    pub obj_name: [u8; 32],
    /// The driver's name.
    pub driver_name: [u8; 32],
    /// 0 pending, 1 signalled, negative errno signalled with an error.
    pub status: i32,
    /// Fence flags; none are defined.
    pub flags: u32,
    /// When it signalled, `CLOCK_MONOTONIC`; 0 while it is pending.
    pub timestamp_ns: u64,
}

/// `struct sync_file_info`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct FileInfo {
    /// The sync file's name.
    pub name: [u8; 32],
    /// As [`RawFenceInfo::status`], for the whole.
    pub status: i32,
    /// Must be zero.
    pub flags: u32,
    /// How many elements the array has (in), how many fences there are (out).
    pub num_fences: u32,
    /// Must be zero.
    pub pad: u32,
    /// The address of an array of [`RawFenceInfo`].
    pub sync_fence_info: u64,
}

/// `struct sync_set_deadline`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct SetDeadline {
    /// The absolute time, `CLOCK_MONOTONIC`.
    pub deadline_ns: u64,
    /// Must be zero.
    pub pad: u64,
}

mod ioctl {
    use super::{FileInfo, MergeData, SetDeadline};
    nix::ioctl_readwrite!(merge, b'>', 3, MergeData);
    nix::ioctl_readwrite!(file_info, b'>', 4, FileInfo);
    nix::ioctl_write_ptr!(set_deadline, b'>', 5, SetDeadline);
}

/// `SYNC_IOC_MERGE`.
pub const MERGE: libc::Ioctl = nix::request_code_readwrite!(b'>', 3, size_of::<MergeData>());
/// `SYNC_IOC_FILE_INFO`.
pub const FILE_INFO: libc::Ioctl = nix::request_code_readwrite!(b'>', 4, size_of::<FileInfo>());
/// `SYNC_IOC_SET_DEADLINE`.
pub const SET_DEADLINE: libc::Ioctl = nix::request_code_write!(b'>', 5, size_of::<SetDeadline>());

/// One fence inside a sync file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceInfo {
    /// The timeline's name.
    pub timeline: String,
    /// The driver's name.
    pub driver: String,
    /// 0 pending, 1 signalled, negative errno signalled with an error.
    pub status: i32,
    /// When it signalled, `CLOCK_MONOTONIC` in nanoseconds; 0 while it is pending.
    pub timestamp_ns: u64,
}

/// What a sync file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The name given at the merge, or `driver-timeline<context>-<seqno>`.
    pub name: String,
    /// 0 pending, 1 signalled, negative errno signalled with an error.
    pub status: i32,
    /// Its fences.
    pub fences: Vec<FenceInfo>,
}

/// A sync file that this process holds.
#[derive(Debug)]
pub struct SyncFile(OwnedFd);

impl SyncFile {
    /// Takes over a descriptor that a driver, a syncobj or a dma-buf gave.
    pub fn new(fd: OwnedFd) -> Self {
        SyncFile(fd)
    }

    /// A second descriptor of the same sync file.
    ///
    /// # Errors
    /// As `dup`.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        self.0.try_clone().map(SyncFile)
    }

    /// A new sync file that signals when both have signalled. The kernel cuts `name` at 31 bytes.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn merge(&self, other: &SyncFile, name: &str) -> nix::Result<SyncFile> {
        let mut data = MergeData { fd2: other.0.as_raw_fd(), ..MergeData::default() };
        let len = name.len().min(data.name.len());
        data.name[..len].copy_from_slice(&name.as_bytes()[..len]);
        self.merge_raw(&mut data)
    }

    /// `SYNC_IOC_MERGE` with whatever `data` holds.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn merge_raw(&self, data: &mut MergeData) -> nix::Result<SyncFile> {
        // SAFETY: `data` is a live struct of the size that the request encodes; it holds no pointers.
        unsafe { ioctl::merge(self.0.as_raw_fd(), data) }?;
        // SAFETY: on success the kernel made this descriptor for us alone.
        Ok(SyncFile(unsafe { OwnedFd::from_raw_fd(data.fence) }))
    }

    /// Name, status and every fence. A fence that joins between the two calls is not possible: sync files are
    /// fixed, they can only shrink as fences signal.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn info(&self) -> nix::Result<Info> {
        let room = self.summary()?.num_fences as usize;
        let mut raw = vec![RawFenceInfo::default(); room];
        let mut info = FileInfo::default();
        self.info_into(&mut info, &mut raw)?;
        let fences = raw.iter().take(info.num_fences as usize).map(FenceInfo::from).collect();
        Ok(Info { name: text(&info.name), status: info.status, fences })
    }

    /// `SYNC_IOC_FILE_INFO` without room for fences: name, status and how many fences there are.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn summary(&self) -> nix::Result<FileInfo> {
        let mut info = FileInfo::default();
        self.info_into(&mut info, &mut [])?;
        Ok(info)
    }

    /// `SYNC_IOC_FILE_INFO` with the fields of `info`, and `fences` as its array.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn info_into(&self, info: &mut FileInfo, fences: &mut [RawFenceInfo]) -> nix::Result<()> {
        info.num_fences = fences.len() as u32;
        info.sync_fence_info = fences.as_mut_ptr() as u64;
        // SAFETY: `info` is a live struct of the size that the request encodes, and its array has the room it says.
        unsafe { ioctl::file_info(self.0.as_raw_fd(), info) }.map(drop)
    }

    /// `SYNC_IOC_FILE_INFO` with an array address that cannot be written.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn info_into_bad_address(&self, room: u32) -> nix::Result<()> {
        let mut info =
            FileInfo { num_fences: room, sync_fence_info: super::BAD_ADDRESS, ..FileInfo::default() };
        // SAFETY: `info` is live; the kernel checks the array's address, where nothing is mapped, before it writes.
        unsafe { ioctl::file_info(self.0.as_raw_fd(), &mut info) }.map(drop)
    }

    /// 0 pending, 1 signalled, negative errno signalled with an error.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn status(&self) -> nix::Result<i32> {
        self.summary().map(|info| info.status)
    }

    /// `SYNC_IOC_SET_DEADLINE`: hints that somebody would like the fence by then.
    ///
    /// # Errors
    /// As the ioctl.
    pub fn set_deadline(&self, data: &SetDeadline) -> nix::Result<()> {
        // SAFETY: `data` is a live struct of the size that the request encodes; it holds no pointers.
        unsafe { ioctl::set_deadline(self.0.as_raw_fd(), data) }.map(drop)
    }

    /// Waits with `poll` until it has signalled, at most `timeout_ms`; whether it has.
    ///
    /// # Errors
    /// As `poll`.
    pub fn wait(&self, timeout_ms: u16) -> nix::Result<bool> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(timeout_ms))?;
        Ok(fds[0].revents() == Some(PollFlags::POLLIN))
    }
}

impl AsFd for SyncFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SyncFile {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

impl From<SyncFile> for OwnedFd {
    fn from(file: SyncFile) -> OwnedFd {
        file.0
    }
}

impl From<&RawFenceInfo> for FenceInfo {
    fn from(raw: &RawFenceInfo) -> Self {
        FenceInfo {
            timeline: text(&raw.obj_name),
            driver: text(&raw.driver_name),
            status: raw.status,
            timestamp_ns: raw.timestamp_ns,
        }
    }
}
