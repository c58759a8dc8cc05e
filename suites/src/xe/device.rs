//! One open file of an xe device, and what its queries tell.

use std::sync::Arc;

use crate::buffer::{Gem, Map};
use crate::case::Stop;
use crate::device::Device;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::call;
use crate::uapi::xe::{self as uapi, EngineInstance, GemCreate, MmapOffset, WaitUserFence, request};

/// Every buffer's size and alignment: some devices bind no less (`XE_64K_PAGE_MASK` in xe_vm.c).
pub(super) const CHUNK: usize = 1 << 16;

/// One open file.
#[derive(Debug)]
pub(super) struct Xe {
    pub(super) file: Arc<DrmFile>,
    /// The mask of the region of system memory.
    placement: u32,
    /// An engine that runs batches.
    pub(super) engine: EngineInstance,
}

/// A buffer in system memory and its map. It belongs to no address space alone, so that it can be exported.
#[derive(Debug)]
pub(super) struct Bo {
    pub(super) gem: Gem,
    pub(super) map: Map,
}

impl Xe {
    /// Opens the render node and asks what there is.
    ///
    /// # Errors
    /// Fails where an answer is cut, skips a device without an engine that runs batches.
    pub(super) fn open(device: &Device) -> Result<Arc<Xe>, Stop> {
        let file = Arc::new(DrmFile::any(device)?);
        let ask =
            |query, what| uapi::query(&file, query).must(&format!("ask {} for its {what}", device.name));
        let regions =
            regions(&ask(uapi::QUERY_MEM_REGIONS, "memory")?).ok_or_else(|| cut("memory regions"))?;
        let system = regions.iter().find(|(class, _)| *class == uapi::REGION_SYSMEM);
        let placement = system.map(|(_, instance)| 1 << instance).ok_or_else(|| cut("memory regions"))?;
        let engines = engines(&ask(uapi::QUERY_ENGINES, "engines")?).ok_or_else(|| cut("engines"))?;
        let usable = || engines.iter().filter(|engine| engine.engine_class < uapi::CLASS_VM_BIND);
        let engine =
            usable().find(|engine| engine.engine_class == uapi::CLASS_COPY).or_else(|| usable().next());
        let none = || Stop::skip(format!("{} has no engine that runs batches", device.name));
        Ok(Arc::new(Xe { placement, engine: *engine.ok_or_else(none)?, file }))
    }

    /// A new buffer of [`CHUNK`] bytes.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub(super) fn bo(&self) -> Result<Bo, Stop> {
        let size = CHUNK as u64;
        let mut create = GemCreate {
            size,
            placement: self.placement,
            cpu_caching: uapi::CACHING_WB,
            ..Default::default()
        };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GEM_CREATE, &mut create) }.must("make a buffer")?;
        let gem = Gem::adopt(&self.file, create.handle);
        let mut at = MmapOffset { handle: create.handle, ..Default::default() };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GEM_MMAP_OFFSET, &mut at) }.must("ask for a buffer's offset")?;
        Ok(Bo { gem, map: Map::shared(self.file.as_ref(), at.offset, CHUNK).must("map a buffer")? })
    }

    /// `DRM_IOCTL_XE_WAIT_USER_FENCE`, once.
    ///
    /// # Errors
    /// `ETIME` at the timeout, `EINVAL` and `EFAULT` for what cannot be waited for.
    pub(super) fn wait(&self, wait: &WaitUserFence) -> nix::Result<()> {
        let mut wait = *wait;
        // SAFETY: the kernel reads the address with checks and writes nothing there.
        unsafe { call(&self.file, request::WAIT_USER_FENCE, &mut wait) }
    }
}

fn cut(what: &str) -> Stop {
    Stop::fail(format!("the list of {what} is cut"))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The elements of an answer that begins with their number and padding.
fn elements(bytes: &[u8], size: usize) -> Option<Vec<&[u8]>> {
    let count = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (0..count).map(|n| bytes.get(8 + n * size..8 + (n + 1) * size)).collect()
}

/// `struct drm_xe_query_mem_regions`: class and instance of each.
fn regions(bytes: &[u8]) -> Option<Vec<(u16, u16)>> {
    let each = elements(bytes, size_of::<uapi::MemRegion>())?;
    each.into_iter().map(|region| Some((short(region, 0)?, short(region, 2)?))).collect()
}

/// `struct drm_xe_query_engines`.
fn engines(bytes: &[u8]) -> Option<Vec<EngineInstance>> {
    let one = |engine: &[u8]| {
        Some(EngineInstance {
            engine_class: short(engine, 0)?,
            engine_instance: short(engine, 2)?,
            gt_id: short(engine, 4)?,
            pad: 0,
        })
    };
    elements(bytes, size_of::<uapi::Engine>())?.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_the_header_s_layout_and_never_beyond_their_end() {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 0];
        for (class, instance) in [(1u16, 0u16), (uapi::REGION_SYSMEM, 3)] {
            let at = bytes.len();
            bytes.extend([class.to_ne_bytes(), instance.to_ne_bytes()].concat());
            bytes.resize(at + size_of::<uapi::MemRegion>(), 0xee);
        }
        assert_eq!(regions(&bytes), Some(vec![(1, 0), (0, 3)]));
        assert_eq!(regions(&bytes[..bytes.len() - 1]), None);
        assert_eq!(engines(&[]).map(|e| e.len()), None);
        assert_eq!(engines(&[0; 8]).map(|e| e.len()), Some(0));
    }
}
