//! Address spaces and the queues of their jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;

use super::PATIENCE;
use super::device::{Bo, CHUNK, Xe};
use crate::case::{Stop, Tested};
use crate::must::Must;
use crate::syncobj::Syncobj;
use crate::uapi::call;
use crate::uapi::sync_file::SyncFile;
use crate::uapi::xe::{
    self as uapi, Exec, ExecQueueCreate, ExecQueueDestroy, Sync, VmBind, VmBindOp, VmCreate, VmDestroy,
    WaitUserFence, request,
};
use crate::userptr::Pages;

/// The first address that is bound, and what lies between two: beyond every alignment that a device asks for.
const FIRST: u64 = 1 << 32;
const STEP: u64 = 1 << 21;
/// The indices of memory attributes that are tried (`xe->pat.n_entries`, at most 32 in xe_pat.c).
const ATTRIBUTES: u16 = 32;

/// An address space, destroyed on drop.
#[derive(Debug)]
pub(super) struct Vm {
    pub(super) xe: Arc<Xe>,
    pub(super) id: u32,
    flags: u32,
    /// Memory attributes that are coherent with the CPU.
    attributes: u16,
    next: AtomicU64,
}

/// What an address shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Memory<'a> {
    Bo(&'a Bo),
    Pages(&'a Pages),
}

impl Vm {
    /// An address space of this kind.
    ///
    /// # Errors
    /// Skips where page faults are to be served and the device serves none, fails where the kind is refused otherwise and
    /// where no memory attributes fit.
    pub(super) fn new(xe: &Arc<Xe>, flags: u32) -> Result<Vm, Stop> {
        let id = create(xe, flags).map_err(|errno| {
            let text = format!("{} makes no address space with flags {flags:#x}: {errno:?}", xe.file.name());
            // xe_vm_create_ioctl(): EINVAL for a device that serves no page faults (has_usm), and for no other good flag.
            let faults = flags & uapi::VM_FAULT_MODE != 0;
            if errno == Errno::EINVAL && faults { Stop::skip(text) } else { Stop::fail(text) }
        })?;
        let mut vm = Vm { xe: Arc::clone(xe), id, flags, attributes: 0, next: AtomicU64::new(FIRST) };
        vm.attributes = vm.find_attributes()?;
        Ok(vm)
    }

    /// Which index means coherent memory differs from device to device, and the kernel tells it in one way: it binds pages
    /// of a process with no other (`XE_COH_NONE` in vm_bind_ioctl_check_args()).
    fn find_attributes(&self) -> Result<u16, Stop> {
        let pages = Pages::new(CHUNK / 4096)?;
        let at = self.address();
        for attributes in 0..ATTRIBUTES {
            let op = VmBindOp { pat_index: attributes, ..self.op(Memory::Pages(&pages), at) };
            match self.bind(op, &[]) {
                Ok(()) => {
                    self.unmap_now(at)?;
                    return Ok(attributes);
                }
                Err(Errno::EINVAL) => {}
                Err(errno) => return Err(Stop::fail(format!("failed to bind pages: {errno}"))),
            }
        }
        Err(Stop::fail("no memory attributes fit a process's pages"))
    }

    pub(super) fn is_long_running(&self) -> bool {
        self.flags & uapi::VM_LR_MODE != 0
    }

    /// An address that nothing was bound at.
    pub(super) fn address(&self) -> u64 {
        self.next.fetch_add(STEP, Ordering::Relaxed)
    }

    /// The operation that binds it.
    pub(super) fn op(&self, memory: Memory<'_>, addr: u64) -> VmBindOp {
        let (obj, obj_offset, range, op) = match memory {
            Memory::Bo(bo) => (bo.gem.handle(), 0, CHUNK as u64, uapi::BIND_MAP),
            Memory::Pages(pages) => (0, pages.start(), pages.size() as u64, uapi::BIND_MAP_USERPTR),
        };
        VmBindOp { obj, obj_offset, range, addr, op, pat_index: self.attributes, ..VmBindOp::default() }
    }

    /// `DRM_IOCTL_XE_VM_BIND` of one operation.
    ///
    /// # Errors
    /// As vm_bind_ioctl_check_args() and xe_sync_entry_parse().
    pub(super) fn bind(&self, bind: VmBindOp, syncs: &[Sync]) -> nix::Result<()> {
        let mut args = VmBind {
            vm_id: self.id,
            num_binds: 1,
            bind,
            num_syncs: syncs.len() as u32,
            syncs: syncs.as_ptr() as u64,
            ..VmBind::default()
        };
        // SAFETY: the array lives over the call; what is bound is written only as jobs that a case submits say.
        unsafe { call(&self.xe.file, request::VM_BIND, &mut args) }
    }

    /// Binds and waits until that is done: the address.
    ///
    /// # Errors
    /// Fails where it is refused or does not end.
    pub(super) fn show(&self, memory: Memory<'_>) -> Result<u64, Stop> {
        let addr = self.address();
        self.finish(self.op(memory, addr))?;
        Ok(addr)
    }

    fn unmap_now(&self, addr: u64) -> Tested {
        self.finish(VmBindOp { addr, range: CHUNK as u64, op: uapi::BIND_UNMAP, ..VmBindOp::default() })
    }

    /// An address space for long-running work signals no sync object, so a word of memory tells the end there.
    fn finish(&self, op: VmBindOp) -> Tested {
        if self.is_long_running() {
            let word = Pages::new(1)?;
            self.bind(op, &[Sync::user_fence(word.start(), 1)]).must("bind")?;
            let ended = self.xe.wait(&until(word.start(), 1)).must("wait for a bind's user fence");
            if ended.is_err() {
                // The kernel still owes a write there.
                std::mem::forget(word);
            }
            return ended;
        }
        let done = Syncobj::new(&self.xe.file, false)?;
        self.bind(op, &[Sync::signal(done.raw(), 0)]).must("bind")?;
        crate::submit::ended(&done.export().must("export a bind's fence")?, "a bind")
    }

    /// A batch that writes `word` to `to`, bound: the buffer that holds it, and its address.
    ///
    /// # Errors
    /// Fails where there is no room for it.
    pub(super) fn store(&self, to: u64, word: u64) -> Result<(Bo, u64), Stop> {
        let mut bo = self.xe.bo()?;
        bo.map.write(&crate::gpu::intel_store(to, word));
        let at = self.show(Memory::Bo(&bo))?;
        Ok((bo, at))
    }

    /// A queue of its jobs.
    ///
    /// # Errors
    /// Fails where the driver makes none.
    pub(super) fn queue(&self) -> Result<Queue, Stop> {
        let mut create = ExecQueueCreate {
            width: 1,
            num_placements: 1,
            vm_id: self.id,
            instances: std::ptr::from_ref(&self.xe.engine) as u64,
            ..ExecQueueCreate::default()
        };
        // SAFETY: the one address is that of a live engine.
        unsafe { call(&self.xe.file, request::EXEC_QUEUE_CREATE, &mut create) }.must("make an exec queue")?;
        Ok(Queue { xe: Arc::clone(&self.xe), id: create.exec_queue_id })
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        let mut destroy = VmDestroy { vm_id: self.id, ..VmDestroy::default() };
        // SAFETY: the struct holds no addresses.
        let _ = unsafe { call(&self.xe.file, request::VM_DESTROY, &mut destroy) };
    }
}

/// `DRM_IOCTL_XE_VM_CREATE`: the id.
pub(super) fn create(xe: &Xe, flags: u32) -> nix::Result<u32> {
    let mut create = VmCreate { flags, ..VmCreate::default() };
    // SAFETY: the struct holds no addresses.
    unsafe { call(&xe.file, request::VM_CREATE, &mut create) }?;
    Ok(create.vm_id)
}

/// Waits until the word at an address of this process is `value`.
pub(super) fn until(addr: u64, value: u64) -> WaitUserFence {
    let timeout = PATIENCE.as_nanos() as i64;
    WaitUserFence { addr, op: uapi::WAIT_EQ, value, mask: u64::MAX, timeout, ..WaitUserFence::default() }
}

/// An exec queue, destroyed on drop.
#[derive(Debug)]
pub(super) struct Queue {
    xe: Arc<Xe>,
    id: u32,
}

impl Queue {
    /// `DRM_IOCTL_XE_EXEC` of one batch.
    ///
    /// # Errors
    /// As xe_exec_ioctl().
    pub(super) fn exec(&self, address: u64, syncs: &[Sync]) -> nix::Result<()> {
        let mut exec = Exec {
            exec_queue_id: self.id,
            num_syncs: syncs.len() as u32,
            syncs: syncs.as_ptr() as u64,
            address,
            num_batch_buffer: 1,
            ..Exec::default()
        };
        // SAFETY: the array lives over the call; the batch writes to what the case bound alone.
        unsafe { call(&self.xe.file, request::EXEC, &mut exec) }
    }

    /// The same behind a fence, as a job's fence.
    ///
    /// # Errors
    /// Fails where the job is refused.
    pub(super) fn exec_after(&self, address: u64, fence: impl std::os::fd::AsFd) -> Result<SyncFile, Stop> {
        let (before, done) = (Syncobj::new(&self.xe.file, false)?, Syncobj::new(&self.xe.file, false)?);
        before.import(fence).must("put a fence into a sync object")?;
        let syncs = [Sync::wait(before.raw(), 0), Sync::signal(done.raw(), 0)];
        self.exec(address, &syncs).must("submit a job")?;
        done.export().must("export a job's fence")
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let mut destroy = ExecQueueDestroy { exec_queue_id: self.id, ..ExecQueueDestroy::default() };
        // SAFETY: the struct holds no addresses.
        let _ = unsafe { call(&self.xe.file, request::EXEC_QUEUE_DESTROY, &mut destroy) };
    }
}
