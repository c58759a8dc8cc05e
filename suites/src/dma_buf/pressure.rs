//! Shared buffers while the kernel looks for memory.

use std::fs;

use super::cpu::write_pattern;
use super::fences::settled;
use super::import::import_on;
use crate::buffer::{Access, Exporter};
use crate::case::{Stop, Tested};
use crate::cgroup::own_group;
use crate::ctx::Ctx;
use crate::gpu::PAGE;
use crate::kms::{Framebuffer, Stage};
use crate::must::{HasErrno, Must};
use crate::pending::Pending;
use crate::squeeze::Squeeze;
use crate::userptr::Pages;
use crate::{check, check_eq};

/// 2 has every shrinker give up what it holds, and leaves the page cache alone (`Documentation/admin-guide/sysctl/vm.rst`).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
/// More video memory than the emulated displays have.
const BEYOND_VRAM: u64 = 80 << 20;
/// How much of each framebuffer is written and looked at: a moved buffer is moved whole.
const LOOKED_AT: usize = 64 << 10;

pub(super) fn reclaim(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let gem = import_on(ctx, 1, &made.dmabuf)?;
    let mut writer = made.dmabuf.map()?;
    for seed in 1..4 {
        write_pattern(&made.dmabuf, &mut writer, seed)?;
        let fence = Pending::new()?;
        made.dmabuf.import_fence(Access::Write, &fence)?;
        press(ctx)?;
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence after the pressure");
        fence.signal()?;
        let reader = gem.export()?.map()?;
        check_eq!(reader.differs(seed, reader.len()), None, "the first difference after the pressure");
    }
    Ok(())
}

/// Runs every shrinker, and reclaims from the case's own cgroup where it has one.
fn press(ctx: &Ctx) -> Tested {
    fs::write(DROP_CACHES, "2")
        .map_err(|e| Stop::skip(format!("memory pressure needs root: {DROP_CACHES}: {:?}", e.errno())))?;
    let Ok(group) = own_group() else {
        ctx.note("no cgroup v2: nothing is reclaimed from the case's own memory");
        return Ok(());
    };
    // EAGAIN: less than that could be reclaimed. ENOENT: no memory controller here.
    match fs::write(group.join("memory.reclaim"), "64M").map_err(|e| e.errno()) {
        Ok(()) | Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Stop::fail(format!("failed to reclaim from the case's cgroup: {errno}"))),
    }
}

/// Bytes are in a buffer, however they came there and whoever could still write them: reclaim may put them away, not lose them.
pub(super) fn unmapped(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make(512, 512)?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 5)?;
    press(ctx)?;
    let reader = made.dmabuf.map()?;
    check_eq!(reader.differs(5, reader.len()), None, "the first difference after the pressure");
    Ok(())
}

/// The case's memory while its buffers take theirs, in bytes: what it holds and what they need are more than that.
const SQUEEZED: usize = 10 << 20;
const HELD: usize = 7 << 20;
/// Buffers of 512 by 512 pixels of 32 bits: 1 MiB each.
const BUFFERS: u64 = 6;

/// Makes and writes buffers where each new page needs another one to go: a map, a CPU access and a fault all ask for pages under
/// the reservation, and find reclaim there.
pub(super) fn squeezed(ctx: &mut Ctx) -> Tested {
    let held = Pages::new(HELD / PAGE)?;
    held.fill(7);
    let exporter = Exporter::open(ctx.device(0))?;
    let squeeze = Squeeze::to(SQUEEZED)?;
    let mut shared = Vec::new();
    for seed in 0..BUFFERS {
        let made = exporter.make(512, 512)?;
        let mut writer = made.dmabuf.map()?;
        write_pattern(&made.dmabuf, &mut writer, seed)?;
        shared.push((seed, made, writer));
    }
    held.holds(7, "memory that gave way to buffers")?;
    for (seed, _, map) in &shared {
        check_eq!(map.differs(*seed, map.len()), None, "the first difference in buffer {seed} of {BUFFERS}");
    }
    if squeeze.swapped() == Some(0) {
        ctx.note("the exporter's pages are not counted as the case's: nothing had to give way");
    }
    Ok(())
}

/// Shows more framebuffers than fit into the device's memory, one after the other, while all of them are exported.
pub(super) fn evict(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (width, height) = stage.size();
    let count = (BEYOND_VRAM / (u64::from(width) * u64::from(height) * 4)).clamp(4, 128);
    let mut shown = Vec::new();
    for seed in 0..count {
        let framebuffer: Framebuffer = stage.framebuffer()?;
        let dmabuf = framebuffer.buffer().gem().export()?;
        dmabuf.begin(Access::Write).must("begin writing")?;
        dmabuf.map()?.fill(seed, LOOKED_AT);
        dmabuf.end(Access::Write).must("end writing")?;
        stage.on(framebuffer.id()).send().must("show a framebuffer")?;
        shown.push((seed, framebuffer, dmabuf));
    }
    for (seed, _, dmabuf) in &shown {
        let differs = dmabuf.map()?.differs(*seed, LOOKED_AT);
        check_eq!(differs, None, "the first difference of framebuffer {seed} of {count}");
    }
    // Back into video memory, in use by the display, and out again.
    for (seed, framebuffer, dmabuf) in shown.iter().step_by(7) {
        stage.on(framebuffer.id()).send().must("show an evicted framebuffer")?;
        check!(dmabuf.map()?.differs(*seed, 4096).is_none(), "framebuffer {seed} lost its bytes");
    }
    stage.turn_off()
}
