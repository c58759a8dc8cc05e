//! Framebuffers.

use std::num::NonZeroU32;
use std::sync::Arc;

use drm::buffer::{Buffer, DrmFourcc, Handle};
use drm::control::Device as _;
use drm::control::framebuffer;

use crate::buffer::Dumb;
use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;

/// A framebuffer, removed on drop. It keeps its buffer.
#[derive(Debug)]
pub struct Framebuffer<B = Dumb> {
    card: Arc<DrmFile>,
    handle: framebuffer::Handle,
    buffer: B,
    removed: bool,
}

/// A buffer as a case describes it: an imported one, or one that claims another shape than it has.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The GEM handle; 0, which the kernel never gives out, becomes 1.
    pub handle: u32,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// Bytes from line to line.
    pub pitch: u32,
}

impl Buffer for Layout {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn format(&self) -> DrmFourcc {
        DrmFourcc::Xrgb8888
    }

    fn pitch(&self) -> u32 {
        self.pitch
    }

    fn handle(&self) -> Handle {
        Handle::from(NonZeroU32::new(self.handle).unwrap_or(NonZeroU32::MIN))
    }
}

impl<B: Buffer> Framebuffer<B> {
    /// A framebuffer over `buffer`.
    ///
    /// # Errors
    /// The errno with which the driver refuses.
    pub fn try_new(card: &Arc<DrmFile>, buffer: B) -> std::io::Result<Self> {
        Self::with_depth(card, buffer, 24)
    }

    /// A framebuffer over `buffer` of depth 24 (XRGB8888) or 32 (ARGB8888, as cursors have).
    ///
    /// # Errors
    /// The errno with which the driver refuses.
    pub fn with_depth(card: &Arc<DrmFile>, buffer: B, depth: u32) -> std::io::Result<Self> {
        let handle = card.add_framebuffer(&buffer, depth, 32)?;
        Ok(Framebuffer { card: Arc::clone(card), handle, buffer, removed: false })
    }

    /// The buffer.
    pub fn buffer(&self) -> &B {
        &self.buffer
    }
}

impl Framebuffer {
    /// A framebuffer over a new dumb buffer.
    ///
    /// # Errors
    /// Fails where the driver makes none.
    pub fn dumb(card: &Arc<DrmFile>, size: (u32, u32)) -> Result<Self, Stop> {
        let buffer = Dumb::new(card, size.0, size.1)?;
        Self::try_new(card, buffer).must(&format!("add a framebuffer on {}", card.name()))
    }

    /// Leaves framebuffer and buffer for the closing of the file to end.
    pub fn abandon(mut self) {
        self.removed = true;
        self.buffer.abandon();
    }
}

impl<B> Framebuffer<B> {
    /// Its id.
    pub fn id(&self) -> u32 {
        self.handle.into()
    }

    /// Its handle in the `drm` crate's terms.
    pub fn handle(&self) -> framebuffer::Handle {
        self.handle
    }

    /// Removes it from the file and gives the buffer back. A screen that shows it goes dark.
    ///
    /// # Errors
    /// Fails where the kernel refuses.
    pub fn remove(mut self) -> Result<(), Stop> {
        self.removed = true;
        self.card.destroy_framebuffer(self.handle).must("remove a framebuffer")
    }
}

impl<B> Drop for Framebuffer<B> {
    fn drop(&mut self) {
        if !self.removed {
            let _ = self.card.destroy_framebuffer(self.handle);
        }
    }
}
