//! Everything that makes dma-bufs, behind one face.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::ftruncate;

use super::{DmaBuf, Dumb};
use crate::case::Stop;
use crate::device::{Device, Kind};
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::{dma_heap, udmabuf};

/// An open exporter.
#[derive(Debug)]
pub enum Exporter {
    /// A DRM device: dumb buffers, exported by PRIME.
    Drm(Arc<DrmFile>),
    /// `/dev/udmabuf`: sealed memfds.
    Udmabuf(File),
    /// A dma-heap.
    Heap(File),
}

/// A dma-buf with what is behind it. Dropping [`Exported::source`] alone leaves the dma-buf to its other owners.
#[derive(Debug)]
pub struct Exported {
    /// The dma-buf.
    pub dmabuf: DmaBuf,
    /// What it was made from.
    pub source: Source,
}

/// What a dma-buf was made from.
#[derive(Debug)]
pub enum Source {
    /// A dumb buffer.
    Dumb(Dumb),
    /// A memfd.
    Memfd(OwnedFd),
    /// Nothing but the heap.
    Heap,
}

impl Source {
    /// Lets go of it; a GEM handle stays open for the closing of its file to end.
    pub fn abandon(self) {
        if let Source::Dumb(mut dumb) = self {
            dumb.abandon();
        }
    }
}

impl Exporter {
    /// Opens the device for exporting.
    ///
    /// # Errors
    /// Skips a device without a node for it, fails where the node does not open.
    pub fn open(device: &Device) -> Result<Self, Stop> {
        let node = || {
            let path =
                device.node.as_deref().ok_or_else(|| Stop::skip(format!("{} has no node", device.name)))?;
            let file = OpenOptions::new().read(true).write(true).open(path);
            file.must(&format!("open {} of {}", path.display(), device.name))
        };
        match device.kind {
            Kind::Drm => Ok(Exporter::Drm(Arc::new(DrmFile::card(device)?))),
            Kind::Udmabuf => Ok(Exporter::Udmabuf(node()?)),
            Kind::DmaHeap => Ok(Exporter::Heap(node()?)),
            Kind::Module => Err(Stop::skip(format!("{} makes no dma-bufs", device.name))),
        }
    }

    /// A new dma-buf of at least `width` times `height` pixels of 32 bits.
    ///
    /// # Errors
    /// Fails where the buffer cannot be made or exported.
    pub fn make(&self, width: u32, height: u32) -> Result<Exported, Stop> {
        let size = u64::from(width) * u64::from(height) * 4;
        match self {
            Exporter::Drm(card) => {
                let dumb = Dumb::new(card, width, height)?;
                let dmabuf = dumb.gem().export()?;
                let source = Source::Dumb(dumb);
                Ok(Exported { dmabuf, source })
            }
            Exporter::Udmabuf(device) => {
                let size = size.next_multiple_of(4096);
                let memfd = sealed_memfd(size)?;
                let fd = udmabuf::create(device, &memfd, udmabuf::CLOEXEC, 0, size);
                let dmabuf = DmaBuf::new(fd.must("make a udmabuf")?)?;
                let source = Source::Memfd(memfd);
                Ok(Exported { dmabuf, source })
            }
            Exporter::Heap(heap) => {
                let flags = (libc::O_CLOEXEC | libc::O_RDWR) as u32;
                let fd = dma_heap::alloc(heap, size, flags, 0).must("allocate from the heap")?;
                let dmabuf = DmaBuf::new(fd)?;
                let source = Source::Heap;
                Ok(Exported { dmabuf, source })
            }
        }
    }

    /// A small dma-buf, four pages or a little more.
    ///
    /// # Errors
    /// As [`Exporter::make`].
    pub fn make_small(&self) -> Result<Exported, Stop> {
        self.make(64, 64)
    }

    /// The open card, where the exporter is a DRM device.
    pub fn card(&self) -> Option<&Arc<DrmFile>> {
        match self {
            Exporter::Drm(card) => Some(card),
            Exporter::Udmabuf(_) | Exporter::Heap(_) => None,
        }
    }
}

/// A memfd that udmabuf accepts: sealed against shrinking, not against writing
/// (`check_memfd_seals()` in `drivers/dma-buf/udmabuf.c`).
///
/// # Errors
/// Fails where the memfd cannot be made.
pub fn sealed_memfd(size: u64) -> Result<OwnedFd, Stop> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memfd = memfd_create("fencelab", flags).must("create a memfd")?;
    ftruncate(&memfd, size as i64).must("size the memfd")?;
    fcntl(&memfd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK)).must("seal the memfd")?;
    Ok(memfd)
}
