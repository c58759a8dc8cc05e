//! Another device gets a buffer with all its planes and its modifier, as a compositor hands it on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use nix::errno::Errno;

use super::allocator::{Allocator, Made};
use super::layout::{Layout, XRGB, of};
use crate::atomic::completes;
use crate::buffer::{DmaBuf, Gem};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::dma_buf::{SANE, open_fds};
use crate::kms::{Planar, Stage, listed, modifiers};
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::fb2::{INVALID, NOBODYS};
use crate::{check, check_eq};

/// A buffer on another device: its framebuffer, and a handle for each dma-buf that it lies in.
struct Foreign {
    framebuffer: Planar,
    _gems: Vec<Gem>,
}

/// Imports every plane and adds a framebuffer. A file has one handle for a dma-buf, so planes that share one share that too.
fn import(card: &Arc<DrmFile>, layout: &Layout, planes: &[DmaBuf]) -> Result<Result<Foreign, Errno>, Stop> {
    let mut gems: Vec<Gem> = Vec::new();
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut handles = Vec::new();
    for dmabuf in planes {
        let handle = match known.entry(dmabuf.identity()?) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => match Gem::import(card, dmabuf) {
                Ok(gem) => {
                    let handle = *new.insert(gem.handle());
                    gems.push(gem);
                    handle
                }
                Err(errno) => return Ok(Err(errno)),
            },
        };
        handles.push(handle);
    }
    let added = Planar::add(card, &layout.framebuffer(&handles));
    Ok(added.map(|framebuffer| Foreign { framebuffer, _gems: gems }))
}

/// What the first device's allocator offers to the second one's screen, by modifier and by its own liking.
fn offers(allocator: &Allocator, stage: &Stage) -> Result<Vec<Made>, Stop> {
    let listed = listed(stage, XRGB)?;
    let mut made: Vec<Made> =
        listed.iter().filter_map(|&m| allocator.with_modifier(XRGB, stage.size(), m).ok()).collect();
    made.extend(allocator.scanout(XRGB, stage.size()));
    made.extend(allocator.linear(XRGB, stage.size()));
    match made.is_empty() {
        true => Err(Stop::skip(format!(
            "libgbm's backend `{}` makes no buffer of that size",
            allocator.backend()
        ))),
        false => Ok(made),
    }
}

pub(super) fn shown(ctx: &mut Ctx) -> Tested {
    let allocator = of(ctx.device(0))?;
    let stage = Stage::lit(ctx.device(1))?;
    let mut told = Vec::new();
    for made in offers(&allocator, &stage)? {
        let (layout, planes) = (made.layout(), made.export()?);
        let before = open_fds()?;
        let answer = match import(stage.card(), &layout, &planes)? {
            Ok(foreign) => show(&stage, &foreign)?,
            Err(errno) => {
                check!(SANE.contains(&errno), "{errno:?} tells nobody why {layout:x?} cannot be shown");
                let again = import(stage.card(), &layout, &planes)?.err();
                check_eq!(again, Some(errno), "the answer to the same import again");
                format!("{errno:?}")
            }
        };
        check_eq!(open_fds()?, before, "open fds after the import");
        told.push(format!("{:#x}: {answer}", layout.modifier));
    }
    ctx.note(told.join(", "));
    Ok(())
}

/// Shows it where the display can; a plane may still refuse what a framebuffer may be.
fn show(stage: &Stage, foreign: &Foreign) -> Result<String, Stop> {
    let flip = || stage.flip(foreign.framebuffer.id());
    if let Err(refused) = flip().test_only().send() {
        let errno = refused.errno;
        check_eq!(
            flip().test_only().send().map(drop).map_err(|r| r.errno),
            Err(errno),
            "the answer to the same test"
        );
        return Ok(format!("a framebuffer, not shown: {errno:?}"));
    }
    completes(stage, flip())?;
    completes(stage, stage.flip(stage.front.id()))?;
    Ok("shown".into())
}

pub(super) fn unlisted(ctx: &mut Ctx) -> Tested {
    let allocator = of(ctx.device(0))?;
    let stage = Stage::lit(ctx.device(1))?;
    let listed = modifiers(&stage, XRGB)?;
    let linear = allocator.linear(XRGB, stage.size());
    let made = linear.map_err(|e| Stop::skip(format!("libgbm makes no linear buffer: {e:?}")))?;
    let planes = made.export()?;
    let plain = import(stage.card(), &Layout { modifier: INVALID, ..made.layout() }, &planes)?;
    if let Err(errno) = plain {
        return Err(Stop::skip(format!("{} takes no such buffer at all: {errno:?}", stage.card().name())));
    }
    // One is nobody's, the other Arm's, which no display has beside its own.
    for modifier in [NOBODYS, 0x0800_0000_0000_0041] {
        if listed.contains(&modifier) {
            continue;
        }
        let answer = import(stage.card(), &Layout { modifier, ..made.layout() }, &planes)?;
        // framebuffer_check(): drm_any_plane_has_format() finds none.
        answer.map(drop).refused(&format!("a framebuffer with the modifier {modifier:#x}"), Errno::EINVAL)?;
    }
    stage.flip(stage.back.id()).send().must("flip after the refusals").map(drop)
}
