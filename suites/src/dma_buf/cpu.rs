//! What the CPU sees of a dma-buf: size, bytes, access flags, name.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use crate::buffer::{Access, DmaBuf, Exporter, Map, Source};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::dma_buf::{self, END, NAME_LEN, READ, RW, START, WRITE};
use crate::uapi::ioctl_bad_address;
use crate::{check, check_eq};

pub(super) fn size(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let size = made.dmabuf.size();
    check!(size >= 64 * 64 * 4 && size % 4096 == 0, "64x64 pixels made a dma-buf of {size} bytes");
    let seek = |offset, whence| lseek(&made.dmabuf, offset, whence);
    check_eq!(seek(0, Whence::SeekSet), Ok(0), "the position after seeking to the start");
    seek(1, Whence::SeekSet).refused("seek to byte 1", Errno::EINVAL)?;
    seek(-1, Whence::SeekEnd).refused("seek to before the end", Errno::EINVAL)?;
    seek(0, Whence::SeekCur).refused("seek from here", Errno::EINVAL)?;
    let map = |offset, len| Map::shared(&made.dmabuf, offset, len);
    map(0, size + 4096).refused("map a page more than there is", Errno::EINVAL)?;
    map(size as u64, 4096).refused("map behind the end", Errno::EINVAL)?;
    map(size as u64 - 4096, 4096).must("map the last page").map(drop)
}

pub(super) fn map_data(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let size = made.dmabuf.size();
    let (mut writer, reader) = (made.dmabuf.map()?, made.dmabuf.map()?);
    for seed in [1, 2] {
        write_pattern(&made.dmabuf, &mut writer, seed)?;
        made.dmabuf.begin(Access::Read).must("begin reading")?;
        check_eq!(reader.differs(seed, size), None, "the first difference seen by a second map");
        made.dmabuf.end(Access::Read).must("end reading")?;
    }
    let behind = match &made.source {
        Source::Dumb(dumb) => dumb.map()?,
        Source::Memfd(memfd) => Map::shared(memfd, 0, size).must("map the memfd")?,
        Source::Heap => return Ok(()),
    };
    check_eq!(behind.differs(2, size), None, "the first difference seen by the buffer's own map");
    Ok(())
}

/// Writes the whole map inside a CPU access.
pub(crate) fn write_pattern(dmabuf: &DmaBuf, map: &mut Map, seed: u64) -> Tested {
    dmabuf.begin(Access::Write).must("begin writing")?;
    map.fill(seed, map.len());
    dmabuf.end(Access::Write).must("end writing")
}

pub(super) fn sync_flags(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    for flags in [READ, WRITE, RW] {
        dma_buf::sync(&made.dmabuf, START | flags).must(&format!("begin with flags {flags:#x}"))?;
        dma_buf::sync(&made.dmabuf, END | flags).must(&format!("end with flags {flags:#x}"))?;
    }
    for flags in [0, END, 8 | READ, 16 | WRITE, u32::MAX] {
        dma_buf::sync(&made.dmabuf, flags).refused(&format!("sync with flags {flags:#x}"), Errno::EINVAL)?;
    }
    let sync = nix::request_code_write!(b'b', 0, 8);
    ioctl_bad_address(&made.dmabuf, sync).refused("sync with a bad address", Errno::EFAULT)?;
    let unknown = nix::request_code_write!(b'b', 77, 8);
    ioctl_bad_address(&made.dmabuf, unknown).refused("an unknown request", Errno::ENOTTY)
}

pub(super) fn name(ctx: &mut Ctx) -> Tested {
    let made = Exporter::open(ctx.device(0))?.make_small()?;
    let set = |name: &str| dma_buf::set_name(&made.dmabuf, &CString::new(name).unwrap_or_default());
    check_eq!(fdinfo(&made.dmabuf, "size")?, made.dmabuf.size().to_string(), "the size in fdinfo");
    let longest = "x".repeat(NAME_LEN - 1);
    for name in ["scanout", &longest] {
        set(name).must(&format!("name the dma-buf {name:?}"))?;
        check_eq!(fdinfo(&made.dmabuf, "name")?, name, "the name in fdinfo");
    }
    set(&"x".repeat(NAME_LEN)).refused("a name without room for its zero", Errno::EINVAL)?;
    check_eq!(fdinfo(&made.dmabuf, "name")?, longest, "the name after a refused one");
    Ok(())
}

/// A line of `/proc/self/fdinfo` (`dma_buf_show_fdinfo()`).
fn fdinfo(dmabuf: &DmaBuf, key: &str) -> Result<String, Stop> {
    let path = format!("/proc/self/fdinfo/{}", dmabuf.as_fd().as_raw_fd());
    let text = fs::read_to_string(path).must("read the dma-buf's fdinfo")?;
    let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(":\t"));
    line.map(str::to_owned).ok_or_else(|| Stop::fail(format!("fdinfo has no {key}: {text:?}")))
}
