//! Who may go first: handle, device file, fd, in every order, while the bytes are in use.

use std::fs;

use crate::buffer::{DmaBuf, Exporter, Source};
use crate::case::{Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::must::Must;

/// Something whose closing must not take the bytes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The exporter's file, and with it the handle behind the buffer.
    Device,
    /// The handle or memfd alone.
    Source,
    /// The dma-buf's fd.
    Buffer,
}

/// All orders of the three owners.
pub(super) const ORDERS: [[Owner; 3]; 6] = {
    use Owner::{Buffer, Device, Source};
    [
        [Device, Source, Buffer],
        [Device, Buffer, Source],
        [Source, Device, Buffer],
        [Source, Buffer, Device],
        [Buffer, Device, Source],
        [Buffer, Source, Device],
    ]
};

/// The owners that are still there.
pub(super) struct Owners {
    exporter: Option<Exporter>,
    source: Option<Source>,
    /// The dma-buf, until [`Owner::Buffer`] went.
    pub(super) dmabuf: Option<DmaBuf>,
}

impl Owners {
    /// Opens the device and makes a buffer.
    pub(super) fn of(ctx: &Ctx) -> Result<Self, Stop> {
        let exporter = Exporter::open(ctx.device(0))?;
        let made = exporter.make_small()?;
        Ok(Owners { exporter: Some(exporter), source: Some(made.source), dmabuf: Some(made.dmabuf) })
    }

    /// Closes one of them.
    pub(super) fn close(&mut self, owner: Owner) {
        match owner {
            Owner::Device => {
                if let Some(source) = self.source.take() {
                    source.abandon();
                }
                self.exporter = None;
            }
            Owner::Source => self.source = None,
            Owner::Buffer => self.dmabuf = None,
        }
    }
}

pub(super) fn close_orders(ctx: &mut Ctx) -> Tested {
    for (seed, order) in (1..).zip(ORDERS) {
        let mut owners = Owners::of(ctx)?;
        let Some(dmabuf) = &owners.dmabuf else { continue };
        let (mut writer, reader) = (dmabuf.map()?, dmabuf.map()?);
        for (step, owner) in (seed * 8..).zip(order) {
            owners.close(owner);
            writer.fill(step, writer.len());
            let differs = reader.differs(step, reader.len());
            check_eq!(differs, None, "the first difference after closing {owner:?} of {order:?}");
        }
    }
    Ok(())
}

pub(super) fn unmap_last(ctx: &mut Ctx) -> Tested {
    // The other way round: the owners outlive the maps, and a new map shows what the old one wrote.
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    for seed in 1..9 {
        let mut map = made.dmabuf.map()?;
        check_eq!(
            map.differs(seed - 1, if seed == 1 { 0 } else { map.len() }),
            None,
            "what was left by map {seed}"
        );
        map.fill(seed, map.len());
    }
    Ok(())
}

pub(super) fn no_fd_leaks(ctx: &mut Ctx) -> Tested {
    let exporter = Exporter::open(ctx.device(0))?;
    drop(exporter.make_small()?);
    let before = open_fds()?;
    for _ in 0..16 {
        let made = exporter.make_small()?;
        made.dmabuf.map()?.fill(1, 64);
    }
    check_eq!(open_fds()?, before, "open fds after 16 buffers came and went");
    Ok(())
}

/// How many descriptors this process has open.
pub(crate) fn open_fds() -> Result<usize, Stop> {
    fs::read_dir("/proc/self/fd").must("list the open fds").map(Iterator::count)
}
