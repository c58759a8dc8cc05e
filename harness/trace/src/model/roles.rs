//! What the roles of an ioctl's fields say: what is used, made and ended.

use fencelab_abi::ioctl::{Field, Role};
use fencelab_abi::{FdClass, Object};

use super::action::Action;
use super::effect::{Effect, Name, Target};
use super::object::{ObjectId, ObjectKind, Origin};
use super::scene::Scene;
use super::space::Entry;
use super::state::State;

impl State {
    /// What an ioctl uses and gives up, when it is made.
    pub(super) fn roles_at_begin(&mut self, scene: &Scene<'_, '_>) {
        for field in &scene.known.used {
            self.role_at_begin(scene, field, scene.call.argument_in());
        }
        for (index, fields) in &scene.known.used_in {
            for element in scene.elements(*index) {
                for field in fields {
                    self.role_at_begin(scene, field, element);
                }
            }
        }
    }

    fn role_at_begin(&mut self, scene: &Scene<'_, '_>, field: &Field, bytes: &[u8]) {
        match field.role {
            Role::Uses(object) => {
                if let Some(id) = self.used_handle(scene, field, object, bytes) {
                    self.used(id);
                }
            }
            Role::Ends(object) if scene.may_succeed() => {
                let (Some(kind), Some(handle)) = (ObjectKind::of_handle(object), scene.number(field, bytes))
                else {
                    return;
                };
                self.unbind_handle(scene.file, kind, handle);
            }
            Role::UsesFd(class) if !is_unused_in_fence(scene, field) => {
                if let Some(fd) = scene.number(field, bytes)
                    && let Some(object) = self.fd_of(scene.space, fd as i32, class, Origin::Unseen)
                {
                    self.used(object);
                }
            }
            _ => {}
        }
    }

    /// The object behind a handle in a field; `None`: there is none in it, or it is no object.
    fn used_handle(
        &mut self,
        scene: &Scene<'_, '_>,
        field: &Field,
        object: Object,
        bytes: &[u8],
    ) -> Option<ObjectId> {
        let kind = ObjectKind::of_handle(object)?;
        let handle = scene.number(field, bytes)?;
        // 0 names nothing, but a queue.
        if handle == 0 && kind != ObjectKind::Queue || scene.is_other_member(field, bytes) {
            return None;
        }
        Some(self.handle(scene.file, kind, handle))
    }

    /// What an ioctl brings, when it has returned.
    pub(super) fn roles_at_end(&mut self, scene: &Scene<'_, '_>) {
        if !scene.call.succeeded() {
            return;
        }
        let mut out = None;
        for field in &scene.known.made {
            let Some(number) = scene.number(field, scene.call.argument_out()) else { continue };
            match field.role {
                Role::Makes(Object::Gem) if scene.known.action == Action::BufferImport => {}
                Role::Makes(Object::Seqno) => self.numbered(scene, number),
                Role::Makes(object) => self.made_handle(scene, object, number),
                Role::MakesFd(_) if scene.known.action == Action::BufferExport => {}
                Role::MakesFd(class) => out = Some((number as i32, class)),
                _ => {}
            }
        }
        if let Some(class) = scene.known.ioctl.returns {
            out = scene.call.result.map(|fd| (fd, class));
        }
        if let Some((fd, class)) = out {
            self.made_fd(scene, fd, class);
        }
    }

    fn made_handle(&mut self, scene: &Scene<'_, '_>, object: Object, handle: u64) {
        let Some(kind) = ObjectKind::of_handle(object).filter(|_| handle != 0 || object == Object::Queue)
        else {
            return;
        };
        if matches!(scene.known.action, Action::AmdgpuContext | Action::AmdgpuBoList) && !scene.is_creation()
        {
            return;
        }
        let object = match (scene.known.action, self.fences.remove(&self.call)) {
            (Action::VgemAttach, Some(fence)) => fence,
            _ => self.meet(kind, Origin::Made, Some(scene.file)),
        };
        self.bind_handle(scene.file, kind, handle, object);
    }

    /// An fd that a call brought. One that is not from here on what it was is not bound: unused fields hold 0 or -1.
    fn made_fd(&mut self, scene: &Scene<'_, '_>, fd: i32, class: FdClass) {
        if fd < 0 || !scene.brings_fence_fd() {
            return;
        }
        let Some(kind) = ObjectKind::of_class(class) else { return };
        let object = self.meet(kind, Origin::Made, None);
        if kind == ObjectKind::DrmFile {
            self.files.insert(object, Default::default());
            // A lease is of the same device.
            let (path, driver) = self.files.get(&scene.file).map_or_else(Default::default, |file| {
                (file.path.clone(), (file.driver, file.driver_name.clone()))
            });
            if let Some(file) = self.files.get_mut(&object) {
                (file.path, (file.driver, file.driver_name)) = (path, driver);
            }
        }
        self.bind_fd(scene.space, fd, Entry { object, class, cloexec: scene.is_cloexec() });
        if kind == ObjectKind::SyncFile {
            self.fill(scene, object);
        }
    }

    /// A submission's fence has a number on its queue.
    fn numbered(&mut self, scene: &Scene<'_, '_>, number: u64) {
        if let Some(fence) = self.fences.get(&self.call).copied() {
            let to = Target::Seqno(self.queue(scene), number);
            self.effects.push(Effect::Copy { from: Target::Fence(fence), to, adds: false });
        }
    }

    /// A call ends without having brought anything: what it was to make is forgotten.
    pub(super) fn forget(&mut self) {
        self.fences.remove(&self.call);
    }

    /// Takes an object's handle away that no role names.
    pub(super) fn end_handle(&mut self, scene: &Scene<'_, '_>, kind: ObjectKind, handle: u64) {
        self.unbind_handle(scene.file, kind, handle);
    }

    /// An object in a call's own effects by its name, as names that a call gives up are no longer in the tables.
    pub(super) fn named_in_effects(&self, wanted: Name) -> Option<ObjectId> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Unnamed(object, name) if *name == wanted => Some(*object),
            _ => None,
        })
    }
}

/// i915 has its in-fence where others have nothing: flags say whether it is one.
fn is_unused_in_fence(scene: &Scene<'_, '_>, field: &Field) -> bool {
    field.name == "rsvd2[lower]" && !scene.takes_fence_fd()
}
