//! What a driver's file does: ioctls behind the words that all share.

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::Result;
use nix::errno::Errno;

use crate::uapi::sync_file::SyncFile;

/// A buffer that a job uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) handle: u32,
    pub(super) address: u64,
    pub(super) writes: bool,
}

/// A sync object, and its point; 0 is the binary fence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) handle: u32,
    pub(super) point: u64,
}

/// A job, ready for the kernel.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) context: u32,
    /// The command buffer.
    pub(super) batch: Use,
    /// Bytes of commands.
    pub(super) length: u32,
    /// The other buffers.
    pub(super) uses: &'a [Use],
    /// A sync file that the job waits for.
    pub(super) after: Option<BorrowedFd<'a>>,
    pub(super) waits: &'a [Point],
    pub(super) signals: &'a [Point],
}

/// One driver's ioctls on one open file.
pub(super) trait Driver: fmt::Debug + Send + Sync {
    fn context(&self) -> Result<u32>;
    fn free_context(&self, context: u32) -> Result<()>;
    /// Whether the driver holds a job of this context to have hung the GPU.
    fn is_guilty(&self, context: u32) -> Result<bool>;
    fn allocate(&self, size: u64) -> Result<u32>;
    /// Where a buffer lies in the file, for `mmap(2)`.
    fn map_offset(&self, handle: u32) -> Result<u64>;
    fn userptr(&self, start: u64, size: u64, read_only: bool) -> Result<u32>;
    fn bind(&self, handle: u32, address: u64, size: u64, writable: bool) -> Result<()>;
    fn unbind(&self, handle: u32, address: u64, size: u64) -> Result<()>;
    /// Submits the job; its fence.
    fn submit(&self, work: &Work<'_>) -> Result<SyncFile>;
    fn waits_in_notifier(&self) -> bool;
    fn export_refusal(&self) -> Errno;
}
