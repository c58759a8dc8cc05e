//! Jobs for i915: execbuffer2 with addresses that user space chooses.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;

use super::driver::{Driver, Use, Work};
use crate::case::Stop;
use crate::open::DrmFile;
use crate::uapi::call;
use crate::uapi::i915::{self as uapi, request};
use crate::uapi::sync_file::SyncFile;

#[derive(Debug)]
pub(super) struct I915 {
    file: Arc<DrmFile>,
}

/// What the cases build upon: name and parameter.
const NEEDS: [(&str, i32); 3] = [
    ("addresses that user space chooses", uapi::PARAM_SOFTPIN),
    ("fences of execbuffers", uapi::PARAM_EXEC_FENCE),
    ("arrays of fences", uapi::PARAM_FENCE_ARRAY),
];

impl I915 {
    /// Skips a device that lacks what the cases build upon.
    pub(super) fn new(file: &Arc<DrmFile>) -> Result<Self, Stop> {
        for (what, param) in NEEDS {
            if uapi::param(file, param).unwrap_or(0) == 0 {
                return Err(Stop::skip(format!("{} lacks {what}", file.name())));
            }
        }
        Ok(I915 { file: Arc::clone(file) })
    }

    fn execute(&self, args: &mut uapi::Execbuffer) -> nix::Result<SyncFile> {
        args.flags |= uapi::EXEC_FENCE_OUT;
        // SAFETY: the caller's arrays live over this call and have the lengths that the struct says.
        unsafe { call(&self.file, request::EXECBUFFER2_WR, args) }?;
        // SAFETY: the kernel put this new fd into our table, for this answer alone.
        Ok(SyncFile::new(unsafe { OwnedFd::from_raw_fd((args.rsvd2 >> 32) as i32) }))
    }
}

fn object(used: &Use) -> uapi::ExecObject {
    let write = if used.writes { uapi::OBJECT_WRITE } else { 0 };
    uapi::ExecObject {
        handle: used.handle,
        offset: used.address,
        flags: uapi::OBJECT_PINNED | uapi::OBJECT_48B | write,
        ..Default::default()
    }
}

impl Driver for I915 {
    fn context(&self) -> nix::Result<u32> {
        let mut create = uapi::ContextCreate::default();
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::CONTEXT_CREATE, &mut create) }?;
        Ok(create.ctx_id)
    }

    fn free_context(&self, context: u32) -> nix::Result<()> {
        let mut destroy = uapi::ContextDestroy { ctx_id: context, pad: 0 };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::CONTEXT_DESTROY, &mut destroy) }
    }

    fn is_guilty(&self, context: u32) -> nix::Result<bool> {
        let mut stats = uapi::ResetStats { ctx_id: context, ..Default::default() };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GET_RESET_STATS, &mut stats) }?;
        Ok(stats.batch_active > 0)
    }

    fn allocate(&self, size: u64) -> nix::Result<u32> {
        let mut create = uapi::Create { size, ..Default::default() };
        // SAFETY: the struct holds no addresses.
        unsafe { call(&self.file, request::GEM_CREATE, &mut create) }?;
        Ok(create.handle)
    }

    fn map_offset(&self, handle: u32) -> nix::Result<u64> {
        let ask = |flags| {
            let mut map = uapi::MmapOffset { handle, flags, ..Default::default() };
            // SAFETY: the struct holds no addresses.
            unsafe { call(&self.file, request::GEM_MMAP_OFFSET, &mut map) }.map(|()| map.offset)
        };
        ask(uapi::MMAP_WB).or_else(|_| ask(uapi::MMAP_FIXED))
    }

    fn userptr(&self, start: u64, size: u64, read_only: bool) -> nix::Result<u32> {
        let flags = if read_only { uapi::USERPTR_READ_ONLY } else { 0 };
        let mut arg = uapi::Userptr { user_ptr: start, user_size: size, flags, handle: 0 };
        // SAFETY: the kernel checks the range itself, and writes to it only as jobs that the caller submits say.
        unsafe { call(&self.file, request::GEM_USERPTR, &mut arg) }?;
        Ok(arg.handle)
    }

    fn bind(&self, _handle: u32, _address: u64, _size: u64, _writable: bool) -> nix::Result<()> {
        // Each execbuffer says where its buffers lie.
        Ok(())
    }

    fn unbind(&self, _handle: u32, _address: u64, _size: u64) -> nix::Result<()> {
        Ok(())
    }

    fn submit(&self, work: &Work<'_>) -> nix::Result<SyncFile> {
        let objects: Vec<_> = work.uses.iter().chain([&work.batch]).map(object).collect();
        let wait = work.waits.iter().map(|p| (p, uapi::FENCE_WAIT));
        let points: Vec<_> = wait.chain(work.signals.iter().map(|p| (p, uapi::FENCE_SIGNAL))).collect();
        let fences: Vec<_> =
            points.iter().map(|(p, flags)| uapi::ExecFence { handle: p.handle, flags: *flags }).collect();
        let values: Vec<u64> = points.iter().map(|(p, _)| p.point).collect();
        let timeline = uapi::TimelineFences {
            name: uapi::EXT_TIMELINE_FENCES,
            fence_count: fences.len() as u64,
            handles_ptr: fences.as_ptr() as u64,
            values_ptr: values.as_ptr() as u64,
            ..Default::default()
        };
        let mut args = uapi::Execbuffer {
            buffers_ptr: objects.as_ptr() as u64,
            buffer_count: objects.len() as u32,
            batch_len: work.length,
            rsvd1: u64::from(work.context),
            ..Default::default()
        };
        if let Some(fence) = work.after {
            args.flags |= uapi::EXEC_FENCE_IN;
            args.rsvd2 = fence.as_raw_fd() as u64;
        }
        if values.iter().any(|point| *point != 0) {
            args.flags |= uapi::EXEC_USE_EXTENSIONS;
            args.cliprects_ptr = std::ptr::from_ref(&timeline) as u64;
        } else if !fences.is_empty() {
            args.flags |= uapi::EXEC_FENCE_ARRAY;
            args.num_cliprects = fences.len() as u32;
            args.cliprects_ptr = fences.as_ptr() as u64;
        }
        self.execute(&mut args)
    }

    fn waits_in_notifier(&self) -> bool {
        false
    }

    fn export_refusal(&self) -> Errno {
        // i915_gem_userptr_dmabuf_export() in i915_gem_userptr.c
        Errno::EINVAL
    }
}
