//! What amdgpu refuses, and with which errno: read in drivers/gpu/drm/amd/amdgpu of Linux 6.12.

use nix::errno::Errno::{self, EACCES, EFAULT, EINVAL, ENOENT};

use super::{SUITE, ended};
use crate::buffer::Gem;
use crate::case::{Case, Role, Stop, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::uapi::amdgpu::{self as uapi, request};
use crate::uapi::{BAD_ADDRESS, call};
use crate::userptr::Pages;

const AMDGPU: &[Role] = &[Role::AmdgpuDevice];

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "amdgpu-errors",
        "bad arguments of amdgpu's ioctls are refused with its errnos",
        AMDGPU,
        arguments,
    ),
    Case::new(
        SUITE,
        "amdgpu-errors-cs",
        "bad submissions to amdgpu are refused with its errnos",
        AMDGPU,
        submissions,
    ),
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
    let buffer = gpu.buffer(PAGE)?;
    let handle = buffer.gem().handle();
    let context = |op, flags, ctx_id| uapi::Ctx { input: uapi::CtxIn { op, flags, ctx_id, priority: 0 } };
    for (what, ctx) in [
        ("an unknown context operation", context(99, 0, 0)),
        ("a context with flags", context(uapi::CTX_ALLOC, 1, 0)),
        ("free a context that is none", context(uapi::CTX_FREE, 0, NO_HANDLE)),
        ("query a context that is none", context(uapi::CTX_QUERY2, 0, NO_HANDLE)),
    ] {
        refuse(&gpu, what, request::CTX, ctx, EINVAL)?;
    }
    let create = |domains, domain_flags| uapi::Create {
        input: uapi::CreateIn { bo_size: 4096, alignment: 0, domains, domain_flags },
    };
    refuse(&gpu, "a buffer of doorbells", request::GEM_CREATE, create(0x40, 0), EINVAL)?;
    refuse(&gpu, "a buffer in no known memory", request::GEM_CREATE, create(0x80, 0), EINVAL)?;
    refuse(
        &gpu,
        "a buffer with unknown flags",
        request::GEM_CREATE,
        create(uapi::DOMAIN_GTT, 1 << 31),
        EINVAL,
    )?;
    let map = uapi::Mmap { input: uapi::MmapIn { handle: NO_HANDLE, pad: 0 } };
    refuse(&gpu, "map no buffer", request::GEM_MMAP, map, ENOENT)?;
    let va = uapi::Va {
        handle,
        operation: uapi::VA_MAP,
        flags: uapi::PAGE_RWX,
        va_address: 1 << 40,
        map_size: 4096,
        ..Default::default()
    };
    works(&gpu, "bind a buffer", request::GEM_VA, va)?;
    works(&gpu, "unbind it", request::GEM_VA, uapi::Va { operation: uapi::VA_UNMAP, ..va })?;
    for (what, va, errno) in [
        ("bind at address 0", uapi::Va { va_address: 0, ..va }, EINVAL),
        ("bind an unaligned address", uapi::Va { va_address: (1 << 40) + 8, ..va }, EINVAL),
        ("bind beyond the buffer", uapi::Va { offset_in_bo: 1 << 20, ..va }, EINVAL),
        ("an unknown operation", uapi::Va { operation: 9, ..va }, EINVAL),
        ("bind with unknown flags", uapi::Va { flags: 1 << 12, ..va }, EINVAL),
        ("bind no buffer", uapi::Va { handle: NO_HANDLE, ..va }, ENOENT),
        ("bind where a buffer lies", uapi::Va { va_address: buffer.address(), ..va }, EINVAL),
        ("unbind what is not bound", uapi::Va { operation: uapi::VA_UNMAP, ..va }, ENOENT),
    ] {
        refuse(&gpu, what, request::GEM_VA, va, errno)?;
    }
    let op = uapi::GemOp { handle: NO_HANDLE, op: uapi::SET_PLACEMENT, value: uapi::DOMAIN_GTT };
    refuse(&gpu, "place no buffer", request::GEM_OP, op, ENOENT)?;
    refuse(
        &gpu,
        "an unknown buffer operation",
        request::GEM_OP,
        uapi::GemOp { handle, op: 9, value: 0 },
        EINVAL,
    )?;
    let pages = Pages::new(1)?;
    let (addr, size) = (pages.start(), pages.size() as u64);
    let user = uapi::Userptr { addr, size, flags: uapi::USERPTR_REGISTER, handle: 0 };
    let made = works(&gpu, "make a userptr", request::GEM_USERPTR, user)?;
    drop(Gem::adopt(gpu.file(), made.handle));
    for (what, user, errno) in [
        ("an unaligned userptr", uapi::Userptr { addr: addr + 8, ..user }, EINVAL),
        ("a userptr of half a page", uapi::Userptr { size: 2048, ..user }, EINVAL),
        ("a userptr with unknown flags", uapi::Userptr { flags: 1 << 9, ..user }, EINVAL),
        ("a writable userptr without a notifier", uapi::Userptr { flags: 0, ..user }, EACCES),
    ] {
        refuse(&gpu, what, request::GEM_USERPTR, user, errno)?;
    }
    let wait = uapi::WaitCs { input: uapi::WaitCsIn { ctx_id: NO_HANDLE, ..Default::default() } };
    refuse(&gpu, "wait for the job of no context", request::WAIT_CS, wait, EINVAL)?;
    let fences = uapi::WaitFencesIn { fences: BAD_ADDRESS, fence_count: 1, wait_all: 1, timeout_ns: 0 };
    refuse(
        &gpu,
        "wait for fences at a bad address",
        request::WAIT_FENCES,
        uapi::WaitFences { input: fences },
        EFAULT,
    )
}

fn submissions(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let batch = gpu.buffer(PAGE)?;
    let ib = uapi::ChunkIb { va_start: batch.address(), ib_bytes: 32, ..Default::default() };
    let entry = uapi::BoListEntry { bo_handle: NO_HANDLE, bo_priority: 0 };
    let list = uapi::BoListIn {
        operation: u32::MAX,
        list_handle: u32::MAX,
        bo_number: 1,
        bo_info_size: size_of::<uapi::BoListEntry>() as u32,
        bo_info_ptr: std::ptr::from_ref(&entry) as u64,
    };
    let no_object = uapi::ChunkSem { handle: NO_HANDLE };
    let chunk = |id, length_dw, address| uapi::Chunk { chunk_id: id, length_dw, chunk_data: address };
    let good = chunk(uapi::CHUNK_IB, 8, std::ptr::from_ref(&ib) as u64);
    let unknown_buffer = chunk(uapi::CHUNK_BO_HANDLES, 6, std::ptr::from_ref(&list) as u64);
    let unknown_object = chunk(uapi::CHUNK_SYNCOBJ_IN, 1, std::ptr::from_ref(&no_object) as u64);
    let submit = |context, chunks: &[uapi::Chunk], what: &str, errno| {
        let addresses: Vec<u64> = chunks.iter().map(|chunk| std::ptr::from_ref(chunk) as u64).collect();
        let (num_chunks, chunks) = (addresses.len() as u32, addresses.as_ptr() as u64);
        let input = uapi::CsIn { ctx_id: context, num_chunks, chunks, ..Default::default() };
        refuse(&gpu, what, request::CS, uapi::Cs { input }, errno)
    };
    let context = queue.context();
    submit(context, &[], "no chunks", EINVAL)?;
    submit(NO_HANDLE, &[good], "a job of no context", EINVAL)?;
    submit(context, &[unknown_object], "a job without commands", EINVAL)?;
    submit(context, &[chunk(0x7f, 8, good.chunk_data)], "a chunk of no known kind", EINVAL)?;
    submit(context, &[chunk(uapi::CHUNK_IB, 2, good.chunk_data)], "a chunk that is cut short", EINVAL)?;
    submit(context, &[chunk(uapi::CHUNK_IB, 8, BAD_ADDRESS)], "a chunk at a bad address", EFAULT)?;
    submit(context, &[unknown_buffer, good], "a job with a buffer that is none", ENOENT)?;
    submit(context, &[good, unknown_object], "a job behind a sync object that is none", ENOENT)?;
    let input = uapi::CsIn { ctx_id: context, num_chunks: 1, chunks: BAD_ADDRESS, ..Default::default() };
    refuse(&gpu, "chunks at a bad address", request::CS, uapi::Cs { input }, EFAULT)?;
    ended(&queue.job().submit()?, "a job after those that were refused")
}
