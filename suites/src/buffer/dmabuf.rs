//! A dma-buf: its identity, its CPU access, and the fences in its reservation.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;
use nix::unistd::{Whence, lseek};

use super::Map;
use crate::case::Stop;
use crate::must::Must;
use crate::uapi::dma_buf;
use crate::uapi::sync_file::SyncFile;

/// One side of a buffer's use: what a fence stands for, or what the CPU is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads: writers must wait for it, readers need not.
    Read,
    /// It writes: everybody must wait for it.
    Write,
}

impl Access {
    /// Both, for cases that check each.
    pub const BOTH: [Access; 2] = [Access::Read, Access::Write];

    /// `DMA_BUF_SYNC_READ` or `DMA_BUF_SYNC_WRITE`.
    pub fn flag(self) -> u32 {
        match self {
            Access::Read => dma_buf::READ,
            Access::Write => dma_buf::WRITE,
        }
    }

    /// What `poll(2)` asks for: `POLLIN` waits for writers, `POLLOUT` for everybody ("DOC: implicit fence
    /// polling" in `drivers/dma-buf/dma-buf.c`).
    pub fn poll_flag(self) -> PollFlags {
        match self {
            Access::Read => PollFlags::POLLIN,
            Access::Write => PollFlags::POLLOUT,
        }
    }

    /// Whether this access has to wait for a fence of that kind.
    pub fn waits_for(self, fence: Access) -> bool {
        self == Access::Write || fence == Access::Write
    }
}

/// An open dma-buf.
#[derive(Debug)]
pub struct DmaBuf {
    fd: OwnedFd,
    size: usize,
}

impl DmaBuf {
    /// Takes over `fd`, whose size it asks for.
    ///
    /// # Errors
    /// Fails where the fd does not tell its size, as a dma-buf must.
    pub fn new(fd: OwnedFd) -> Result<Self, Stop> {
        let size = lseek(&fd, 0, Whence::SeekEnd).must("ask the dma-buf for its size")?;
        Ok(DmaBuf { fd, size: usize::try_from(size).unwrap_or(0) })
    }

    /// Bytes, a multiple of the page size.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The inode number, which is the same for every fd of one dma-buf and no other's
    /// (`dma_buf_getfile()` in `drivers/dma-buf/dma-buf.c`).
    ///
    /// # Errors
    /// Fails where `fstat(2)` does.
    pub fn identity(&self) -> Result<u64, Stop> {
        fstat(&self.fd).map(|s| s.st_ino).must("stat the dma-buf")
    }

    /// Another fd of the same file.
    ///
    /// # Errors
    /// Fails where `dup(2)` does.
    pub fn duplicate(&self) -> Result<DmaBuf, Stop> {
        let fd = self.fd.try_clone().must("duplicate the dma-buf's fd")?;
        Ok(DmaBuf { fd, size: self.size })
    }

    /// The whole of it in our address space.
    ///
    /// # Errors
    /// Fails where the exporter refuses.
    pub fn map(&self) -> Result<Map, Stop> {
        Map::shared(&self.fd, 0, self.size).must("map the dma-buf")
    }

    /// Begins CPU access: waits until the fences that stand against it signalled.
    ///
    /// # Errors
    /// As [`dma_buf::sync`]; `EINTR` where a signal comes first.
    pub fn begin(&self, access: Access) -> nix::Result<()> {
        dma_buf::sync(&self.fd, access.flag() | dma_buf::START)
    }

    /// Ends CPU access.
    ///
    /// # Errors
    /// As [`dma_buf::sync`].
    pub fn end(&self, access: Access) -> nix::Result<()> {
        dma_buf::sync(&self.fd, access.flag() | dma_buf::END)
    }

    /// Whether this access would not have to wait, within `timeout` (`poll(2)`).
    ///
    /// # Errors
    /// Fails where the poll does, or answers with an error event.
    pub fn ready(&self, access: Access, timeout: Duration) -> Result<bool, Stop> {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.fd.as_fd(), access.poll_flag())];
        poll(&mut fds, timeout).must("poll the dma-buf")?;
        let found = fds[0].revents().unwrap_or(PollFlags::empty());
        match found.difference(access.poll_flag()).is_empty() {
            true => Ok(!found.is_empty()),
            false => Err(Stop::fail(format!("poll of the dma-buf answered {found:?}"))),
        }
    }

    /// A sync file of the fences that this access would have to wait for at this moment.
    ///
    /// # Errors
    /// Fails where the kernel refuses.
    pub fn export_fences(&self, access: Access) -> Result<SyncFile, Stop> {
        dma_buf::export_sync_file(&self.fd, access.flag())
            .map(SyncFile::new)
            .must(&format!("export the dma-buf's fences for {access:?}"))
    }

    /// Adds the fences of a sync file as those of this access.
    ///
    /// # Errors
    /// Fails where the kernel refuses.
    pub fn import_fence(&self, access: Access, sync_file: impl AsFd) -> Result<(), Stop> {
        dma_buf::import_sync_file(&self.fd, access.flag(), sync_file)
            .must(&format!("import a fence for {access:?} into the dma-buf"))
    }
}

impl From<DmaBuf> for OwnedFd {
    fn from(dmabuf: DmaBuf) -> OwnedFd {
        dmabuf.fd
    }
}

impl AsFd for DmaBuf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::Access::{Read, Write};

    #[test]
    fn only_readers_pass_readers() {
        assert!(!Read.waits_for(Read));
        assert!(Read.waits_for(Write) && Write.waits_for(Read) && Write.waits_for(Write));
    }
}
