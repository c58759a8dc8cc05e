//! Shared buffers while the kernel looks for memory.

use std::fs;

use nix::errno::Errno;

use super::cpu::write_pattern;
use super::fences::settled;
use super::import::import_on;
use crate::buffer::{Access, Exporter};
use crate::case::{Stop, Tested};
use crate::cgroup::{memory_stat, own_group};
use crate::ctx::Ctx;
use crate::device::Device;
use crate::gpu::PAGE;
use crate::kms::{Framebuffer, Stage};
use crate::must::{HasErrno, Must};
use crate::pending::Pending;
use crate::squeeze::{Squeeze, until_swapped};
use crate::userptr::Pages;
use crate::{check, check_eq};

/// 2 has every shrinker give up what it holds, and leaves the page cache alone (`Documentation/admin-guide/sysctl/vm.rst`).
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";
/// What `reclaim` holds beside the buffer, in bytes: a shared buffer's own pages may be pinned.
const BESIDE: usize = 4 << 20;
/// More video memory than the emulated displays have.
const BEYOND_VRAM: u64 = 80 << 20;
/// How much of each framebuffer is written and looked at: a moved buffer is moved whole.
const LOOKED_AT: usize = 64 << 10;

pub(super) fn reclaim(ctx: &mut Ctx) -> Tested {
    let made = settled(ctx)?;
    let gem = import_on(ctx, 1, &made.dmabuf)?;
    let mut writer = made.dmabuf.map()?;
    let held = Pages::new(BESIDE / PAGE)?;
    let mut reclaimed = 0;
    for seed in 1..4 {
        held.fill(seed);
        write_pattern(&made.dmabuf, &mut writer, seed)?;
        let fence = Pending::new()?;
        made.dmabuf.import_fence(Access::Write, &fence)?;
        reclaimed += press()?.pages;
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence after the pressure");
        fence.signal()?;
        let reader = gem.export()?.map()?;
        check_eq!(reader.differs(seed, reader.len()), None, "the first difference after the pressure");
        held.holds(seed, "memory beside the buffer")?;
    }
    gave_way(reclaimed, "of the case's memory")
}

/// Skips where the pressure took nothing.
fn gave_way(taken: u64, what: &str) -> Tested {
    match taken {
        0 => Err(Stop::skip(format!("nothing {what} could be reclaimed"))),
        _ => Ok(()),
    }
}

/// What was taken from the case's cgroup.
struct Taken {
    /// Pages of any kind.
    pages: u64,
    /// Bytes of shared memory, which buffers of shmem are.
    shmem: u64,
}

/// Runs every shrinker, and reclaims from the case's own cgroup; skips where it has none.
fn press() -> Result<Taken, Stop> {
    fs::write(DROP_CACHES, "2")
        .map_err(|e| Stop::skip(format!("memory pressure needs root: {DROP_CACHES}: {:?}", e.errno())))?;
    let group = own_group().map_err(|e| Stop::skip(format!("no cgroup to reclaim from: {e}")))?;
    let count = |name| {
        let uncounted = || Stop::skip(format!("{} has no {name} in a memory.stat", group.display()));
        memory_stat(&group, name).ok_or_else(uncounted)
    };
    let before = (count("pgsteal")?, count("shmem")?);
    match fs::write(group.join("memory.reclaim"), "64M").map_err(|e| e.errno()) {
        // EAGAIN: less than that could be reclaimed.
        Ok(()) | Err(Errno::EAGAIN) => {}
        Err(Errno::ENOENT) => return Err(Stop::skip("this kernel reclaims from no cgroup on demand")),
        Err(errno) => return Err(Stop::fail(format!("failed to reclaim from the case's cgroup: {errno}"))),
    }
    let taken = Taken {
        pages: count("pgsteal")?.saturating_sub(before.0),
        shmem: before.1.saturating_sub(count("shmem")?),
    };
    Ok(taken)
}

/// Bytes are in a buffer, however they came there and whoever could still write them: reclaim may put them away, not lose them.
pub(super) fn unmapped(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make(512, 512)?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 5)?;
    let taken = press()?;
    let reader = made.dmabuf.map()?;
    check_eq!(reader.differs(5, reader.len()), None, "the first difference after the pressure");
    gave_way(taken.shmem, "of the buffer")
}

/// The case's memory while its buffers take theirs, in bytes: what it holds and what they need are more than that.
const SQUEEZED: usize = 10 << 20;
const HELD: usize = 7 << 20;
/// Buffers of 512 by 512 pixels of 32 bits: 1 MiB each.
const BUFFERS: u64 = 6;

/// Makes and writes buffers where each new page needs another one to go: a map, a CPU access and a fault all ask for pages under
/// the reservation, and find reclaim there.
pub(super) fn squeezed(ctx: &mut Ctx) -> Tested {
    until_swapped("the exporter's", || squeeze(ctx))
}

/// One attempt: how many of the case's bytes were in swap at its end.
fn squeeze(ctx: &Ctx) -> Result<Option<u64>, Stop> {
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
    Ok(squeeze.swapped())
}

/// How much video memory a device shows on its bus, in bytes: its largest window there. It may have more behind that.
fn video_memory(device: &Device) -> Result<u64, Stop> {
    let address = device.bus_path.as_deref().unwrap_or_default();
    let path = format!("/sys/bus/pci/devices/{address}/resource");
    let windows = fs::read_to_string(&path).map_err(|e| {
        Stop::skip(format!("how much video memory {} has is not known: {path}: {e}", device.name))
    })?;
    windows.lines().filter_map(window).max().ok_or_else(|| Stop::fail(format!("no windows in {path}")))
}

/// A line of a PCI device's `resource`: first and last address, and flags; all 0 where there is no window.
fn window(line: &str) -> Option<u64> {
    let mut fields = line.split(' ').map(|field| u64::from_str_radix(field.trim_start_matches("0x"), 16));
    let (first, last) = (fields.next()?.ok()?, fields.next()?.ok()?);
    (last > first).then(|| last - first + 1)
}

/// Shows more framebuffers than fit into the device's memory, one after the other, while all of them are exported.
pub(super) fn evict(ctx: &mut Ctx) -> Tested {
    let memory = video_memory(ctx.device(0))?;
    let stage = Stage::lit(ctx.device(0))?;
    let (width, height) = stage.size();
    let size = u64::from(width) * u64::from(height) * 4;
    let count = (BEYOND_VRAM / size).clamp(4, 128);
    if count * size <= memory {
        return Err(Stop::skip(format!(
            "{count} framebuffers of {size} bytes fit into {} MiB of video memory",
            memory >> 20
        )));
    }
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
