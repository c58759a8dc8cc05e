//! Making dma-bufs: identity, flags, refusals.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::ftruncate;

use crate::buffer::{DmaBuf, Dumb, Exporter, sealed_memfd};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::{dma_heap, mode, prime, udmabuf};
use crate::{check, check_eq};

/// A GEM handle that no file has.
const NO_HANDLE: u32 = 0x7fff_fff0;

pub(super) fn identity(ctx: &mut Ctx) -> Tested {
    let exporter = Exporter::open(ctx.device(0))?;
    let (one, two) = (exporter.make_small()?, exporter.make_small()?);
    check!(one.dmabuf.identity()? != two.dmabuf.identity()?, "two buffers have one inode");
    let copy = one.dmabuf.duplicate()?;
    check_eq!(copy.identity()?, one.dmabuf.identity()?, "the inode of a duplicated fd");
    Ok(())
}

pub(super) fn export_twice(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    let first = dumb.gem().export()?;
    let second = dumb.gem().export()?;
    check_eq!(second.identity()?, first.identity()?, "the inode of the second export");
    let before = first.identity()?;
    drop((first, second));
    // The handle holds the dma-buf once it was exported (drm_gem_object_exported_dma_buf_free() ends that).
    let third = dumb.gem().export()?;
    check_eq!(third.identity()?, before, "the inode after all fds were closed");
    Ok(())
}

pub(super) fn export_flags(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    for (flags, cloexec, mode) in [
        (0, false, OFlag::O_RDONLY),
        (prime::CLOEXEC, true, OFlag::O_RDONLY),
        (prime::RDWR, false, OFlag::O_RDWR),
        (prime::CLOEXEC | prime::RDWR, true, OFlag::O_RDWR),
    ] {
        // A buffer of its own: its first export decides about the access mode of the one file there is.
        let dumb = Dumb::new(&card, 64, 64)?;
        let fd = prime::handle_to_fd(card.as_ref(), dumb.gem().handle(), flags).must("export a buffer")?;
        check_eq!(is_cloexec(&fd)?, cloexec, "close-on-exec after an export with flags {flags:#x}");
        check_eq!(access_mode(&fd)?, mode, "the access mode after an export with flags {flags:#x}");
    }
    Ok(())
}

fn is_cloexec(fd: &OwnedFd) -> Result<bool, crate::Stop> {
    let flags = fcntl(fd, FcntlArg::F_GETFD).must("get the fd's flags")?;
    Ok(FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC))
}

fn access_mode(fd: &OwnedFd) -> Result<OFlag, crate::Stop> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).must("get the file's flags")?;
    Ok(OFlag::from_bits_truncate(flags) & OFlag::O_ACCMODE)
}

pub(super) fn export_refusals(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    let handle = dumb.gem().handle();
    let export = |handle, flags| prime::handle_to_fd(card.as_ref(), handle, flags);
    for flags in [1, libc::O_NONBLOCK as u32, u32::MAX] {
        export(handle, flags).refused(&format!("export with flags {flags:#x}"), Errno::EINVAL)?;
    }
    export(0, 0).refused("export handle 0", Errno::ENOENT)?;
    export(NO_HANDLE, 0).refused("export an unknown handle", Errno::ENOENT)?;
    drop(dumb);
    export(handle, 0).refused("export a closed handle", Errno::ENOENT)
}

pub(super) fn import_refusals(ctx: &mut Ctx) -> Tested {
    let card = DrmFile::card(ctx.device(0))?;
    let memfd = memfd_create("no dma-buf", MFdFlags::MFD_CLOEXEC).must("create a memfd")?;
    let import = |fd| prime::fd_to_handle(&card, fd);
    // dma_buf_get() in drivers/dma-buf/dma-buf.c
    import(-1).refused("import fd -1", Errno::EBADF)?;
    import(memfd.as_raw_fd()).refused("import a memfd", Errno::EINVAL)?;
    prime::gem_close(&card, NO_HANDLE).refused("close an unknown handle", Errno::EINVAL)?;
    prime::gem_close(&card, 0).refused("close handle 0", Errno::EINVAL)
}

pub(super) fn make_refusals(ctx: &mut Ctx) -> Tested {
    match Exporter::open(ctx.device(0))? {
        Exporter::Drm(card) => dumb_refusals(&card),
        Exporter::Udmabuf(device) => udmabuf_refusals(&device),
        Exporter::Heap(heap) => heap_refusals(&heap),
    }
}

/// `drm_mode_create_dumb()`: no size of 0, none that overflows 32 bits.
fn dumb_refusals(card: &DrmFile) -> Tested {
    if !mode::makes_dumb(card) {
        return Err(Stop::skip(format!("{} makes no dumb buffers: ENOSYS", card.name())));
    }
    for (width, height, bpp) in [(0, 64, 32), (64, 0, 32), (64, 64, 0), (u32::MAX, u32::MAX, 32)] {
        mode::create_dumb(card, width, height, bpp)
            .refused(&format!("create a dumb buffer of {width}x{height}x{bpp}"), Errno::EINVAL)?;
    }
    mode::map_dumb(card, NO_HANDLE).refused("map an unknown handle", Errno::ENOENT)?;
    // The device still works.
    let made = mode::create_dumb(card, 64, 64, 32).must("create a dumb buffer")?;
    prime::gem_close(card, made.handle).must("close its handle")?;
    check!(made.size >= 64 * 64 * 4, "a dumb buffer of 64x64 pixels has {} bytes", made.size);
    Ok(())
}

/// `udmabuf_create()` and `check_memfd_seals()` in `drivers/dma-buf/udmabuf.c`.
fn udmabuf_refusals(device: &File) -> Tested {
    let create = |memfd: &OwnedFd, offset, size| udmabuf::create(device, memfd, 0, offset, size);
    let good = sealed_memfd(8192)?;
    create(&good, 0, 0).refused("a udmabuf of no bytes", Errno::EINVAL)?;
    create(&good, 0, 100).refused("a size off the page grid", Errno::EINVAL)?;
    create(&good, 512, 4096).refused("an offset off the page grid", Errno::EINVAL)?;
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let loose = memfd_create("loose", flags).must("create a memfd")?;
    ftruncate(&loose, 8192).must("size the memfd")?;
    create(&loose, 0, 4096).refused("a memfd that may shrink", Errno::EINVAL)?;
    let frozen = sealed_memfd(8192)?;
    fcntl(&frozen, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE)).must("seal the memfd")?;
    create(&frozen, 0, 4096).refused("a memfd sealed against writing", Errno::EINVAL)?;
    let null = OwnedFd::from(File::open("/dev/null").must("open /dev/null")?);
    create(&null, 0, 4096).refused("an fd that is no memfd", Errno::EBADFD)?;
    create(&good, 4096, 4096).must("make a udmabuf of the second page").map(drop)
}

/// `dma_heap_ioctl_allocate()` in `drivers/dma-buf/dma-heap.c`.
fn heap_refusals(heap: &File) -> Tested {
    let good = libc::O_RDWR as u32;
    dma_heap::alloc(heap, 0, good, 0).refused("an allocation of no bytes", Errno::EINVAL)?;
    dma_heap::alloc(heap, 4096, good | libc::O_APPEND as u32, 0)
        .refused("unknown fd flags", Errno::EINVAL)?;
    dma_heap::alloc(heap, 4096, good, 1).refused("unknown heap flags", Errno::EINVAL)?;
    let one = DmaBuf::new(dma_heap::alloc(heap, 1, good, 0).must("allocate one byte")?)?;
    check_eq!(one.size(), 4096, "the size of an allocation of one byte");
    Ok(())
}
