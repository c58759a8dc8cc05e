//! GEM handles and the dumb buffers behind them.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use drm::buffer::{Buffer, DrmFourcc, Handle};

use super::{DmaBuf, Map};
use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::{mode, prime};

/// A GEM handle of one open file, closed on drop.
#[derive(Debug)]
pub struct Gem {
    card: Arc<DrmFile>,
    handle: u32,
    owned: bool,
}

impl Gem {
    /// Imports a dma-buf. The file keeps one handle a dma-buf: importing one that this file has already gives
    /// the handle that somebody else owns, so a case that does that uses [`prime::fd_to_handle`].
    ///
    /// # Errors
    /// What attaching and the driver's import answer.
    pub fn import(card: &Arc<DrmFile>, dmabuf: &DmaBuf) -> nix::Result<Gem> {
        let handle = prime::fd_to_handle(card.as_ref(), dmabuf.as_fd().as_raw_fd())?;
        Ok(Gem { card: Arc::clone(card), handle, owned: true })
    }

    /// Takes over a handle that a driver's own ioctl made.
    pub(crate) fn adopt(card: &Arc<DrmFile>, handle: u32) -> Gem {
        Gem { card: Arc::clone(card), handle, owned: true }
    }

    /// The number.
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// The file that the handle belongs to.
    pub fn card(&self) -> &Arc<DrmFile> {
        &self.card
    }

    /// Leaves the handle open for the closing of the file to end.
    pub fn abandon(&mut self) {
        self.owned = false;
    }

    /// Its dma-buf, readable and writable.
    ///
    /// # Errors
    /// Fails where the export does.
    pub fn export(&self) -> Result<DmaBuf, Stop> {
        let flags = prime::CLOEXEC | prime::RDWR;
        let fd = prime::handle_to_fd(self.card.as_ref(), self.handle, flags)
            .must(&format!("export a buffer of {}", self.card.name()))?;
        DmaBuf::new(fd)
    }
}

impl Drop for Gem {
    fn drop(&mut self) {
        if self.owned {
            let _ = prime::gem_close(self.card.as_ref(), self.handle);
        }
    }
}

/// A dumb buffer of 32-bit pixels.
#[derive(Debug)]
pub struct Dumb {
    gem: Gem,
    width: u32,
    height: u32,
    pitch: u32,
    size: u64,
}

impl Dumb {
    /// A dumb buffer of this many pixels.
    ///
    /// # Errors
    /// Skips where the driver has no dumb buffers, fails where it cannot make one.
    pub fn new(card: &Arc<DrmFile>, width: u32, height: u32) -> Result<Self, Stop> {
        let made = mode::create_dumb(card.as_ref(), width, height, 32).map_err(|e| {
            let text = format!("failed to create a dumb buffer on {}: {e}", card.name());
            // drm_mode_create_dumb() in drivers/gpu/drm/drm_dumb_buffers.c
            if e == nix::errno::Errno::ENOSYS { Stop::skip(text) } else { Stop::fail(text) }
        })?;
        Ok(Dumb {
            gem: Gem { card: Arc::clone(card), handle: made.handle, owned: true },
            width,
            height,
            pitch: made.pitch,
            size: made.size,
        })
    }

    /// Its GEM handle.
    pub fn gem(&self) -> &Gem {
        &self.gem
    }

    /// As [`Gem::abandon`].
    pub fn abandon(&mut self) {
        self.gem.abandon();
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// The whole of it in our address space, by way of the card.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn map(&self) -> Result<Map, Stop> {
        let card = self.gem.card.as_ref();
        let offset = mode::map_dumb(card, self.gem.handle)
            .must(&format!("ask {} for a dumb buffer's offset", card.name()))?;
        Map::shared(card, offset, self.size()).must(&format!("map a dumb buffer of {}", card.name()))
    }
}

impl Buffer for Dumb {
    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn format(&self) -> DrmFourcc {
        DrmFourcc::Xrgb8888
    }

    fn pitch(&self) -> u32 {
        self.pitch
    }

    fn handle(&self) -> Handle {
        // The kernel never gives out handle 0.
        let handle = std::num::NonZeroU32::new(self.gem.handle).unwrap_or(std::num::NonZeroU32::MIN);
        Handle::from(handle)
    }
}
