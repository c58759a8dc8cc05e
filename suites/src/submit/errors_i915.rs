//! What i915 refuses, and with which errno: read in drivers/gpu/drm/i915 of Linux 6.12.

use nix::errno::Errno::{self, E2BIG, EFAULT, EINVAL, ENODEV, ENOENT};

use super::{SUITE, ended};
use crate::buffer::Gem;
use crate::case::{Case, Role, Stop, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::uapi::i915::{self as uapi, request};
use crate::uapi::{BAD_ADDRESS, call};
use crate::userptr::Pages;

const I915: &[Role] = &[Role::I915Device];

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "i915-errors",
        "bad arguments of i915's ioctls are refused with its errnos",
        I915,
        arguments,
    ),
    Case::new(SUITE, "i915-errors-exec", "bad execbuffers are refused with i915's errnos", I915, execbuffers),
];

/// A handle that no file has.
const NO_HANDLE: u32 = 0x7fff_fff0;

/// One call that must be refused.
fn refuse<T: Copy>(gpu: &Gpu, what: &str, request: libc::Ioctl, mut argument: T, errno: Errno) -> Tested {
    // SAFETY: every argument of this file has its request's type, and no address but bad ones or live ones.
    unsafe { call(gpu.file(), request, &mut argument) }.refused(what, errno)
}

/// The call that the refused ones vary, which must work: what it wrote into its argument.
fn works<T: Copy>(gpu: &Gpu, what: &str, request: libc::Ioctl, mut argument: T) -> Result<T, Stop> {
    // SAFETY: as above.
    unsafe { call(gpu.file(), request, &mut argument) }.must(what)?;
    Ok(argument)
}

fn arguments(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let mut value = 0i32;
    let unknown = uapi::Getparam { param: 0x7fff, pad: 0, value: std::ptr::from_mut(&mut value) as u64 };
    refuse(&gpu, "an unknown parameter", request::GETPARAM, unknown, EINVAL)?;
    let lost = uapi::Getparam { param: uapi::PARAM_CHIPSET_ID, pad: 0, value: BAD_ADDRESS };
    refuse(&gpu, "a parameter to a bad address", request::GETPARAM, lost, EFAULT)?;
    for (what, size, errno) in [("an empty buffer", 0, EINVAL), ("a buffer of 32 TiB", 1 << 45, E2BIG)] {
        refuse(&gpu, what, request::GEM_CREATE, uapi::Create { size, ..Default::default() }, errno)?;
    }
    let buffer = gpu.buffer(PAGE)?;
    let map = uapi::MmapOffset { handle: buffer.gem().handle(), flags: uapi::MMAP_WB, ..Default::default() };
    works(&gpu, "map a buffer", request::GEM_MMAP_OFFSET, map)?;
    refuse(
        &gpu,
        "map in no known way",
        request::GEM_MMAP_OFFSET,
        uapi::MmapOffset { flags: 9, ..map },
        EINVAL,
    )?;
    refuse(
        &gpu,
        "map no buffer",
        request::GEM_MMAP_OFFSET,
        uapi::MmapOffset { handle: NO_HANDLE, ..map },
        ENOENT,
    )?;
    let pages = Pages::new(1)?;
    let (user_ptr, user_size) = (pages.start(), pages.size() as u64);
    let user = uapi::Userptr { user_ptr, user_size, flags: 0, handle: 0 };
    let made = works(&gpu, "make a userptr", request::GEM_USERPTR, user)?;
    drop(Gem::adopt(gpu.file(), made.handle));
    for (what, user, errno) in [
        ("an empty userptr", uapi::Userptr { user_size: 0, ..user }, EINVAL),
        ("an unaligned userptr", uapi::Userptr { user_ptr: user_ptr + 8, ..user }, EINVAL),
        ("a userptr of half a page", uapi::Userptr { user_size: 2048, ..user }, EINVAL),
        ("a userptr with unknown flags", uapi::Userptr { flags: 1 << 9, ..user }, EINVAL),
        ("an unsynchronized userptr", uapi::Userptr { flags: uapi::USERPTR_UNSYNCHRONIZED, ..user }, ENODEV),
        (
            "a userptr of the kernel's memory",
            uapi::Userptr { user_ptr: 0xffff_8880_0000_0000, ..user },
            EFAULT,
        ),
        (
            "a probed userptr of nothing",
            uapi::Userptr { user_ptr: PAGE as u64, flags: uapi::USERPTR_PROBE, ..user },
            EFAULT,
        ),
    ] {
        refuse(&gpu, what, request::GEM_USERPTR, user, errno)?;
    }
    let wait = uapi::Wait { bo_handle: buffer.gem().handle(), flags: 0, timeout_ns: 0 };
    refuse(&gpu, "wait with flags", request::GEM_WAIT, uapi::Wait { flags: 1, ..wait }, EINVAL)?;
    refuse(
        &gpu,
        "wait for no buffer",
        request::GEM_WAIT,
        uapi::Wait { bo_handle: NO_HANDLE, ..wait },
        ENOENT,
    )?;
    refuse(&gpu, "ask of no buffer", request::GEM_BUSY, uapi::Busy { handle: NO_HANDLE, busy: 0 }, ENOENT)?;
    for (what, ctx_id, pad, errno) in [
        ("destroy the default context", 0, 0, ENOENT),
        ("destroy a context that is none", NO_HANDLE, 0, ENOENT),
        ("destroy a context with a pad", NO_HANDLE, 1, EINVAL),
    ] {
        refuse(&gpu, what, request::CONTEXT_DESTROY, uapi::ContextDestroy { ctx_id, pad }, errno)?;
    }
    Ok(())
}

fn execbuffers(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let batch = gpu.buffer(PAGE)?;
    let object = uapi::ExecObject {
        handle: batch.gem().handle(),
        offset: batch.address(),
        flags: uapi::OBJECT_PINNED | uapi::OBJECT_48B,
        ..Default::default()
    };
    let objects = [
        object,
        uapi::ExecObject { handle: NO_HANDLE, ..object },
        uapi::ExecObject { flags: 1 << 40, ..object },
        uapi::ExecObject { flags: object.flags | uapi::OBJECT_WRITE, ..object },
        uapi::ExecObject { alignment: 3, ..object },
        uapi::ExecObject { offset: object.offset + 8, ..object },
    ];
    let at = |index: usize| std::ptr::from_ref(&objects[index]) as u64;
    let good = uapi::Execbuffer {
        buffers_ptr: at(0),
        buffer_count: 1,
        rsvd1: u64::from(queue.context()),
        ..Default::default()
    };
    let fence = uapi::ExecFence { handle: NO_HANDLE, flags: uapi::FENCE_WAIT };
    let fences = uapi::Execbuffer {
        flags: uapi::EXEC_FENCE_ARRAY,
        num_cliprects: 1,
        cliprects_ptr: std::ptr::from_ref(&fence) as u64,
        ..good
    };
    for (what, args, errno) in [
        ("no buffers", uapi::Execbuffer { buffer_count: 0, ..good }, EINVAL),
        ("buffers at a bad address", uapi::Execbuffer { buffers_ptr: BAD_ADDRESS, ..good }, EFAULT),
        ("a buffer that is none", uapi::Execbuffer { buffers_ptr: at(1), ..good }, ENOENT),
        ("unknown flags of a buffer", uapi::Execbuffer { buffers_ptr: at(2), ..good }, EINVAL),
        ("a batch that is written", uapi::Execbuffer { buffers_ptr: at(3), ..good }, EINVAL),
        ("an alignment of 3", uapi::Execbuffer { buffers_ptr: at(4), ..good }, EINVAL),
        ("an unaligned address", uapi::Execbuffer { buffers_ptr: at(5), ..good }, EINVAL),
        ("a deprecated register", uapi::Execbuffer { dr1: 1, ..good }, EINVAL),
        ("cliprects", uapi::Execbuffer { num_cliprects: 1, ..good }, EINVAL),
        ("a batch of 4 bytes", uapi::Execbuffer { batch_len: 4, ..good }, EINVAL),
        ("a batch beyond its buffer", uapi::Execbuffer { batch_len: 1 << 20, ..good }, EINVAL),
        ("unknown flags", uapi::Execbuffer { flags: 1 << 40, ..good }, EINVAL),
        ("a context that is none", uapi::Execbuffer { rsvd1: u64::from(NO_HANDLE), ..good }, ENOENT),
        (
            "an in-fence that is none",
            uapi::Execbuffer { flags: uapi::EXEC_FENCE_IN, rsvd2: 0xffff, ..good },
            EINVAL,
        ),
        ("a sync object that is none", fences, ENOENT),
        (
            "an array and extensions",
            uapi::Execbuffer { flags: fences.flags | uapi::EXEC_USE_EXTENSIONS, ..fences },
            EINVAL,
        ),
    ] {
        refuse(&gpu, what, request::EXECBUFFER2_WR, args, errno)?;
    }
    ended(&queue.job().submit()?, "a job after those that were refused")
}
