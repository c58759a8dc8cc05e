//! `include/uapi/drm/xe_drm.h` of Linux 6.12: address spaces, binds, exec queues, and fences that are words in memory.

use std::os::fd::AsFd;

use nix::Result;

use super::{call, layout};

/// `DRM_XE_DEVICE_QUERY_ENGINES`.
pub const QUERY_ENGINES: u32 = 0;
/// `DRM_XE_DEVICE_QUERY_MEM_REGIONS`.
pub const QUERY_MEM_REGIONS: u32 = 1;
/// `DRM_XE_MEM_REGION_CLASS_SYSMEM`.
pub const REGION_SYSMEM: u16 = 0;
/// `DRM_XE_ENGINE_CLASS_VM_BIND`: classes below it run batches.
pub const CLASS_VM_BIND: u16 = 5;
/// `DRM_XE_ENGINE_CLASS_COPY`.
pub const CLASS_COPY: u16 = 1;
/// `DRM_XE_GEM_CPU_CACHING_WB`.
pub const CACHING_WB: u16 = 1;
/// `DRM_XE_VM_CREATE_FLAG_LR_MODE`: jobs of this address space end when they like, and have no dma-fence.
pub const VM_LR_MODE: u32 = 1 << 1;
/// `DRM_XE_VM_CREATE_FLAG_FAULT_MODE`: the GPU's page faults are served.
pub const VM_FAULT_MODE: u32 = 1 << 2;
/// `DRM_XE_VM_BIND_OP_MAP`.
pub const BIND_MAP: u32 = 0;
/// `DRM_XE_VM_BIND_OP_UNMAP`.
pub const BIND_UNMAP: u32 = 1;
/// `DRM_XE_VM_BIND_OP_MAP_USERPTR`.
pub const BIND_MAP_USERPTR: u32 = 2;
/// `DRM_XE_SYNC_TYPE_SYNCOBJ`.
pub const SYNC_SYNCOBJ: u32 = 0;
/// `DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ`.
pub const SYNC_TIMELINE: u32 = 1;
/// `DRM_XE_SYNC_TYPE_USER_FENCE`.
pub const SYNC_USER_FENCE: u32 = 2;
/// `DRM_XE_SYNC_FLAG_SIGNAL`: it is signalled; without, it is waited for.
pub const SYNC_SIGNAL: u32 = 1 << 0;
/// `DRM_XE_UFENCE_WAIT_OP_EQ`.
pub const WAIT_EQ: u16 = 0;
/// `DRM_XE_UFENCE_WAIT_OP_LTE`, the last.
pub const WAIT_LTE: u16 = 5;
/// `DRM_XE_UFENCE_WAIT_FLAG_ABSTIME`.
pub const WAIT_ABSTIME: u16 = 1 << 0;

layout! {
    /// `struct drm_xe_engine_class_instance`.
    EngineInstance, "struct drm_xe_engine_class_instance" {
        engine_class: u16, engine_instance: u16, gt_id: u16, pad: u16,
    }
    /// `struct drm_xe_engine`.
    Engine, "struct drm_xe_engine" { instance: EngineInstance, reserved: [u64; 3], }
    /// `struct drm_xe_mem_region`.
    MemRegion, "struct drm_xe_mem_region" {
        mem_class: u16, instance: u16, min_page_size: u32, total_size: u64, used: u64, cpu_visible_size: u64,
        cpu_visible_used: u64, reserved: [u64; 6],
    }
    /// `struct drm_xe_device_query`.
    DeviceQuery, "struct drm_xe_device_query" { extensions: u64, query: u32, size: u32, data: u64, reserved: [u64; 2], }
    /// `struct drm_xe_gem_create`.
    GemCreate, "struct drm_xe_gem_create" {
        extensions: u64, size: u64, placement: u32, flags: u32, vm_id: u32, handle: u32, cpu_caching: u16, pad: [u16; 3],
        reserved: [u64; 2],
    }
    /// `struct drm_xe_gem_mmap_offset`.
    MmapOffset, "struct drm_xe_gem_mmap_offset" { extensions: u64, handle: u32, flags: u32, offset: u64, reserved: [u64; 2], }
    /// `struct drm_xe_vm_create`.
    VmCreate, "struct drm_xe_vm_create" { extensions: u64, flags: u32, vm_id: u32, reserved: [u64; 2], }
    /// `struct drm_xe_vm_destroy`.
    VmDestroy, "struct drm_xe_vm_destroy" { vm_id: u32, pad: u32, reserved: [u64; 2], }
    /// `struct drm_xe_vm_bind_op`; `obj_offset` is `userptr` too.
    VmBindOp, "struct drm_xe_vm_bind_op" {
        extensions: u64, obj: u32, pat_index: u16, pad: u16, obj_offset: u64, range: u64, addr: u64, op: u32, flags: u32,
        prefetch_mem_region_instance: u32, pad2: u32, reserved: [u64; 3],
    }
    /// `struct drm_xe_vm_bind` with a single operation.
    VmBind, "struct drm_xe_vm_bind" {
        extensions: u64, vm_id: u32, exec_queue_id: u32, pad: u32, num_binds: u32, bind: VmBindOp, pad2: u32, num_syncs: u32,
        syncs: u64, reserved: [u64; 2],
    }
    /// `struct drm_xe_exec_queue_create`.
    ExecQueueCreate, "struct drm_xe_exec_queue_create" {
        extensions: u64, width: u16, num_placements: u16, vm_id: u32, flags: u32, exec_queue_id: u32, instances: u64,
        reserved: [u64; 2],
    }
    /// `struct drm_xe_exec_queue_destroy`.
    ExecQueueDestroy, "struct drm_xe_exec_queue_destroy" { exec_queue_id: u32, pad: u32, reserved: [u64; 2], }
    /// `struct drm_xe_sync`; the lower half of `addr` is `handle` too.
    Sync, "struct drm_xe_sync" {
        extensions: u64, r#type: u32, flags: u32, addr: u64, timeline_value: u64, reserved: [u64; 2],
    }
    /// `struct drm_xe_exec`.
    Exec, "struct drm_xe_exec" {
        extensions: u64, exec_queue_id: u32, num_syncs: u32, syncs: u64, address: u64, num_batch_buffer: u16, pad: [u16; 3],
        reserved: [u64; 2],
    }
    /// `struct drm_xe_wait_user_fence`.
    WaitUserFence, "struct drm_xe_wait_user_fence" {
        extensions: u64, addr: u64, op: u16, flags: u16, pad: u32, value: u64, mask: u64, timeout: i64, exec_queue_id: u32,
        pad2: u32, reserved: [u64; 2],
    }
}

const _: () = {
    assert!(size_of::<DeviceQuery>() == 40 && size_of::<GemCreate>() == 56 && size_of::<MmapOffset>() == 40);
    assert!(size_of::<VmCreate>() == 32 && size_of::<VmBindOp>() == 80 && size_of::<VmBind>() == 136);
    assert!(size_of::<Sync>() == 48 && size_of::<Exec>() == 56 && size_of::<WaitUserFence>() == 72);
    assert!(size_of::<Engine>() == 32 && size_of::<MemRegion>() == 88);
};

/// The request numbers: `DRM_COMMAND_BASE` is 0x40.
pub mod request {
    use super::*;
    use nix::{request_code_readwrite as rw, request_code_write as w};

    /// `DRM_IOCTL_XE_DEVICE_QUERY`.
    pub const DEVICE_QUERY: libc::Ioctl = rw!(b'd', 0x40, size_of::<DeviceQuery>());
    /// `DRM_IOCTL_XE_GEM_CREATE`.
    pub const GEM_CREATE: libc::Ioctl = rw!(b'd', 0x41, size_of::<GemCreate>());
    /// `DRM_IOCTL_XE_GEM_MMAP_OFFSET`.
    pub const GEM_MMAP_OFFSET: libc::Ioctl = rw!(b'd', 0x42, size_of::<MmapOffset>());
    /// `DRM_IOCTL_XE_VM_CREATE`.
    pub const VM_CREATE: libc::Ioctl = rw!(b'd', 0x43, size_of::<VmCreate>());
    /// `DRM_IOCTL_XE_VM_DESTROY`.
    pub const VM_DESTROY: libc::Ioctl = w!(b'd', 0x44, size_of::<VmDestroy>());
    /// `DRM_IOCTL_XE_VM_BIND`.
    pub const VM_BIND: libc::Ioctl = w!(b'd', 0x45, size_of::<VmBind>());
    /// `DRM_IOCTL_XE_EXEC_QUEUE_CREATE`.
    pub const EXEC_QUEUE_CREATE: libc::Ioctl = rw!(b'd', 0x46, size_of::<ExecQueueCreate>());
    /// `DRM_IOCTL_XE_EXEC_QUEUE_DESTROY`.
    pub const EXEC_QUEUE_DESTROY: libc::Ioctl = w!(b'd', 0x47, size_of::<ExecQueueDestroy>());
    /// `DRM_IOCTL_XE_EXEC`.
    pub const EXEC: libc::Ioctl = w!(b'd', 0x49, size_of::<Exec>());
    /// `DRM_IOCTL_XE_WAIT_USER_FENCE`.
    pub const WAIT_USER_FENCE: libc::Ioctl = rw!(b'd', 0x4a, size_of::<WaitUserFence>());
}

impl Sync {
    /// Waits for a sync object; `point` 0 is its binary fence.
    pub fn wait(handle: u32, point: u64) -> Self {
        let r#type = if point == 0 { SYNC_SYNCOBJ } else { SYNC_TIMELINE };
        Sync { r#type, addr: handle.into(), timeline_value: point, ..Sync::default() }
    }

    /// Signals a sync object; `point` 0 is its binary fence.
    pub fn signal(handle: u32, point: u64) -> Self {
        Sync { flags: SYNC_SIGNAL, ..Sync::wait(handle, point) }
    }

    /// Writes `value` to an address, a multiple of 8: a bind's is the process's, a job's is the GPU's.
    pub fn user_fence(addr: u64, value: u64) -> Self {
        Sync { r#type: SYNC_USER_FENCE, flags: SYNC_SIGNAL, addr, timeline_value: value, ..Sync::default() }
    }
}

/// `DRM_IOCTL_XE_DEVICE_QUERY`: the whole answer.
///
/// # Errors
/// `EINVAL` for a query that the kernel does not know.
pub fn query(file: impl AsFd, query: u32) -> Result<Vec<u8>> {
    let mut ask = DeviceQuery { query, ..DeviceQuery::default() };
    // SAFETY: without a size the kernel writes nothing but the size that it needs (xe_query.c).
    unsafe { call(&file, request::DEVICE_QUERY, &mut ask) }?;
    let mut answer = vec![0u8; ask.size as usize];
    ask.data = answer.as_mut_ptr() as u64;
    // SAFETY: the address is that of as many live bytes as the struct says.
    unsafe { call(&file, request::DEVICE_QUERY, &mut ask) }?;
    Ok(answer)
}
