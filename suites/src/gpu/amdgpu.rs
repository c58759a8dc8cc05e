//! Jobs for amdgpu: one indirect buffer on the first graphics ring.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;

use super::driver::{Driver, Point, Work};
use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::amdgpu::{self as uapi, Both, request};
use crate::uapi::call;
use crate::uapi::sync_file::SyncFile;
use crate::uapi::syncobj as syncobj_uapi;

#[derive(Debug)]
pub(super) struct Amdgpu {
    file: Arc<DrmFile>,
}

/// Chunks of a submission, with the memory that they point to.
#[derive(Default)]
struct Chunks {
    heads: Vec<uapi::Chunk>,
    kept: Vec<Vec<u32>>,
}

impl Chunks {
    /// Adds a chunk of plain structs.
    fn add<T: Copy>(&mut self, id: u32, data: &[T]) {
        let len = size_of_val(data) / 4;
        let mut words = vec![0u32; len];
        // SAFETY: both are live, do not overlap and have this many bytes; the structs have no padding.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr().cast(), words.as_mut_ptr(), len) };
        self.heads.push(uapi::Chunk {
            chunk_id: id,
            length_dw: len as u32,
            chunk_data: words.as_ptr() as u64,
        });
        self.kept.push(words);
    }

    /// Adds sync objects: by the plain chunk where all are binary, which every kernel knows.
    fn add_points(&mut self, points: &[Point], binary: u32, timeline: u32) {
        let object = |p: &Point| uapi::ChunkSyncobj { handle: p.handle, flags: 0, point: p.point };
        if points.iter().any(|p| p.point != 0) {
            // WAIT_FOR_SUBMIT is not given: a point that nobody submitted is refused, as for binary objects.
            self.add(timeline, &points.iter().map(object).collect::<Vec<_>>());
        } else if !points.is_empty() {
            self.add(binary, &points.iter().map(|p| uapi::ChunkSem { handle: p.handle }).collect::<Vec<_>>());
        }
    }
}

/// A sync object for the length of one call: amdgpu takes sync files in no other way.
struct Imported<'a>(&'a DrmFile, u32);

impl<'a> Imported<'a> {
    fn new(file: &'a DrmFile, fence: impl AsRawFd) -> nix::Result<Self> {
        let mut create = syncobj_uapi::Create::default();
        // SAFETY: the struct holds no addresses.
        unsafe { syncobj_uapi::call(file, &mut create) }?;
        let imported = Imported(file, create.handle);
        let mut import = syncobj_uapi::FdToHandle {
            handle: create.handle,
            flags: syncobj_uapi::SYNC_FILE,
            fd: fence.as_raw_fd(),
            ..Default::default()
        };
        // SAFETY: the struct holds no addresses.
        unsafe { syncobj_uapi::call(file, &mut import) }?;
        Ok(imported)
    }
}

impl Drop for Imported<'_> {
    fn drop(&mut self) {
        let mut destroy = syncobj_uapi::Destroy { handle: self.1, pad: 0 };
        // SAFETY: the struct holds no addresses.
        let _ = unsafe { syncobj_uapi::call(self.0, &mut destroy) };
    }
}

impl Amdgpu {
    /// Skips a device whose engines do not work (no firmware).
    pub(super) fn new(file: &Arc<DrmFile>) -> Result<Self, Stop> {
        let mut works: u32 = 0;
        let mut info = uapi::Info {
            return_pointer: std::ptr::from_mut(&mut works) as u64,
            return_size: size_of::<u32>() as u32,
            query: uapi::INFO_ACCEL_WORKING,
            ..Default::default()
        };
        // SAFETY: the address is that of a live word of the size given, which the kernel writes.
        unsafe { call(file, request::INFO, &mut info) }
            .must(&format!("ask {} whether it works", file.name()))?;
        match works {
            0 => Err(Stop::skip(format!("{} says that its engines do not work", file.name()))),
            _ => Ok(Amdgpu { file: Arc::clone(file) }),
        }
    }

    fn va(&self, operation: u32, flags: u32, handle: u32, address: u64, size: u64) -> nix::Result<()> {
        let mut va =
            uapi::Va { handle, operation, flags, va_address: address, map_size: size, ..Default::default() };
        // SAFETY: the struct holds GPU addresses alone.
        unsafe { call(&self.file, request::GEM_VA, &mut va) }
    }

    fn context_op(&self, op: u32, ctx_id: u32) -> nix::Result<uapi::CtxOut> {
        let mut ctx = Both { input: uapi::CtxIn { op, ctx_id, ..Default::default() } };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::CTX, &mut ctx) }?;
        // SAFETY: every bit pattern is an answer.
        Ok(unsafe { ctx.output })
    }

    /// The sync file of a submission.
    fn fence(&self, context: u32, seq_no: u64) -> nix::Result<SyncFile> {
        let fence = uapi::Fence { ctx_id: context, ip_type: uapi::IP_GFX, seq_no, ..Default::default() };
        let input = uapi::FenceToHandleIn { fence, what: uapi::GET_SYNC_FILE_FD, pad: 0 };
        let mut get = uapi::FenceToHandle { input };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::FENCE_TO_HANDLE, &mut get) }?;
        // SAFETY: the kernel put this new fd into our table, for this answer alone.
        Ok(SyncFile::new(unsafe { OwnedFd::from_raw_fd(get.output.handle as i32) }))
    }

    fn command_submission(&self, context: u32, chunks: &Chunks) -> nix::Result<u64> {
        let addresses: Vec<u64> = chunks.heads.iter().map(|head| std::ptr::from_ref(head) as u64).collect();
        let input = uapi::CsIn {
            ctx_id: context,
            num_chunks: addresses.len() as u32,
            chunks: addresses.as_ptr() as u64,
            ..Default::default()
        };
        let mut cs = Both::<_, uapi::CsOut> { input };
        // SAFETY: the addresses are those of live chunks, each with live data of the length that it says.
        unsafe { call(&self.file, request::CS, &mut cs) }?;
        // SAFETY: every bit pattern is an answer.
        Ok(unsafe { cs.output.handle })
    }
}

impl Driver for Amdgpu {
    fn context(&self) -> nix::Result<u32> {
        // The answer to an allocation is the id, in the first word.
        self.context_op(uapi::CTX_ALLOC, 0).map(|out| out.flags as u32)
    }

    fn free_context(&self, context: u32) -> nix::Result<()> {
        self.context_op(uapi::CTX_FREE, context).map(drop)
    }

    fn is_guilty(&self, context: u32) -> nix::Result<bool> {
        Ok(self.context_op(uapi::CTX_QUERY2, context)?.flags & uapi::CTX_GUILTY != 0)
    }

    fn allocate(&self, size: u64) -> nix::Result<u32> {
        let input =
            uapi::CreateIn { bo_size: size, alignment: 4096, domains: uapi::DOMAIN_GTT, domain_flags: 0 };
        let mut create = Both::<_, uapi::HandleOut> { input };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GEM_CREATE, &mut create) }?;
        // SAFETY: every bit pattern is an answer.
        Ok(unsafe { create.output.handle })
    }

    fn map_offset(&self, handle: u32) -> nix::Result<u64> {
        let mut map = uapi::Mmap { input: uapi::MmapIn { handle, pad: 0 } };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GEM_MMAP, &mut map) }?;
        // SAFETY: every bit pattern is an answer.
        Ok(unsafe { map.output })
    }

    fn userptr(&self, start: u64, size: u64, read_only: bool) -> nix::Result<u32> {
        let access = if read_only { uapi::USERPTR_READONLY } else { 0 };
        let flags = uapi::USERPTR_REGISTER | uapi::USERPTR_VALIDATE | access;
        let mut arg = uapi::Userptr { addr: start, size, flags, handle: 0 };
        // SAFETY: the kernel checks the range itself, and writes to it only as jobs that the caller submits say.
        unsafe { call(&self.file, request::GEM_USERPTR, &mut arg) }?;
        Ok(arg.handle)
    }

    fn bind(&self, handle: u32, address: u64, size: u64, writable: bool) -> nix::Result<()> {
        let flags = if writable { uapi::PAGE_RWX } else { uapi::PAGE_RX };
        self.va(uapi::VA_MAP, flags, handle, address, size)
    }

    fn unbind(&self, handle: u32, address: u64, size: u64) -> nix::Result<()> {
        self.va(uapi::VA_UNMAP, 0, handle, address, size)
    }

    fn submit(&self, work: &Work<'_>) -> nix::Result<SyncFile> {
        let imported = work.after.map(|fence| Imported::new(&self.file, fence)).transpose()?;
        let mut waits = work.waits.to_vec();
        waits.extend(imported.as_ref().map(|object| Point { handle: object.1, point: 0 }));
        let entry = |handle| uapi::BoListEntry { bo_handle: handle, bo_priority: 0 };
        let list: Vec<_> = work.uses.iter().chain([&work.batch]).map(|used| entry(used.handle)).collect();
        let list_head = uapi::BoListIn {
            operation: u32::MAX,
            list_handle: u32::MAX,
            bo_number: list.len() as u32,
            bo_info_size: size_of::<uapi::BoListEntry>() as u32,
            bo_info_ptr: list.as_ptr() as u64,
        };
        let ib = uapi::ChunkIb {
            va_start: work.batch.address,
            ib_bytes: work.length,
            ip_type: uapi::IP_GFX,
            ..Default::default()
        };
        let mut chunks = Chunks::default();
        chunks.add(uapi::CHUNK_BO_HANDLES, &[list_head]);
        chunks.add(uapi::CHUNK_IB, &[ib]);
        chunks.add_points(&waits, uapi::CHUNK_SYNCOBJ_IN, uapi::CHUNK_TIMELINE_WAIT);
        chunks.add_points(work.signals, uapi::CHUNK_SYNCOBJ_OUT, uapi::CHUNK_TIMELINE_SIGNAL);
        let seq = self.command_submission(work.context, &chunks)?;
        self.fence(work.context, seq)
    }

    fn waits_in_notifier(&self) -> bool {
        true
    }

    fn export_refusal(&self) -> Errno {
        // amdgpu_gem_prime_export() in amdgpu_dma_buf.c
        Errno::EPERM
    }
}
