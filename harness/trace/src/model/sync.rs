//! Sync objects, sync_files, sw_sync, vgem's fences, and the fences in buffers.

use fencelab_abi::FdClass;

use super::action::Action;
use super::effect::{Access, Effect, Target, Targets};
use super::object::{ObjectId, ObjectKind, Origin};
use super::scene::Scene;
use super::space::Entry;
use super::state::State;
use crate::payload::number;

/// DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE and DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE.
const SYNC_FILE: u64 = 1;

impl State {
    /// What these ioctls do when they are made.
    pub(super) fn sync_at_begin(&mut self, scene: &Scene<'_, '_>) {
        match scene.known.action {
            Action::SyncobjSignal => {
                let targets = self.points(scene, "handles", "points");
                self.effects.push(Effect::Signal(targets));
            }
            Action::SyncobjReset => {
                let targets = self.points(scene, "handles", "");
                self.effects.push(Effect::Reset(targets));
            }
            Action::SyncobjTransfer => {
                let from = self.point(scene, scene.input("src_handle"), scene.input("src_point"));
                let to = self.point(scene, scene.input("dst_handle"), scene.input("dst_point"));
                let adds = scene.input("dst_point") != 0;
                self.effects.push(Effect::Copy { from, to, adds });
            }
            Action::SyncobjImport if scene.input("flags") & SYNC_FILE != 0 => {
                let fd = scene.input("fd") as i32;
                let Some(file) = self.fd_of(scene.space, fd, FdClass::SyncFile, Origin::Unseen) else {
                    return;
                };
                let point = scene.input("point");
                let to = self.point(scene, scene.input("handle"), point);
                self.effects.push(Effect::Copy { from: Target::File(file), to, adds: point != 0 });
            }
            Action::SyncobjEventfd => {
                let fd = scene.input("fd") as i32;
                let Some(eventfd) = self.fd_of(scene.space, fd, FdClass::Eventfd, Origin::Unseen) else {
                    return;
                };
                let from = self.point(scene, scene.input("handle"), scene.input("point"));
                self.effects.push(Effect::Copy { from, to: Target::File(eventfd), adds: true });
            }
            Action::FencesIn => {
                let fd = scene.input("fd") as i32;
                let Some(file) = self.fd_of(scene.space, fd, FdClass::SyncFile, Origin::Unseen) else {
                    return;
                };
                // DMA_BUF_SYNC_WRITE: as a writer's.
                let to = Target::Buffer(scene.file, access(scene.input("flags")));
                self.effects.push(Effect::Copy { from: Target::File(file), to, adds: true });
            }
            Action::SwInc => {
                let by = number(scene.call.argument_in(), 0, 4).unwrap_or(0);
                *self.sw_values.entry(scene.file).or_default() += by;
                let targets = self.add_targets([Target::Timeline(scene.file, by)]);
                self.effects.push(Effect::Signal(targets));
            }
            Action::VgemAttach => self.vgem_attach(scene),
            _ => {}
        }
    }

    fn vgem_attach(&mut self, scene: &Scene<'_, '_>) {
        const VGEM_FENCE_WRITE: u64 = 1;
        let gem = self.handle(scene.file, ObjectKind::Gem, scene.input("handle"));
        let fence = self.meet(ObjectKind::Fence, Origin::Made, Some(scene.file));
        self.fences.insert(self.call, fence);
        let write = scene.input("flags") & VGEM_FENCE_WRITE != 0;
        let to = Target::Buffer(self.buffer(gem), if write { Access::Write } else { Access::Read });
        self.effects.push(Effect::Fence { fence, by: None });
        self.effects.push(Effect::Copy { from: Target::Fence(fence), to, adds: true });
    }

    /// vgem's fence is signalled before its handle is given up.
    pub(super) fn vgem_signal(&mut self, scene: &Scene<'_, '_>) {
        let fence = self.handle(scene.file, ObjectKind::Fence, scene.input("fence"));
        let targets = self.add_targets([Target::Fence(fence)]);
        self.effects.push(Effect::Signal(targets));
    }

    /// What they do when they have returned.
    pub(super) fn sync_at_end(&mut self, scene: &Scene<'_, '_>) {
        match scene.known.action {
            Action::SyncobjExport => self.export(scene),
            Action::SyncobjImport if scene.input("flags") & SYNC_FILE == 0 => self.import(scene),
            Action::AmdgpuFence => self.amdgpu_fence(scene),
            Action::BufferExport => self.export_buffer(scene),
            Action::BufferImport => self.import_buffer(scene),
            _ => {}
        }
    }

    fn export(&mut self, scene: &Scene<'_, '_>) {
        let syncobj = self.handle(scene.file, ObjectKind::Syncobj, scene.input("handle"));
        let Some(fd) = scene.output("fd").map(|fd| fd as i32) else { return };
        if scene.input("flags") & SYNC_FILE == 0 {
            return self.bind_fd(
                scene.space,
                fd,
                Entry { object: syncobj, class: FdClass::Syncobj, cloexec: true },
            );
        }
        let object = self.meet(ObjectKind::SyncFile, Origin::Made, None);
        self.bind_fd(scene.space, fd, Entry { object, class: FdClass::SyncFile, cloexec: true });
        let from = Target::Point(syncobj, scene.input("point"));
        self.effects.push(Effect::Copy { from, to: Target::File(object), adds: false });
    }

    fn import(&mut self, scene: &Scene<'_, '_>) {
        let fd = scene.input("fd") as i32;
        let Some(syncobj) = self.fd_of(scene.space, fd, FdClass::Syncobj, Origin::Unseen) else { return };
        if let Some(handle) = scene.output("handle") {
            self.bind_handle(scene.file, ObjectKind::Syncobj, handle, syncobj);
        }
    }

    /// What AMDGPU_FENCE_TO_HANDLE_GET_* made of a submission's fence: a sync object's handle, its fd, or a sync_file's.
    fn amdgpu_fence(&mut self, scene: &Scene<'_, '_>) {
        let queue = self.handle(scene.file, ObjectKind::Queue, scene.input("in.fence.ctx_id"));
        let from = Target::Seqno(Some(queue), scene.input("in.fence.seq_no"));
        let Some(made) = scene.output("out.handle") else { return };
        let what = scene.input("in.what");
        let kind = if what == 2 { ObjectKind::SyncFile } else { ObjectKind::Syncobj };
        let object = self.meet(kind, Origin::Made, Some(scene.file));
        let class = if what == 2 { FdClass::SyncFile } else { FdClass::Syncobj };
        match what {
            0 => self.bind_handle(scene.file, kind, made, object),
            _ => self.bind_fd(scene.space, made as i32, Entry { object, class, cloexec: true }),
        }
        let to = if what == 2 { Target::File(object) } else { Target::Point(object, 0) };
        self.effects.push(Effect::Copy { from, to, adds: false });
    }

    fn export_buffer(&mut self, scene: &Scene<'_, '_>) {
        let gem = self.handle(scene.file, ObjectKind::Gem, scene.input("handle"));
        let Some(fd) = scene.output("fd").map(|fd| fd as i32).filter(|fd| *fd >= 0) else { return };
        let object = match self.dma_bufs.get(&gem) {
            Some(known) => *known,
            None => {
                let made = self.meet(ObjectKind::DmaBuf, Origin::Made, Some(gem));
                self.dma_bufs.insert(gem, made);
                made
            }
        };
        self.bind_fd(scene.space, fd, Entry { object, class: FdClass::DmaBuf, cloexec: scene.is_cloexec() });
    }

    fn import_buffer(&mut self, scene: &Scene<'_, '_>) {
        let fd = scene.input("fd") as i32;
        let Some(dma_buf) = self.fd_of(scene.space, fd, FdClass::DmaBuf, Origin::Unseen) else { return };
        let Some(handle) = scene.output("handle").filter(|handle| *handle != 0) else { return };
        let key = (ObjectKind::Gem, handle);
        let known = self.files.get(&scene.file).and_then(|file| file.handles.get(&key).copied());
        // One file has one handle for one buffer.
        if known.is_some_and(|gem| self.dma_bufs.get(&gem) == Some(&dma_buf)) {
            return;
        }
        let gem = self.meet(ObjectKind::Gem, Origin::Made, Some(scene.file));
        self.dma_bufs.insert(gem, dma_buf);
        self.bind_handle(scene.file, ObjectKind::Gem, handle, gem);
    }

    /// What is in a sync_file that a call has made.
    pub(super) fn fill(&mut self, scene: &Scene<'_, '_>, file: ObjectId) {
        let to = Target::File(file);
        let copy = |from, adds| Effect::Copy { from, to, adds };
        match scene.known.action {
            Action::Merge => {
                let first = Target::File(scene.file);
                let second =
                    self.fd_of(scene.space, scene.input("fd2") as i32, FdClass::SyncFile, Origin::Unseen);
                self.effects.push(copy(first, false));
                self.effects.extend(second.map(|second| copy(Target::File(second), true)));
            }
            Action::FencesOut => {
                let from = Target::Buffer(scene.file, access(scene.input("flags")));
                self.effects.push(copy(from, false));
            }
            Action::SwCreate => {
                let fence = self.meet(ObjectKind::Fence, Origin::Made, Some(scene.file));
                // Timelines count with 32 bits.
                let by = Some(Target::Timeline(scene.file, scene.input("value") & 0xffff_ffff));
                self.effects.push(Effect::Fence { fence, by });
                self.effects.push(copy(Target::Fence(fence), false));
            }
            _ => {
                let fence = match self.fences.remove(&self.call) {
                    Some(fence) => fence,
                    None => {
                        let fence = self.meet(ObjectKind::Fence, Origin::Made, Some(scene.file));
                        self.effects.push(Effect::Fence { fence, by: None });
                        fence
                    }
                };
                self.effects.push(copy(Target::Fence(fence), false));
            }
        }
    }

    /// A point of a sync object that a handle names.
    pub(super) fn point(&mut self, scene: &Scene<'_, '_>, handle: u64, point: u64) -> Target {
        Target::Point(self.handle(scene.file, ObjectKind::Syncobj, handle), point)
    }

    /// The points that two arrays give, one of handles and one of numbers; without the second all are 0.
    pub(super) fn points(&mut self, scene: &Scene<'_, '_>, handles: &str, points: &str) -> Targets {
        let mut numbers = scene.named_elements(points);
        let start = self.targets.len() as u32;
        for handle in scene.named_elements(handles) {
            let point = numbers.next().and_then(|bytes| number(bytes, 0, 8)).unwrap_or(0);
            let target = self.point(scene, number(handle, 0, 4).unwrap_or(0), point);
            self.targets.push(target);
        }
        start..self.targets.len() as u32
    }
}

/// What DMA_BUF_SYNC_WRITE (bit 1) in flags says.
pub(super) fn access(flags: u64) -> Access {
    if flags & 2 != 0 { Access::Write } else { Access::Read }
}
