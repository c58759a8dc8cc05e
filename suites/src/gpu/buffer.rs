//! A buffer in a GPU's address space.

use std::sync::Arc;

use super::Gpu;
use super::driver::Use;
use crate::buffer::{DmaBuf, Gem, Map};
use crate::case::Stop;
use crate::must::Must;

/// A buffer that jobs of one open file can use; unbound and closed on drop, whatever jobs still do with it.
#[derive(Debug)]
pub struct Buffer {
    gpu: Arc<Gpu>,
    gem: Gem,
    address: u64,
    size: usize,
}

impl Buffer {
    pub(super) fn bound(gpu: &Arc<Gpu>, gem: Gem, size: usize, writable: bool) -> Result<Buffer, Stop> {
        let address = gpu.address(size);
        let what = format!("bind a buffer into the address space of {}", gpu.name());
        gpu.driver.bind(gem.handle(), address, size as u64, writable).must(&what)?;
        Ok(Buffer { gpu: Arc::clone(gpu), gem, address, size })
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Where the GPU sees it.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Its GEM handle.
    pub fn gem(&self) -> &Gem {
        &self.gem
    }

    /// The whole of it in our address space.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn map(&self) -> Result<Map, Stop> {
        let offset = self.gpu.driver.map_offset(self.gem.handle());
        let offset = offset.must(&format!("ask {} for a buffer's offset", self.gpu.name()))?;
        Map::shared(self.gpu.file(), offset, self.size).must(&format!("map a buffer of {}", self.gpu.name()))
    }

    /// Its dma-buf.
    ///
    /// # Errors
    /// Fails where the export does.
    pub fn export(&self) -> Result<DmaBuf, Stop> {
        self.gem.export()
    }

    /// Another GPU's or exporter's buffer, in this GPU's address space.
    ///
    /// # Errors
    /// Skips where the import is refused (the refusal is what the `dma-buf` suite checks), fails where the binding is.
    pub fn import(gpu: &Arc<Gpu>, dmabuf: &DmaBuf) -> Result<Buffer, Stop> {
        let gem = Gem::import(gpu.file(), dmabuf)
            .map_err(|errno| Stop::skip(format!("{} does not import this buffer: {errno}", gpu.name())))?;
        Self::bound(gpu, gem, dmabuf.size(), true)
    }

    pub(super) fn used(&self, writes: bool) -> Use {
        Use { handle: self.gem.handle(), address: self.address, writes }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // The closing of the handle ends the mapping too, should this be refused.
        let _ = self.gpu.driver.unbind(self.gem.handle(), self.address, self.size as u64);
    }
}
