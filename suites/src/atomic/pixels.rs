//! What is scanned out, as the device's own checksums tell.

use super::foreign::ForeignScreen;
use crate::case::Tested;
use crate::ctx::Ctx;
use crate::dma_buf::write_pattern;
use crate::kms::{Crc, Stage};
use crate::must::Must;
use crate::{check, check_eq};

pub(super) fn own(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut crc = Crc::of(&stage)?;
    stage.front.buffer().map()?.fill(1, stage.front.buffer().size());
    stage.back.buffer().map()?.fill(2, stage.back.buffer().size());
    let front = crc.frame()?;
    stage.flip(stage.back.id()).send().must("flip")?;
    let back = crc.frame()?;
    check!(front != back, "two framebuffers of different pixels have the checksum {front:#x}");
    stage.flip(stage.front.id()).send().must("flip back")?;
    check_eq!(crc.frame()?, front, "the checksum after flipping back");
    Ok(())
}

pub(super) fn foreign(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut crc = Crc::of(&stage)?;
    let foreign = ForeignScreen::on(&stage, ctx.device(1))?;
    // The same pixels in a buffer of our own are what the foreign one must look like.
    let mut map = foreign.made.dmabuf.map()?;
    write_pattern(&foreign.made.dmabuf, &mut map, 3)?;
    stage.front.buffer().map()?.fill(3, stage.front.buffer().size());
    stage.back.buffer().map()?.fill(4, stage.back.buffer().size());
    let wanted = crc.frame()?;
    stage.flip(stage.back.id()).send().must("flip to other pixels")?;
    check!(crc.frame()? != wanted, "other pixels have the same checksum");
    stage.flip(foreign.framebuffer.id()).send().must("flip to the foreign buffer")?;
    check_eq!(crc.frame()?, wanted, "the checksum of the foreign buffer");
    write_pattern(&foreign.made.dmabuf, &mut map, 5)?;
    check!(crc.frame()? != wanted, "what the exporter wrote does not reach the screen");
    drop(crc);
    stage.turn_off()
}
