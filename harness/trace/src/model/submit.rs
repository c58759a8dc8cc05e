//! Submissions and commits.

use fencelab_abi::ioctl::{Field, Follow, Role};
use fencelab_abi::section::{OUT_FENCE_SIZE, OUT_FENCES};
use fencelab_abi::{FdClass, Object};

use super::action::Action;
use super::effect::{Access, Effect, Target};
use super::object::{ObjectId, ObjectKind, Origin};
use super::scene::Scene;
use super::space::Entry;
use super::state::State;
use crate::decode::{chunk_data, elements};
use crate::payload::number;

/// What a submission waits for and what it signals.
#[derive(Default)]
struct Job {
    waits: Vec<Target>,
    signals: Vec<Target>,
}

/// Which way a sync object goes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Way {
    waits: bool,
    signals: bool,
}

impl State {
    /// Work is handed over.
    pub(super) fn submit(&mut self, scene: &Scene<'_, '_>) {
        let mut job = Job::default();
        if scene.known.action == Action::AmdgpuSubmit {
            self.amdgpu_chunks(scene, &mut job);
        } else {
            self.fields_of_job(scene, &mut job);
            for (index, follow) in scene.known.ioctl.follow.iter().enumerate() {
                self.list_of_job(scene, index, follow, &mut job);
            }
        }
        self.fence_fd(scene, &mut job);
        let queue = self.queue(scene);
        self.hand_over(queue, scene.file, job);
    }

    fn hand_over(&mut self, queue: Option<ObjectId>, file: ObjectId, job: Job) {
        let fence = self.meet(ObjectKind::Fence, Origin::Made, Some(queue.unwrap_or(file)));
        self.fences.insert(self.call, fence);
        let waits = self.add_targets(job.waits);
        let signals = self.add_targets(job.signals);
        self.effects.push(Effect::Submit { queue, fence, waits, signals });
    }

    /// The queue that an ioctl names.
    pub(super) fn queue(&mut self, scene: &Scene<'_, '_>) -> Option<ObjectId> {
        let fields = scene.known.ioctl.fields.iter();
        let field = fields.into_iter().find(|field| field.role == Role::Uses(Object::Queue))?;
        let handle = scene.number(field, scene.call.argument_in())?;
        Some(self.handle(scene.file, ObjectKind::Queue, handle))
    }

    /// Sync objects in the argument itself: `in_sync…` and `out_sync`, and lima's two in one field.
    fn fields_of_job(&mut self, scene: &Scene<'_, '_>, job: &mut Job) {
        for field in scene.known.ioctl.fields {
            let Role::Uses(object) = field.role else { continue };
            let Some(value) = scene.number(field, scene.call.argument_in()) else { continue };
            match object {
                Object::Syncobj => {
                    for handle in [value & 0xffff_ffff, value >> 32].into_iter().filter(|handle| *handle != 0)
                    {
                        let point = self.point(scene, handle, 0);
                        if field.name.starts_with("in_") { &mut job.waits } else { &mut job.signals }
                            .push(point);
                    }
                }
                // Transfers and fences of single buffers; what is bound to an address is not worked on yet.
                Object::Gem if value != 0 && !field.name.contains('.') => {
                    let gem = self.handle(scene.file, ObjectKind::Gem, value);
                    job.signals.push(Target::Buffer(self.buffer(gem), Access::Write));
                }
                _ => {}
            }
        }
    }

    /// Sync objects and buffers in an array, and in the arrays below its elements.
    fn list_of_job(&mut self, scene: &Scene<'_, '_>, index: usize, follow: &Follow, job: &mut Job) {
        for (nth, bytes) in scene.indexed_elements(index) {
            self.element_of_job(scene, follow, bytes, None, job);
            let below = |which: usize| {
                let id = (index as u8 + 1).wrapping_add(0x10 * (which as u8 + 1));
                let inner = follow.inner.get(which)?;
                elements(&scene.call.before, inner, id, nth + 1, bytes)
            };
            // i915 has handles and points in two arrays.
            let points = follow.inner.iter().position(|inner| inner.name == "values_ptr").and_then(below);
            let points: Vec<u64> =
                points.into_iter().flatten().filter_map(|bytes| number(bytes, 0, 8)).collect();
            for (which, inner) in follow.inner.iter().enumerate() {
                for (at, bytes) in below(which).into_iter().flatten().enumerate() {
                    self.element_of_job(scene, inner, bytes, points.get(at).copied(), job);
                }
            }
        }
    }

    fn element_of_job(
        &mut self,
        scene: &Scene<'_, '_>,
        follow: &Follow,
        bytes: &[u8],
        point: Option<u64>,
        job: &mut Job,
    ) {
        let value = |field: &Field| number(bytes, field.offset, field.size).unwrap_or(0);
        let flags = follow.element.iter().find(|field| field.name == "flags").map_or(0, value);
        let own = || follow.element.iter().find(|field| field.role == Role::Point).map_or(0, value);
        let point = point.unwrap_or_else(own);
        for field in follow.element {
            match field.role {
                Role::Uses(Object::Syncobj) if scene.is_other_member(field, bytes) => {
                    let way = way(scene, follow.name, flags);
                    if way.signals { &mut job.signals } else { &mut job.waits }.push(Target::Unknown);
                }
                Role::Uses(Object::Syncobj) if value(field) != 0 => {
                    let way = way(scene, follow.name, flags);
                    let target = self.point(scene, value(field), point);
                    job.waits.extend(way.waits.then_some(target));
                    job.signals.extend(way.signals.then_some(target));
                }
                Role::Uses(Object::Gem) if value(field) != 0 => {
                    let gem = self.handle(scene.file, ObjectKind::Gem, value(field));
                    let access = access_of(scene, follow, bytes, flags);
                    job.signals.push(Target::Buffer(self.buffer(gem), access));
                }
                _ => {}
            }
        }
    }

    /// A sync_file that the job waits for.
    fn fence_fd(&mut self, scene: &Scene<'_, '_>, job: &mut Job) {
        if !scene.takes_fence_fd() {
            return;
        }
        let fd = match scene.known.ioctl.name {
            "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR" => scene.input("rsvd2[lower]"),
            _ => scene.input("fence_fd"),
        };
        if let Some(file) = self.fd_of(scene.space, fd as i32, FdClass::SyncFile, Origin::Unseen) {
            self.used(file);
            job.waits.push(Target::File(file));
        }
    }

    /// amdgpu's chunks (include/uapi/drm/amdgpu_drm.h, AMDGPU_CHUNK_ID_*).
    fn amdgpu_chunks(&mut self, scene: &Scene<'_, '_>, job: &mut Job) {
        for (nth, chunk) in scene.indexed_elements(0) {
            let data = chunk_data(&scene.call.before, 1, nth + 1);
            let word = |entry: &[u8], at| number(entry, at, 4).unwrap_or(0);
            match number(chunk, 0, 4).unwrap_or(0) {
                3 | 7 => {
                    for entry in data.chunks_exact(24) {
                        let queue = self.handle(scene.file, ObjectKind::Queue, word(entry, 12));
                        job.waits.push(Target::Seqno(Some(queue), number(entry, 16, 8).unwrap_or(0)));
                    }
                }
                kind @ (4 | 5) => {
                    for entry in data.chunks_exact(4) {
                        let target = self.point(scene, word(entry, 0), 0);
                        if kind == 4 { &mut job.waits } else { &mut job.signals }.push(target);
                    }
                }
                kind @ (8 | 9) => {
                    for entry in data.chunks_exact(16) {
                        let target = self.point(scene, word(entry, 0), number(entry, 8, 8).unwrap_or(0));
                        if kind == 8 { &mut job.waits } else { &mut job.signals }.push(target);
                    }
                }
                _ => {}
            }
        }
        let list = scene.input("in.bo_list_handle");
        if list != 0 {
            let list = self.handle(scene.file, ObjectKind::BoList, list);
            self.used(list);
        }
    }

    /// A mode set, a page flip or an atomic commit. TEST_ONLY ones do nothing.
    pub(super) fn commit(&mut self, scene: &Scene<'_, '_>) {
        const TEST_ONLY: u64 = 0x100;
        if scene.input("flags") & TEST_ONLY != 0 && scene.known.ioctl.name == "DRM_IOCTL_MODE_ATOMIC" {
            return;
        }
        let mut job = Job::default();
        let mut queue = match scene.input("crtc_id") {
            0 => None,
            id => Some(self.handle(scene.file, ObjectKind::Crtc, id)),
        };
        for object in scene.named_elements("objs_ptr") {
            queue = queue.or_else(|| self.known_crtc(scene.file, number(object, 0, 4).unwrap_or(0)));
        }
        self.in_fences(scene, &mut job);
        self.hand_over(queue, scene.file, job);
    }

    /// Values of an atomic commit's properties that are fds of sync_files. Which property IN_FENCE_FD is, no record says;
    /// a value that is an fd known to be a sync_file is taken for one.
    fn in_fences(&mut self, scene: &Scene<'_, '_>, job: &mut Job) {
        for value in scene.named_elements("prop_values_ptr") {
            let Some(fd) = number(value, 0, 8).and_then(|value| i32::try_from(value).ok()) else { continue };
            let file = self.fd(scene.space, fd).filter(|file| self.kind(*file) == Some(ObjectKind::SyncFile));
            if let Some(file) = file.filter(|_| fd > 2) {
                self.used(file);
                job.waits.push(Target::File(file));
            }
        }
    }

    /// The sync_files that a commit brought.
    pub(super) fn out_fences(&mut self, scene: &Scene<'_, '_>) {
        let fence = self.fences.remove(&self.call);
        let Some(fence) = fence.filter(|_| scene.call.succeeded()) else { return };
        for entry in scene.call.section(OUT_FENCES).unwrap_or_default().chunks_exact(OUT_FENCE_SIZE) {
            let fd = number(entry, 8, 4).unwrap_or(0) as u32 as i32;
            if fd < 0 {
                continue;
            }
            let object = self.meet(ObjectKind::SyncFile, Origin::Made, None);
            self.bind_fd(scene.space, fd, Entry { object, class: FdClass::SyncFile, cloexec: true });
            let (from, to) = (Target::Fence(fence), Target::File(object));
            self.effects.push(Effect::Copy { from, to, adds: false });
        }
    }
}

/// Which way the sync objects of a list go: by the list's name, or by each one's flags.
fn way(scene: &Scene<'_, '_>, list: &str, flags: u64) -> Way {
    let signals = |signals: bool| Way { waits: !signals, signals };
    match list {
        _ if list.starts_with("out_") || list.starts_with("sig_") => signals(true),
        _ if list.starts_with("in_") || list.starts_with("wait_") => signals(false),
        // DRM_XE_SYNC_FLAG_SIGNAL
        "syncs" => signals(flags & 1 != 0),
        // DRM_PANTHOR_SYNC_OP_SIGNAL
        "syncs.array" => signals(flags >> 31 & 1 != 0),
        // I915_EXEC_FENCE_WAIT and _SIGNAL, both of which one may have.
        _ if scene.known.ioctl.name.starts_with("DRM_IOCTL_I915") => {
            Way { waits: flags & 1 != 0, signals: flags & 2 != 0 }
        }
        _ => signals(false),
    }
}

/// Whether a job writes a buffer: where it does not say, it may.
fn access_of(scene: &Scene<'_, '_>, follow: &Follow, bytes: &[u8], flags: u64) -> Access {
    // EXEC_OBJECT_WRITE of i915; MSM_SUBMIT_BO_WRITE, ETNA_SUBMIT_BO_WRITE, LIMA_SUBMIT_BO_WRITE.
    let write = match scene.known.ioctl.name {
        "DRM_IOCTL_I915_GEM_EXECBUFFER2_WR" => flags & 4 != 0,
        "DRM_IOCTL_MSM_GEM_SUBMIT" | "DRM_IOCTL_ETNAVIV_GEM_SUBMIT" | "DRM_IOCTL_LIMA_GEM_SUBMIT" => {
            flags & 2 != 0
        }
        "DRM_IOCTL_NOUVEAU_GEM_PUSHBUF" if follow.name == "buffers" => number(bytes, 16, 4) != Some(0),
        _ => true,
    };
    if write { Access::Write } else { Access::Read }
}
