//! How a buffer lies in memory, and that its exported planes say the same.

use std::sync::Arc;

use drm::buffer::DrmFourcc;

use super::allocator::{Allocator, Made};
use crate::buffer::{Access, DmaBuf, Map};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::fb2::{FbCmd2, INVALID, LINEAR, MODIFIERS};
use crate::{Device, check, check_eq};

/// The format that every display has.
pub(super) const XRGB: u32 = DrmFourcc::Xrgb8888 as u32;
/// Two planes: brightness, and colour of half the size.
const NV12: u32 = DrmFourcc::Nv12 as u32;
const SIZE: (u32, u32) = (256, 64);

/// One plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plane {
    /// Bytes from the beginning of its dma-buf.
    pub(super) offset: u32,
    /// Bytes from line to line; of a tiled buffer what the modifier says.
    pub(super) pitch: u32,
}

/// A whole buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: (u32, u32),
    pub(super) fourcc: u32,
    pub(super) modifier: u64,
    pub(super) planes: Vec<Plane>,
}

impl Layout {
    /// The framebuffer over these handles, one a plane.
    pub(super) fn framebuffer(&self, handles: &[u32]) -> FbCmd2 {
        let (width, height) = self.size;
        let mut command = FbCmd2 { width, height, pixel_format: self.fourcc, ..FbCmd2::default() };
        for (n, (plane, &handle)) in self.planes.iter().zip(handles).enumerate().take(4) {
            command.handles[n] = handle;
            command.pitches[n] = plane.pitch;
            command.offsets[n] = plane.offset;
            if self.modifier != INVALID {
                command.modifier[n] = self.modifier;
                command.flags = MODIFIERS;
            }
        }
        command
    }
}

/// The device's allocator, on its card or, where it has none, its render node.
pub(super) fn of(device: &Device) -> Result<Allocator, Stop> {
    let card = if device.node.is_some() { DrmFile::card(device)? } else { DrmFile::render(device)? };
    Allocator::open(&Arc::new(card))
}

pub(super) fn planes(ctx: &mut Ctx) -> Tested {
    let allocator = of(ctx.device(0))?;
    let mut looked = 0;
    for fourcc in [XRGB, NV12] {
        let ways: [(&str, nix::Result<Made>); 3] = [
            ("scanout", allocator.scanout(fourcc, SIZE)),
            ("rendering", allocator.rendering(fourcc, SIZE)),
            ("linear", allocator.linear(fourcc, SIZE)),
        ];
        for (what, made) in ways {
            let Ok(made) = made else { continue };
            looked += 1;
            let layout = made.layout();
            ctx.note(format_args!("{what}: {layout:x?}"));
            check_planes(&layout, &made.export()?)?;
            check_round_trip(&allocator, &layout, &made)?;
        }
    }
    let (name, backend) = (&ctx.device(0).name, allocator.backend());
    match looked {
        0 => Err(Stop::skip(format!("libgbm's backend `{backend}` makes no buffer on {name}"))),
        _ => Ok(()),
    }
}

/// Each plane begins in its dma-buf, and the lines of a linear one end in it.
fn check_planes(layout: &Layout, planes: &[DmaBuf]) -> Tested {
    check!(!planes.is_empty(), "a buffer without planes: {layout:?}");
    for (n, (plane, dmabuf)) in layout.planes.iter().zip(planes).enumerate() {
        let lines = if n == 0 { layout.size.1 } else { layout.size.1 / 2 };
        let linear = [LINEAR, INVALID].contains(&layout.modifier);
        let bytes = if linear { plane.pitch as usize * lines as usize } else { 1 };
        let end = plane.offset as usize + bytes;
        check!(end <= dmabuf.size(), "plane {n} ends at {end} of a dma-buf of {} bytes", dmabuf.size());
    }
    Ok(())
}

/// The allocator takes its own planes back, and says the same of them.
fn check_round_trip(allocator: &Allocator, layout: &Layout, made: &Made) -> Tested {
    let planes = made.export()?;
    let back = match allocator.take_back(layout, &planes) {
        Ok(back) => back,
        // A driver without modifiers takes nothing that names one.
        Err(_) if layout.modifier == INVALID => return Ok(()),
        Err(errno) => return Err(Stop::fail(format!("libgbm takes its own buffer not back: {errno}"))),
    };
    check_eq!(back.layout().planes, layout.planes, "the planes of a buffer that came back");
    let again = back.export()?;
    for (n, (first, second)) in planes.iter().zip(&again).enumerate() {
        check_eq!(second.identity()?, first.identity()?, "the dma-buf of plane {n} that came back");
    }
    Ok(())
}

pub(super) fn bytes(ctx: &mut Ctx) -> Tested {
    let allocator = of(ctx.device(0))?;
    let name = &ctx.device(0).name;
    let cannot = |what| move |errno| Stop::skip(format!("libgbm {what} on {name}: {errno:?}"));
    let mut made = allocator.linear(XRGB, SIZE).map_err(cannot("makes no linear buffer"))?;
    let layout = made.layout();
    let dmabuf = made.export()?.swap_remove(0);
    for round in [0x11u8, 0x5a] {
        made.fill(|line| round.wrapping_add(line as u8)).map_err(cannot("maps no buffer"))?;
        dmabuf.begin(Access::Read).must("begin to read the dma-buf")?;
        // Mesa exports the buffers of its software renderer for reading alone.
        let map = Map::read_only(&dmabuf, dmabuf.size()).must("map the dma-buf for reading")?;
        for line in 0..SIZE.1 {
            let at = (layout.planes[0].offset + line * layout.planes[0].pitch) as usize / 8;
            let expected = u64::from_ne_bytes([round.wrapping_add(line as u8); 8]);
            let ends = [map.word(at), map.word(at + SIZE.0 as usize / 2 - 1)];
            check_eq!(ends, [expected; 2], "the first and the last pixels of line {line}");
        }
        dmabuf.end(Access::Read).must("end reading the dma-buf")?;
    }
    Ok(())
}
