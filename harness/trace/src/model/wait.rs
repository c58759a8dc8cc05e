//! Waits.

use fencelab_abi::ioctl::Role;
use fencelab_abi::{FdClass, Object};

use super::action::Action;
use super::effect::{Access, Effect, Target, Until};
use super::object::{ObjectKind, Origin};
use super::scene::Scene;
use super::space::SpaceId;
use super::state::State;
use super::sync::access;
use super::until::until;
use crate::Call;
use crate::payload::number;

impl State {
    /// A wait begins.
    pub(super) fn wait(&mut self, scene: &Scene<'_, '_>) {
        let flags = match scene.known.action {
            Action::SyncobjWait | Action::CpuAccess => scene.input("flags"),
            _ => 0,
        };
        let (targets, all) = match scene.known.action {
            // DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
            Action::SyncobjWait => (self.points(scene, "handles", "points"), flags & 1 != 0),
            Action::CpuAccess if flags & 4 != 0 => return,
            Action::CpuAccess => (self.add_targets([Target::Buffer(scene.file, access(flags))]), true),
            Action::BufferWait => {
                let buffers = self.buffers_waited_for(scene);
                (self.add_targets(buffers), true)
            }
            Action::SeqnoWait => {
                let number = self.seqno(scene);
                (self.add_targets([number]), true)
            }
            Action::AmdgpuWaitFences => {
                let fences = self.amdgpu_fences(scene);
                (self.add_targets(fences), scene.input("in.wait_all") != 0)
            }
            Action::OtherWait => (self.add_targets([Target::Unknown]), true),
            _ => return,
        };
        let syncobjs = scene.known.action == Action::SyncobjWait;
        self.effects.push(Effect::Wait {
            targets,
            all,
            for_submit: syncobjs && flags & 2 != 0,
            available: syncobjs && flags & 4 != 0,
            until: until(scene),
        });
    }

    /// A wait is over.
    pub(super) fn woken(&mut self, scene: &Scene<'_, '_>) {
        let waits = match scene.known.action {
            Action::CpuAccess => scene.input("flags") & 4 == 0,
            Action::SyncobjWait
            | Action::BufferWait
            | Action::SeqnoWait
            | Action::AmdgpuWaitFences
            | Action::OtherWait => true,
            _ => false,
        };
        if let Some(result) = scene.call.result.filter(|_| waits) {
            self.effects.push(Effect::Woken(result));
        }
    }

    fn buffers_waited_for(&mut self, scene: &Scene<'_, '_>) -> Vec<Target> {
        let mut targets = Vec::new();
        for field in scene.known.ioctl.fields.iter().filter(|field| field.role == Role::Uses(Object::Gem)) {
            if let Some(handle) = scene.number(field, scene.call.argument_in()).filter(|handle| *handle != 0)
            {
                let gem = self.handle(scene.file, ObjectKind::Gem, handle);
                targets.push(Target::Buffer(self.buffer(gem), Access::Write));
            }
        }
        targets
    }

    fn seqno(&mut self, scene: &Scene<'_, '_>) -> Target {
        let value = |role| {
            let field = scene.known.ioctl.fields.iter().find(|field| field.role == role)?;
            scene.number(field, scene.call.argument_in())
        };
        let queue = value(Role::Uses(Object::Queue));
        let queue = queue.map(|queue| self.handle(scene.file, ObjectKind::Queue, queue));
        Target::Seqno(queue, value(Role::Uses(Object::Seqno)).unwrap_or(0))
    }

    /// struct drm_amdgpu_fence: ctx_id at 0, seq_no at 16.
    fn amdgpu_fences(&mut self, scene: &Scene<'_, '_>) -> Vec<Target> {
        let fences = scene.named_elements("in.fences");
        let mut target = |fence: &[u8]| {
            let queue = self.handle(scene.file, ObjectKind::Queue, number(fence, 0, 4).unwrap_or(0));
            Target::Seqno(Some(queue), number(fence, 16, 8).unwrap_or(0))
        };
        fences.map(&mut target).collect()
    }

    /// poll on sync_files, dma-bufs and the like.
    pub(super) fn poll(&mut self, space: SpaceId, call: &Call<'_>, ns: u64) {
        let mut targets = Vec::new();
        for fd in call.polled() {
            let Some(object) = self.fd(space, fd) else {
                targets.push(Target::Unknown);
                continue;
            };
            self.used(object);
            targets.push(match self.kind(object) {
                Some(ObjectKind::SyncFile | ObjectKind::Eventfd) => Target::File(object),
                Some(ObjectKind::DmaBuf) => Target::Buffer(object, Access::Read),
                _ => Target::Unknown,
            });
        }
        let targets = self.add_targets(targets);
        let until = match call.timeout_ns() {
            None => Until::Unknown,
            Some(..0) => Until::Forever,
            Some(timeout) => Until::At(ns.saturating_add(timeout.unsigned_abs())),
        };
        self.effects.push(Effect::Wait { targets, all: false, for_submit: false, available: false, until });
    }

    /// An object behind an fd that is used as that class.
    pub(super) fn use_fd(&mut self, space: SpaceId, fd: i32, class: FdClass) {
        if let Some(object) = self.fd_of(space, fd, class, Origin::Unseen) {
            self.used(object);
        }
    }
}
