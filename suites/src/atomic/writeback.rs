//! What a CRTC shows, written into a framebuffer, and the fence of that.

use nix::errno::Errno;

use crate::buffer::Access;
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::dma_buf::open_fds;
use crate::kms::{Framebuffer, Stage, Writeback};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::BAD_ADDRESS;
use crate::{check, check_eq};

/// The colours of two pixels; the fourth byte of each means nothing in XRGB8888.
const COLOURS: u64 = 0x00ff_ffff_00ff_ffff;

/// A lit pipeline, its writeback connector, and a framebuffer to write into.
fn target(ctx: &Ctx) -> Result<(Stage, Writeback, Framebuffer), Stop> {
    let stage = Stage::lit(ctx.device(0))?;
    let writeback = Writeback::of(&stage)?;
    let into = stage.framebuffer()?;
    Ok((stage, writeback, into))
}

pub(super) fn pixels(ctx: &mut Ctx) -> Tested {
    let (stage, writeback, into) = target(ctx)?;
    for (seed, shown) in (1..).zip([&stage.back, &stage.front]) {
        let size = shown.buffer().size();
        shown.buffer().map()?.fill(seed, size);
        let commit = writeback.job(&stage, stage.on(shown.id()), into.id());
        let written = writeback.out_fence(commit).send().must("write a frame back")?.out_fence()?;
        check!(written.wait(8000).must("poll the writeback's fence")?, "the writeback did not end");
        check_eq!(written.status(), Ok(1), "the status of the writeback's fence");
        let map = into.buffer().map()?;
        check_eq!(map.differs_in(COLOURS, seed, size), None, "the first pixels that are not those shown");
    }
    Ok(())
}

pub(super) fn waits(ctx: &mut Ctx) -> Tested {
    let (stage, writeback, into) = target(ctx)?;
    let fence = Pending::new()?;
    let commit = stage.in_fence(stage.on(stage.back.id()), &fence)?;
    let commit = writeback.out_fence(writeback.job(&stage, commit, into.id()));
    let written = commit.nonblock().send().must("queue a writeback")?.out_fence()?;
    stage.events().none()?;
    check_eq!(written.status(), Ok(0), "the status of the writeback's fence under a pending in-fence");
    fence.signal()?;
    check!(written.wait(8000).must("poll the writeback's fence")?, "the writeback did not end");
    Ok(())
}

pub(super) fn feeds(ctx: &mut Ctx) -> Tested {
    let (stage, writeback, into) = target(ctx)?;
    let fence = Pending::new()?;
    let commit = stage.in_fence(stage.on(stage.back.id()), &fence)?;
    let commit = writeback.out_fence(writeback.job(&stage, commit, into.id()));
    let written = commit.nonblock().send().must("queue a writeback")?.out_fence()?;
    // Who reads what is written waits for it like for any other writer.
    let dmabuf = into.buffer().gem().export()?;
    dmabuf.import_fence(Access::Write, &written)?;
    let busy = !dmabuf.ready(Access::Read, std::time::Duration::ZERO)?;
    check!(busy, "a buffer that is still to be written is ready for reading");
    fence.signal()?;
    let ready = dmabuf.ready(Access::Read, std::time::Duration::from_secs(8))?;
    check!(ready, "the writeback did not end");
    Ok(())
}

pub(super) fn refusals(ctx: &mut Ctx) -> Tested {
    let (stage, writeback, into) = target(ctx)?;
    let before = open_fds()?;
    // drm_atomic_connector_check(): a fence needs a framebuffer to be written, and that a CRTC.
    let unfed = writeback.job(&stage, stage.on(stage.back.id()), 0);
    let Err(refused) = writeback.out_fence(unfed).send() else {
        return Err(Stop::fail("a writeback's fence was given without a framebuffer"));
    };
    check_eq!(refused.errno, Errno::EINVAL, "the answer to a writeback's fence without a framebuffer");
    check_eq!(refused.out_word(), -1, "the word of a refused writeback's fence");
    let loose = writeback.set(stage.commit(), "WRITEBACK_FB_ID", into.id().into());
    loose.send().refused("a writeback without a CRTC", Errno::EINVAL)?;
    let job = || writeback.job(&stage, stage.on(stage.back.id()), into.id());
    let tested = writeback.out_fence(job()).test_only().send().must("test a writeback")?;
    check_eq!(tested.out_word(), -1, "the word of a tested writeback's fence");
    let bad = writeback.set(job(), "WRITEBACK_OUT_FENCE_PTR", BAD_ADDRESS);
    bad.send().refused("a writeback's fence to a bad address", Errno::EFAULT)?;
    check_eq!(open_fds()?, before, "open fds after the refusals");
    check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after the refusals");
    Ok(())
}
