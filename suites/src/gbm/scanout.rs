//! A device shows what its own allocator made.

use super::allocator::{Allocator, Made};
use super::layout::XRGB;
use crate::atomic::completes;
use crate::buffer::Access;
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::{Planar, Stage, listed};
use crate::must::Must;
use crate::pending::Pending;
use crate::{check, check_eq};

/// The framebuffer over a buffer of the stage's own file.
fn framebuffer(stage: &Stage, made: &Made) -> Result<Planar, Stop> {
    let command = made.layout().framebuffer(&made.handles());
    Planar::add(stage.card(), &command).must(&format!("add a framebuffer of {:x?}", made.layout()))
}

/// A buffer of the screen's size, laid out as the driver likes.
fn likes(stage: &Stage, allocator: &Allocator) -> Result<Made, Stop> {
    let (name, backend) = (stage.card().name(), allocator.backend());
    allocator.scanout(XRGB, stage.size()).map_err(|errno| {
        Stop::skip(format!("libgbm's backend `{backend}` makes no buffer for {name}'s screen: {errno:?}"))
    })
}

pub(super) fn own(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let allocator = Allocator::open(stage.card())?;
    let liked = likes(&stage, &allocator)?;
    show(&stage, &liked)?;
    // Of a driver without modifiers, what it likes is all there is.
    let listed = listed(&stage, XRGB)?;
    let mut shown = Vec::new();
    for &modifier in &listed {
        // Which of the display's modifiers a GPU draws is its own affair.
        let Ok(made) = allocator.with_modifier(XRGB, stage.size(), modifier) else { continue };
        check_eq!(made.layout().modifier, modifier, "the modifier of a buffer that was to have it");
        show(&stage, &made)?;
        shown.push(format!("{modifier:#x}"));
    }
    let chosen = liked.layout().modifier;
    ctx.note(format_args!("its own choice is {chosen:#x}; of {} listed: {}", listed.len(), shown.join(", ")));
    Ok(())
}

/// Shows it, then the front again: a buffer on screen must not go.
fn show(stage: &Stage, made: &Made) -> Tested {
    let planar = framebuffer(stage, made)?;
    stage.flip(planar.id()).test_only().send().must("test a flip to the allocator's buffer")?;
    completes(stage, stage.flip(planar.id()))?;
    check_eq!(stage.shown()?, planar.id(), "the framebuffer after the flip");
    completes(stage, stage.flip(stage.front.id()))
}

pub(super) fn fence(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let allocator = Allocator::open(stage.card())?;
    let made = likes(&stage, &allocator)?;
    show(&stage, &made)?;
    let planar = framebuffer(&stage, &made)?;
    let dmabuf = made.export()?.swap_remove(0);
    let reader = Pending::new()?;
    dmabuf.import_fence(Access::Read, &reader)?;
    completes(&stage, stage.flip(planar.id()))?;
    check_eq!(reader.fence().status(), Ok(0), "the status of the reader that nobody had to wait for");
    completes(&stage, stage.flip(stage.front.id()))?;
    let writer = Pending::new()?;
    dmabuf.import_fence(Access::Write, &writer)?;
    let mut events = stage.events();
    stage.flip(planar.id()).event(5).nonblock().send().must("queue a flip to a buffer that is written")?;
    events.none()?;
    writer.signal()?;
    events.flip(5)?;
    let shown = stage.shown()?;
    check!(shown == planar.id(), "framebuffer {shown} is shown, not the allocator's {}", planar.id());
    reader.signal()?;
    stage.flip(stage.front.id()).send().must("flip back").map(drop)
}
