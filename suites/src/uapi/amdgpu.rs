//! `include/uapi/drm/amdgpu_drm.h` of Linux 6.12: contexts, buffers, address spaces and command submission.
//!
//! The structs are the header's; unions of an argument and an answer have one struct for each side, which shares the
//! memory through [`Both`].

use super::layout;

/// `AMDGPU_GEM_DOMAIN_GTT`: system memory that the GPU reaches.
pub const DOMAIN_GTT: u64 = 0x2;
/// `AMDGPU_GEM_DOMAIN_VRAM`: the card's own memory.
pub const DOMAIN_VRAM: u64 = 0x4;
/// `AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED`.
pub const CPU_ACCESS: u64 = 1 << 0;
/// `AMDGPU_GEM_USERPTR_READONLY`.
pub const USERPTR_READONLY: u32 = 1 << 0;
/// `AMDGPU_GEM_USERPTR_ANONONLY`.
pub const USERPTR_ANONONLY: u32 = 1 << 1;
/// `AMDGPU_GEM_USERPTR_VALIDATE`.
pub const USERPTR_VALIDATE: u32 = 1 << 2;
/// `AMDGPU_GEM_USERPTR_REGISTER`.
pub const USERPTR_REGISTER: u32 = 1 << 3;
/// `AMDGPU_VA_OP_MAP`.
pub const VA_MAP: u32 = 1;
/// `AMDGPU_VA_OP_UNMAP`.
pub const VA_UNMAP: u32 = 2;
/// `AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE | AMDGPU_VM_PAGE_EXECUTABLE`.
pub const PAGE_RWX: u32 = 1 << 1 | 1 << 2 | 1 << 3;
/// `AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_EXECUTABLE`.
pub const PAGE_RX: u32 = 1 << 1 | 1 << 3;
/// `AMDGPU_GEM_OP_GET_GEM_CREATE_INFO`.
pub const GET_CREATE_INFO: u32 = 0;
/// `AMDGPU_GEM_OP_SET_PLACEMENT`.
pub const SET_PLACEMENT: u32 = 1;
/// `AMDGPU_CTX_OP_ALLOC_CTX`.
pub const CTX_ALLOC: u32 = 1;
/// `AMDGPU_CTX_OP_FREE_CTX`.
pub const CTX_FREE: u32 = 2;
/// `AMDGPU_CTX_OP_QUERY_STATE2`.
pub const CTX_QUERY2: u32 = 4;
/// `AMDGPU_CTX_QUERY2_FLAGS_RESET`: the GPU was reset since the context was made.
pub const CTX_RESET: u64 = 1 << 0;
/// `AMDGPU_CTX_QUERY2_FLAGS_GUILTY`: a job of this context hung.
pub const CTX_GUILTY: u64 = 1 << 2;
/// `AMDGPU_HW_IP_GFX`.
pub const IP_GFX: u32 = 0;
/// `AMDGPU_CHUNK_ID_IB`.
pub const CHUNK_IB: u32 = 0x01;
/// `AMDGPU_CHUNK_ID_DEPENDENCIES`.
pub const CHUNK_DEPENDENCIES: u32 = 0x03;
/// `AMDGPU_CHUNK_ID_SYNCOBJ_IN`.
pub const CHUNK_SYNCOBJ_IN: u32 = 0x04;
/// `AMDGPU_CHUNK_ID_SYNCOBJ_OUT`.
pub const CHUNK_SYNCOBJ_OUT: u32 = 0x05;
/// `AMDGPU_CHUNK_ID_BO_HANDLES`.
pub const CHUNK_BO_HANDLES: u32 = 0x06;
/// `AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT`.
pub const CHUNK_TIMELINE_WAIT: u32 = 0x08;
/// `AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL`.
pub const CHUNK_TIMELINE_SIGNAL: u32 = 0x09;
/// `AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD`.
pub const GET_SYNC_FILE_FD: u32 = 2;
/// `AMDGPU_INFO_ACCEL_WORKING`.
pub const INFO_ACCEL_WORKING: u32 = 0x00;

/// An ioctl's argument that the kernel overwrites with its answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub union Both<In: Copy, Out: Copy> {
    /// What the kernel reads.
    pub input: In,
    /// What it answers.
    pub output: Out,
}

layout! {
    /// `struct drm_amdgpu_gem_create_in`.
    CreateIn, "struct drm_amdgpu_gem_create_in" { bo_size: u64, alignment: u64, domains: u64, domain_flags: u64, }
    /// An answer that begins with a handle: `drm_amdgpu_gem_create_out`, `drm_amdgpu_fence_to_handle.out`.
    HandleOut, "" { handle: u32, pad: u32, }
    /// `struct drm_amdgpu_gem_mmap_in`.
    MmapIn, "struct drm_amdgpu_gem_mmap_in" { handle: u32, pad: u32, }
    /// `struct drm_amdgpu_gem_userptr`.
    Userptr, "struct drm_amdgpu_gem_userptr" { addr: u64, size: u64, flags: u32, handle: u32, }
    /// `struct drm_amdgpu_gem_va`.
    Va, "struct drm_amdgpu_gem_va" { handle: u32, pad: u32, operation: u32, flags: u32, va_address: u64, offset_in_bo: u64, map_size: u64, }
    /// `struct drm_amdgpu_gem_op`.
    GemOp, "struct drm_amdgpu_gem_op" { handle: u32, op: u32, value: u64, }
    /// `struct drm_amdgpu_gem_wait_idle_in`.
    WaitIdleIn, "struct drm_amdgpu_gem_wait_idle_in" { handle: u32, flags: u32, timeout: u64, }
    /// `struct drm_amdgpu_gem_wait_idle_out`.
    WaitIdleOut, "struct drm_amdgpu_gem_wait_idle_out" { status: u32, domain: u32, }
    /// `struct drm_amdgpu_ctx_in`.
    CtxIn, "struct drm_amdgpu_ctx_in" { op: u32, flags: u32, ctx_id: u32, priority: i32, }
    /// `drm_amdgpu_ctx_out.state`, whose first words are `drm_amdgpu_ctx_out.alloc`.
    CtxOut, "" { flags: u64, hangs: u32, reset_status: u32, }
    /// `struct drm_amdgpu_bo_list_in`.
    BoListIn, "struct drm_amdgpu_bo_list_in" { operation: u32, list_handle: u32, bo_number: u32, bo_info_size: u32, bo_info_ptr: u64, }
    /// `struct drm_amdgpu_bo_list_entry`.
    BoListEntry, "struct drm_amdgpu_bo_list_entry" { bo_handle: u32, bo_priority: u32, }
    /// `struct drm_amdgpu_cs_chunk`.
    Chunk, "struct drm_amdgpu_cs_chunk" { chunk_id: u32, length_dw: u32, chunk_data: u64, }
    /// `struct drm_amdgpu_cs_in`.
    CsIn, "struct drm_amdgpu_cs_in" { ctx_id: u32, bo_list_handle: u32, num_chunks: u32, flags: u32, chunks: u64, }
    /// `struct drm_amdgpu_cs_out`.
    CsOut, "struct drm_amdgpu_cs_out" { handle: u64, }
    /// `struct drm_amdgpu_cs_chunk_ib`.
    ChunkIb, "struct drm_amdgpu_cs_chunk_ib" { pad: u32, flags: u32, va_start: u64, ib_bytes: u32, ip_type: u32, ip_instance: u32, ring: u32, }
    /// `struct drm_amdgpu_cs_chunk_dep`.
    ChunkDep, "struct drm_amdgpu_cs_chunk_dep" { ip_type: u32, ip_instance: u32, ring: u32, ctx_id: u32, handle: u64, }
    /// `struct drm_amdgpu_cs_chunk_sem`.
    ChunkSem, "struct drm_amdgpu_cs_chunk_sem" { handle: u32, }
    /// `struct drm_amdgpu_cs_chunk_syncobj`.
    ChunkSyncobj, "struct drm_amdgpu_cs_chunk_syncobj" { handle: u32, flags: u32, point: u64, }
    /// `struct drm_amdgpu_wait_cs_in`.
    WaitCsIn, "struct drm_amdgpu_wait_cs_in" { handle: u64, timeout: u64, ip_type: u32, ip_instance: u32, ring: u32, ctx_id: u32, }
    /// `struct drm_amdgpu_wait_cs_out`.
    WaitCsOut, "struct drm_amdgpu_wait_cs_out" { status: u64, }
    /// `struct drm_amdgpu_fence`.
    Fence, "struct drm_amdgpu_fence" { ctx_id: u32, ip_type: u32, ip_instance: u32, ring: u32, seq_no: u64, }
    /// `struct drm_amdgpu_wait_fences_in`.
    WaitFencesIn, "struct drm_amdgpu_wait_fences_in" { fences: u64, fence_count: u32, wait_all: u32, timeout_ns: u64, }
    /// `struct drm_amdgpu_wait_fences_out`.
    WaitFencesOut, "struct drm_amdgpu_wait_fences_out" { status: u32, first_signaled: u32, }
    /// `drm_amdgpu_fence_to_handle.in`.
    FenceToHandleIn, "" { fence: Fence, what: u32, pad: u32, }
    /// `struct drm_amdgpu_info`, as far as a plain query uses it; the union behind it is 16 bytes.
    Info, "struct drm_amdgpu_info" { return_pointer: u64, return_size: u32, query: u32, arguments: [u32; 4], }
}

/// `union drm_amdgpu_gem_create`.
pub type Create = Both<CreateIn, HandleOut>;
/// `union drm_amdgpu_gem_mmap`.
pub type Mmap = Both<MmapIn, u64>;
/// `union drm_amdgpu_gem_wait_idle`.
pub type WaitIdle = Both<WaitIdleIn, WaitIdleOut>;
/// `union drm_amdgpu_ctx`.
pub type Ctx = Both<CtxIn, CtxOut>;
/// `union drm_amdgpu_cs`.
pub type Cs = Both<CsIn, CsOut>;
/// `union drm_amdgpu_wait_cs`.
pub type WaitCs = Both<WaitCsIn, WaitCsOut>;
/// `union drm_amdgpu_wait_fences`.
pub type WaitFences = Both<WaitFencesIn, WaitFencesOut>;
/// `union drm_amdgpu_fence_to_handle`.
pub type FenceToHandle = Both<FenceToHandleIn, HandleOut>;

/// The request numbers: `DRM_COMMAND_BASE` is 0x40.
pub mod request {
    use super::*;
    use nix::{request_code_readwrite as rw, request_code_write as w};

    /// `DRM_IOCTL_AMDGPU_GEM_CREATE`.
    pub const GEM_CREATE: libc::Ioctl = rw!(b'd', 0x40, size_of::<Create>());
    /// `DRM_IOCTL_AMDGPU_GEM_MMAP`.
    pub const GEM_MMAP: libc::Ioctl = rw!(b'd', 0x41, size_of::<Mmap>());
    /// `DRM_IOCTL_AMDGPU_CTX`.
    pub const CTX: libc::Ioctl = rw!(b'd', 0x42, size_of::<Ctx>());
    /// `DRM_IOCTL_AMDGPU_CS`.
    pub const CS: libc::Ioctl = rw!(b'd', 0x44, size_of::<Cs>());
    /// `DRM_IOCTL_AMDGPU_INFO`.
    pub const INFO: libc::Ioctl = w!(b'd', 0x45, size_of::<Info>());
    /// `DRM_IOCTL_AMDGPU_GEM_WAIT_IDLE`.
    pub const GEM_WAIT_IDLE: libc::Ioctl = rw!(b'd', 0x47, size_of::<WaitIdle>());
    /// `DRM_IOCTL_AMDGPU_GEM_VA`.
    pub const GEM_VA: libc::Ioctl = w!(b'd', 0x48, size_of::<Va>());
    /// `DRM_IOCTL_AMDGPU_WAIT_CS`.
    pub const WAIT_CS: libc::Ioctl = rw!(b'd', 0x49, size_of::<WaitCs>());
    /// `DRM_IOCTL_AMDGPU_GEM_OP`.
    pub const GEM_OP: libc::Ioctl = rw!(b'd', 0x50, size_of::<GemOp>());
    /// `DRM_IOCTL_AMDGPU_GEM_USERPTR`.
    pub const GEM_USERPTR: libc::Ioctl = rw!(b'd', 0x51, size_of::<Userptr>());
    /// `DRM_IOCTL_AMDGPU_WAIT_FENCES`.
    pub const WAIT_FENCES: libc::Ioctl = rw!(b'd', 0x52, size_of::<WaitFences>());
    /// `DRM_IOCTL_AMDGPU_FENCE_TO_HANDLE`.
    pub const FENCE_TO_HANDLE: libc::Ioctl = rw!(b'd', 0x54, size_of::<FenceToHandle>());
}
