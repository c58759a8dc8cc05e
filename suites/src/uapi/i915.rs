//! `include/uapi/drm/i915_drm.h` of Linux 6.12: buffers, contexts and execbuffer2.

use std::os::fd::AsFd;

use nix::Result;

use super::{call, layout};

/// `I915_PARAM_CHIPSET_ID`.
pub const PARAM_CHIPSET_ID: i32 = 4;
/// `I915_PARAM_HAS_EXEC_SOFTPIN`.
pub const PARAM_SOFTPIN: i32 = 37;
/// `I915_PARAM_HAS_EXEC_FENCE`.
pub const PARAM_EXEC_FENCE: i32 = 44;
/// `I915_PARAM_HAS_EXEC_FENCE_ARRAY`.
pub const PARAM_FENCE_ARRAY: i32 = 49;
/// `I915_PARAM_HAS_EXEC_TIMELINE_FENCES`.
pub const PARAM_TIMELINE_FENCES: i32 = 55;
/// `I915_MMAP_OFFSET_WB`.
pub const MMAP_WB: u64 = 2;
/// `I915_MMAP_OFFSET_FIXED`: the one way on a device with memory of its own.
pub const MMAP_FIXED: u64 = 4;
/// `I915_USERPTR_READ_ONLY`.
pub const USERPTR_READ_ONLY: u32 = 0x1;
/// `I915_USERPTR_PROBE`.
pub const USERPTR_PROBE: u32 = 0x2;
/// `I915_USERPTR_UNSYNCHRONIZED`, which no kernel takes any more.
pub const USERPTR_UNSYNCHRONIZED: u32 = 0x8000_0000;
/// `EXEC_OBJECT_WRITE`.
pub const OBJECT_WRITE: u64 = 1 << 2;
/// `EXEC_OBJECT_SUPPORTS_48B_ADDRESS`.
pub const OBJECT_48B: u64 = 1 << 3;
/// `EXEC_OBJECT_PINNED`.
pub const OBJECT_PINNED: u64 = 1 << 4;
/// `EXEC_OBJECT_ASYNC`.
pub const OBJECT_ASYNC: u64 = 1 << 6;
/// `I915_EXEC_FENCE_IN`.
pub const EXEC_FENCE_IN: u64 = 1 << 16;
/// `I915_EXEC_FENCE_OUT`.
pub const EXEC_FENCE_OUT: u64 = 1 << 17;
/// `I915_EXEC_FENCE_ARRAY`.
pub const EXEC_FENCE_ARRAY: u64 = 1 << 19;
/// `I915_EXEC_USE_EXTENSIONS`.
pub const EXEC_USE_EXTENSIONS: u64 = 1 << 21;
/// `I915_EXEC_FENCE_WAIT`.
pub const FENCE_WAIT: u32 = 1 << 0;
/// `I915_EXEC_FENCE_SIGNAL`.
pub const FENCE_SIGNAL: u32 = 1 << 1;
/// `DRM_I915_GEM_EXECBUFFER_EXT_TIMELINE_FENCES`.
pub const EXT_TIMELINE_FENCES: u32 = 0;

layout! {
    /// `struct drm_i915_getparam`, with its padding.
    Getparam, "struct drm_i915_getparam" { param: i32, pad: u32, value: u64, }
    /// `struct drm_i915_gem_create`.
    Create, "struct drm_i915_gem_create" { size: u64, handle: u32, pad: u32, }
    /// `struct drm_i915_gem_mmap_offset`.
    MmapOffset, "struct drm_i915_gem_mmap_offset" { handle: u32, pad: u32, offset: u64, flags: u64, extensions: u64, }
    /// `struct drm_i915_gem_userptr`.
    Userptr, "struct drm_i915_gem_userptr" { user_ptr: u64, user_size: u64, flags: u32, handle: u32, }
    /// `struct drm_i915_gem_exec_object2`.
    ExecObject, "struct drm_i915_gem_exec_object2" {
        handle: u32, relocation_count: u32, relocs_ptr: u64, alignment: u64, offset: u64, flags: u64, rsvd1: u64, rsvd2: u64,
    }
    /// `struct drm_i915_gem_execbuffer2`; `rsvd1` is the context, `rsvd2` the in-fence and, above it, the out-fence.
    Execbuffer, "struct drm_i915_gem_execbuffer2" {
        buffers_ptr: u64, buffer_count: u32, batch_start_offset: u32, batch_len: u32, dr1: u32, dr4: u32, num_cliprects: u32,
        cliprects_ptr: u64, flags: u64, rsvd1: u64, rsvd2: u64,
    }
    /// `struct drm_i915_gem_exec_fence`.
    ExecFence, "struct drm_i915_gem_exec_fence" { handle: u32, flags: u32, }
    /// `struct drm_i915_gem_execbuffer_ext_timeline_fences`, its `struct i915_user_extension` first.
    TimelineFences, "struct drm_i915_gem_execbuffer_ext_timeline_fences" {
        next_extension: u64, name: u32, flags: u32, rsvd: [u32; 4], fence_count: u64, handles_ptr: u64, values_ptr: u64,
    }
    /// `struct drm_i915_gem_wait`.
    Wait, "struct drm_i915_gem_wait" { bo_handle: u32, flags: u32, timeout_ns: i64, }
    /// `struct drm_i915_gem_busy`.
    Busy, "struct drm_i915_gem_busy" { handle: u32, busy: u32, }
    /// `struct drm_i915_gem_context_create`.
    ContextCreate, "struct drm_i915_gem_context_create" { ctx_id: u32, pad: u32, }
    /// `struct drm_i915_gem_context_destroy`.
    ContextDestroy, "struct drm_i915_gem_context_destroy" { ctx_id: u32, pad: u32, }
    /// `struct drm_i915_reset_stats`.
    ResetStats, "struct drm_i915_reset_stats" { ctx_id: u32, flags: u32, reset_count: u32, batch_active: u32, batch_pending: u32, pad: u32, }
}

/// The request numbers: `DRM_COMMAND_BASE` is 0x40.
pub mod request {
    use super::*;
    use nix::{request_code_readwrite as rw, request_code_write as w};

    /// `DRM_IOCTL_I915_GETPARAM`.
    pub const GETPARAM: libc::Ioctl = rw!(b'd', 0x46, size_of::<Getparam>());
    /// `DRM_IOCTL_I915_GEM_BUSY`.
    pub const GEM_BUSY: libc::Ioctl = rw!(b'd', 0x57, size_of::<Busy>());
    /// `DRM_IOCTL_I915_GEM_CREATE`.
    pub const GEM_CREATE: libc::Ioctl = rw!(b'd', 0x5b, size_of::<Create>());
    /// `DRM_IOCTL_I915_GEM_MMAP_OFFSET`.
    pub const GEM_MMAP_OFFSET: libc::Ioctl = rw!(b'd', 0x64, size_of::<MmapOffset>());
    /// `DRM_IOCTL_I915_GEM_EXECBUFFER2_WR`.
    pub const EXECBUFFER2_WR: libc::Ioctl = rw!(b'd', 0x69, size_of::<Execbuffer>());
    /// `DRM_IOCTL_I915_GEM_WAIT`.
    pub const GEM_WAIT: libc::Ioctl = rw!(b'd', 0x6c, size_of::<Wait>());
    /// `DRM_IOCTL_I915_GEM_CONTEXT_CREATE`.
    pub const CONTEXT_CREATE: libc::Ioctl = rw!(b'd', 0x6d, size_of::<ContextCreate>());
    /// `DRM_IOCTL_I915_GEM_CONTEXT_DESTROY`.
    pub const CONTEXT_DESTROY: libc::Ioctl = w!(b'd', 0x6e, size_of::<ContextDestroy>());
    /// `DRM_IOCTL_I915_GET_RESET_STATS`.
    pub const GET_RESET_STATS: libc::Ioctl = rw!(b'd', 0x72, size_of::<ResetStats>());
    /// `DRM_IOCTL_I915_GEM_USERPTR`.
    pub const GEM_USERPTR: libc::Ioctl = rw!(b'd', 0x73, size_of::<Userptr>());
}

/// A driver parameter.
///
/// # Errors
/// `EINVAL` for one that the driver does not know, `ENODEV` for one that the device does not have.
pub fn param(file: impl AsFd, param: i32) -> Result<i32> {
    let mut value: i32 = 0;
    let mut arg = Getparam { param, pad: 0, value: std::ptr::from_mut(&mut value) as u64 };
    // SAFETY: the address is that of a live int, which is what the kernel writes.
    unsafe { call(file, request::GETPARAM, &mut arg) }?;
    Ok(value)
}
