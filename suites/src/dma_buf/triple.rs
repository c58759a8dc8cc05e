//! One buffer on three devices: its maker and two that took it.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use super::cpu::write_pattern;
use super::fences::{PATIENCE, settled};
use super::import::import_on;
use super::lifetime::open_fds;
use super::refusal::SANE;
use crate::buffer::{Access, DmaBuf, Exported, Gem, Source};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::uapi::prime;
use crate::{check, check_eq};

/// A buffer of device 0 on devices 1 and 2.
struct Three {
    made: Exported,
    gems: [Gem; 2],
}

impl Three {
    fn of(ctx: &Ctx) -> Result<Three, Stop> {
        let made = settled(ctx)?;
        let gems = [import_on(ctx, 1, &made.dmabuf)?, import_on(ctx, 2, &made.dmabuf)?];
        Ok(Three { made, gems })
    }

    /// The buffer by way of each device.
    fn sides(&self) -> Result<[DmaBuf; 3], Stop> {
        let [first, second] = &self.gems;
        Ok([self.made.dmabuf.duplicate()?, first.export()?, second.export()?])
    }
}

pub(super) fn data(ctx: &mut Ctx) -> Tested {
    let three = Three::of(ctx)?;
    let sides = three.sides()?;
    for (seed, writer) in (1..).zip(&sides) {
        write_pattern(writer, &mut writer.map()?, seed)?;
        for (place, reader) in sides.iter().enumerate() {
            reader.begin(Access::Read).map_err(Stop::fail)?;
            let map = reader.map()?;
            let device = &ctx.device(place).name;
            check_eq!(map.differs(seed, map.len()), None, "the first difference by {device}, write {seed}");
            reader.end(Access::Read).map_err(Stop::fail)?;
        }
    }
    Ok(())
}

pub(super) fn fences(ctx: &mut Ctx) -> Tested {
    let three = Three::of(ctx)?;
    let sides = three.sides()?;
    for (place, putter) in sides.iter().enumerate() {
        for of in Access::BOTH {
            let fence = Pending::new()?;
            putter.import_fence(of, &fence)?;
            stands_against(ctx, &sides, of, &format!("by {}", ctx.device(place).name))?;
            fence.signal()?;
            for side in &sides {
                check!(side.ready(Access::Write, PATIENCE)?, "a signalled fence is still in the way");
            }
        }
    }
    // Who put it in may leave: the fence is the buffer's.
    let Three { made, gems: [first, second] } = three;
    let fence = Pending::new()?;
    first.export()?.import_fence(Access::Write, &fence)?;
    drop((first, sides));
    let left = [made.dmabuf, second.export()?];
    for side in &left {
        check!(!side.ready(Access::Read, Duration::ZERO)?, "the fence left with the importer that put it in");
    }
    fence.signal()?;
    check!(left[1].ready(Access::Write, PATIENCE)?, "the fence is still in the way");
    Ok(())
}

fn stands_against(ctx: &Ctx, sides: &[DmaBuf], of: Access, how: &str) -> Tested {
    for (place, side) in sides.iter().enumerate() {
        for access in Access::BOTH {
            let ready = side.ready(access, Duration::ZERO)?;
            let device = &ctx.device(place).name;
            check_eq!(ready, !access.waits_for(of), "{device}'s readiness for {access:?} under {of:?} {how}");
        }
    }
    Ok(())
}

pub(super) fn answers(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 7)?;
    let cards = [1, 2].map(|role| DrmFile::card(ctx.device(role)).map(Arc::new));
    let [first, second] = cards;
    let (first, second) = (first?, second?);
    let before = open_fds()?;
    // Each alone and both together, in either order: no answer depends on the other device.
    let alone = [answer(&first, &made)?, answer(&second, &made)?];
    let taken = (Gem::import(&first, &made.dmabuf), Gem::import(&second, &made.dmabuf));
    check_eq!(taken.0.as_ref().err(), alone[0].as_ref(), "the first one's answer with the second beside it");
    check_eq!(taken.1.as_ref().err(), alone[1].as_ref(), "the second one's answer with the first beside it");
    drop(taken);
    check_eq!(open_fds()?, before, "open fds after the imports");
    let map = made.dmabuf.map()?;
    check_eq!(map.differs(7, map.len()), None, "the first difference after the imports");
    if let Source::Dumb(dumb) = &made.source {
        let fd = made.dmabuf.as_fd().as_raw_fd();
        let home = prime::fd_to_handle(dumb.gem().card().as_ref(), fd);
        check_eq!(home, Ok(dumb.gem().handle()), "the exporter's own handle after the imports");
    }
    Ok(())
}

/// The errno of an import; none where it works.
fn answer(card: &Arc<DrmFile>, made: &Exported) -> Result<Option<nix::errno::Errno>, Stop> {
    let errno = Gem::import(card, &made.dmabuf).err();
    check!(errno.is_none_or(|e| SANE.contains(&e)), "{} answered {errno:?}", card.name());
    Ok(errno)
}
