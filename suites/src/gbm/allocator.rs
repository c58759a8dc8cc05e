//! libgbm: buffers that the driver's user-space half lays out.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use gbm::{BufferObject, BufferObjectFlags as Use, Device, Format, Modifier};
use nix::errno::Errno;

use super::layout::{Layout, Plane};
use crate::buffer::DmaBuf;
use crate::case::Stop;
use crate::must::HasErrno;
use crate::open::DrmFile;

/// The allocator of one open file.
pub(super) struct Allocator {
    device: Device<Arc<DrmFile>>,
}

/// A buffer of it, given back on drop.
pub(super) struct Made {
    bo: BufferObject<()>,
}

impl Allocator {
    /// Opens it.
    ///
    /// # Errors
    /// Skips where no driver of this machine's libgbm takes the device.
    pub(super) fn open(card: &Arc<DrmFile>) -> Result<Self, Stop> {
        let device = Device::new(Arc::clone(card));
        let none =
            |e: io::Error| Stop::skip(format!("libgbm has no driver for {}: {:?}", card.name(), e.errno()));
        Ok(Allocator { device: device.map_err(none)? })
    }

    /// The name of the backend, `drm` for Mesa's.
    pub(super) fn backend(&self) -> &str {
        self.device.backend_name()
    }

    /// A buffer to be shown that has exactly this modifier.
    ///
    /// # Errors
    /// What libgbm answers: mostly `ENOSYS` of a driver without modifiers, `EINVAL` for one that it does not know.
    pub(super) fn with_modifier(&self, fourcc: u32, size: (u32, u32), modifier: u64) -> nix::Result<Made> {
        let wanted = std::iter::once(Modifier::from(modifier));
        let usage = Use::SCANOUT | Use::RENDERING;
        let (width, height) = size;
        made(self.device.create_buffer_object_with_modifiers2(width, height, format(fourcc)?, wanted, usage))
    }

    /// A buffer to be shown, laid out as the driver likes.
    ///
    /// # Errors
    /// What libgbm answers.
    pub(super) fn scanout(&self, fourcc: u32, size: (u32, u32)) -> nix::Result<Made> {
        self.make(fourcc, size, Use::SCANOUT | Use::RENDERING)
    }

    /// A buffer to be drawn to, laid out as the driver likes.
    ///
    /// # Errors
    /// What libgbm answers.
    pub(super) fn rendering(&self, fourcc: u32, size: (u32, u32)) -> nix::Result<Made> {
        self.make(fourcc, size, Use::RENDERING)
    }

    /// A buffer without tiles.
    ///
    /// # Errors
    /// What libgbm answers.
    pub(super) fn linear(&self, fourcc: u32, size: (u32, u32)) -> nix::Result<Made> {
        self.make(fourcc, size, Use::LINEAR | Use::RENDERING)
    }

    fn make(&self, fourcc: u32, (width, height): (u32, u32), usage: Use) -> nix::Result<Made> {
        made(self.device.create_buffer_object(width, height, format(fourcc)?, usage))
    }

    /// Takes exported planes as a buffer of this layout.
    ///
    /// # Errors
    /// What libgbm answers.
    pub(super) fn take_back(&self, layout: &Layout, planes: &[DmaBuf]) -> nix::Result<Made> {
        let mut fds = [None; 4];
        let (mut pitches, mut offsets) = ([0; 4], [0; 4]);
        for (n, (dmabuf, plane)) in planes.iter().zip(&layout.planes).enumerate() {
            fds[n] = Some(dmabuf.as_fd());
            pitches[n] = plane.pitch as i32;
            offsets[n] = plane.offset as i32;
        }
        let (width, height) = layout.size;
        made(self.device.import_buffer_object_from_dma_buf_with_modifiers(
            planes.len() as u32,
            fds,
            width,
            height,
            format(layout.fourcc)?,
            Use::RENDERING,
            pitches,
            offsets,
            Modifier::from(layout.modifier),
        ))
    }
}

impl Made {
    /// How it lies.
    pub(super) fn layout(&self) -> Layout {
        let plane = |n| Plane { offset: self.bo.offset(n), pitch: self.bo.stride_for_plane(n) };
        Layout {
            size: (self.bo.width(), self.bo.height()),
            fourcc: self.bo.format() as u32,
            modifier: self.bo.modifier().into(),
            planes: (0..self.count()).map(plane).collect(),
        }
    }

    fn count(&self) -> i32 {
        self.bo.plane_count().min(4) as i32
    }

    /// The GEM handle of each plane, libgbm's own.
    pub(super) fn handles(&self) -> Vec<u32> {
        // SAFETY: a GEM handle is the union's `u32_`; the other members are for systems without DRM.
        (0..self.count()).map(|n| unsafe { self.bo.handle_for_plane(n).u32_ }).collect()
    }

    /// The dma-buf of each plane; two planes may be in one.
    ///
    /// # Errors
    /// Fails where libgbm exports none.
    pub(super) fn export(&self) -> Result<Vec<DmaBuf>, Stop> {
        let fd = |n| {
            let none = |_| Stop::fail(format!("libgbm exports no dma-buf of plane {n}: {}", Errno::last()));
            DmaBuf::new(self.bo.fd_for_plane(n).map_err(none)?)
        };
        (0..self.count()).map(fd).collect()
    }

    /// Writes each line of pixels full of the byte that `row` names, through libgbm's map.
    ///
    /// # Errors
    /// What libgbm answers.
    pub(super) fn fill(&mut self, row: impl Fn(u32) -> u8) -> nix::Result<()> {
        let (width, height) = (self.bo.width(), self.bo.height());
        let bytes = width as usize * 4;
        let mapped = self.bo.map_mut(0, 0, width, height, |map| {
            let pitch = map.stride() as usize;
            for (line, pixels) in (0..).zip(map.buffer_mut().chunks_mut(pitch)) {
                let bytes = bytes.min(pixels.len());
                pixels[..bytes].fill(row(line));
            }
        });
        mapped.map_err(|e| e.errno())
    }
}

fn format(fourcc: u32) -> nix::Result<Format> {
    Format::try_from(fourcc).map_err(|_| Errno::EINVAL)
}

fn made(bo: io::Result<BufferObject<()>>) -> nix::Result<Made> {
    bo.map(|bo| Made { bo }).map_err(|e| e.errno())
}
