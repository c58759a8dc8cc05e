//! Which objects there are, and by which names whom knows them.

use fencelab_abi::{Driver, FdClass};
use rustc_hash::{FxHashMap, FxHashSet};

use super::effect::{Effect, Name, Target, Targets};
use super::object::{ObjectId, ObjectKind, Objects, Origin};
use super::rights::Socket;
use super::space::{Entry, Space, SpaceId, Table};
use crate::id::{CallId, ThreadId};

/// An open DRM file.
#[derive(Clone, Debug, Default)]
pub(super) struct DrmFile {
    /// The device's path, if it was opened in sight.
    pub(super) path: String,
    pub(super) driver: Option<Driver>,
    /// The driver's name, also of one that the recorder has no table for.
    pub(super) driver_name: String,
    pub(super) handles: FxHashMap<(ObjectKind, u64), ObjectId>,
}

/// Everything that the model knows at one moment.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) objects: Objects,
    pub(super) spaces: Vec<Space>,
    /// By program and pid; a child that shares its parent's memory has fds of its own.
    pub(super) space_of: FxHashMap<(u32, u32), SpaceId>,
    pub(super) space_of_thread: Vec<Option<SpaceId>>,
    /// The newest space of each pid, and the first of each program.
    pub(super) newest_of_pid: FxHashMap<u32, SpaceId>,
    pub(super) first_of_program: FxHashMap<u32, SpaceId>,
    /// Those of `space_of` that have ended.
    pub(super) dead: FxHashSet<(u32, u32)>,
    /// fds of children that were forked and not seen yet, by pid.
    pub(super) forks: FxHashMap<u32, Table>,
    /// The same of children that share their parent's fds.
    pub(super) shared: FxHashMap<u32, SpaceId>,
    /// Programs that are about to be replaced, by pid.
    pub(super) execs: FxHashMap<u32, SpaceId>,
    pub(super) spawns: FxHashMap<u32, Table>,
    pub(super) files: FxHashMap<ObjectId, DrmFile>,
    pub(super) crtcs: FxHashMap<(String, u64), ObjectId>,
    pub(super) sockets: FxHashMap<ObjectId, Socket>,
    /// Listening sockets by their address.
    pub(super) listeners: FxHashMap<Vec<u8>, ObjectId>,
    /// The dma-buf of a GEM object that was exported or imported.
    pub(super) dma_bufs: FxHashMap<ObjectId, ObjectId>,
    /// The dma-buf with that inode, of which the low half is known.
    pub(super) inodes: FxHashMap<u32, ObjectId>,
    /// Processes behind pidfds.
    pub(super) pidfds: FxHashMap<ObjectId, u32>,
    /// Fences of calls that have begun and not returned.
    pub(super) fences: FxHashMap<CallId, ObjectId>,
    /// Values of sw_sync timelines.
    pub(super) sw_values: FxHashMap<ObjectId, u64>,
    /// What the step does.
    pub(super) effects: Vec<Effect>,
    pub(super) targets: Vec<Target>,
    /// The call that the step is of.
    pub(super) call: CallId,
}

impl Default for State {
    fn default() -> Self {
        Self {
            objects: Objects::default(),
            spaces: Vec::new(),
            space_of: FxHashMap::default(),
            space_of_thread: Vec::new(),
            newest_of_pid: FxHashMap::default(),
            first_of_program: FxHashMap::default(),
            dead: FxHashSet::default(),
            forks: FxHashMap::default(),
            shared: FxHashMap::default(),
            execs: FxHashMap::default(),
            spawns: FxHashMap::default(),
            files: FxHashMap::default(),
            crtcs: FxHashMap::default(),
            sockets: FxHashMap::default(),
            listeners: FxHashMap::default(),
            dma_bufs: FxHashMap::default(),
            inodes: FxHashMap::default(),
            pidfds: FxHashMap::default(),
            fences: FxHashMap::default(),
            sw_values: FxHashMap::default(),
            effects: Vec::new(),
            targets: Vec::new(),
            call: CallId { thread: ThreadId(0), index: 0 },
        }
    }
}

impl State {
    /// Begins a step.
    pub(super) fn begin(&mut self, call: CallId) {
        self.effects.clear();
        self.targets.clear();
        self.call = call;
    }

    /// A new object.
    pub(super) fn meet(&mut self, kind: ObjectKind, origin: Origin, parent: Option<ObjectId>) -> ObjectId {
        let id = self.objects.add(kind, origin, self.call, parent);
        self.effects.push(Effect::Met(id));
        id
    }

    pub(super) fn used(&mut self, object: ObjectId) {
        if self.effects.last() != Some(&Effect::Used(object)) {
            self.effects.push(Effect::Used(object));
        }
    }

    pub(super) fn kind(&self, object: ObjectId) -> Option<ObjectKind> {
        self.objects.get(object).map(|object| object.kind)
    }

    /// One more name leads to an object.
    pub(super) fn hold(&mut self, object: ObjectId) {
        self.objects.hold(object);
    }

    /// One name less leads to an object: the last takes the object along, and an open file its handles.
    pub(super) fn release(&mut self, object: ObjectId) {
        let mut gone = vec![object];
        while let Some(id) = gone.pop() {
            if !self.objects.release(id) {
                continue;
            }
            self.effects.push(Effect::Ended(id));
            if let Some(file) = self.files.get_mut(&id) {
                let mut handles: Vec<_> = file.handles.drain().collect();
                handles.sort_unstable_by_key(|(key, _)| *key);
                for ((_, handle), object) in handles {
                    self.effects.push(Effect::Unnamed(object, Name::Handle(id, handle)));
                    gone.push(object);
                }
            }
            self.dma_bufs.remove(&id);
            self.sockets.remove(&id);
        }
    }

    /// Gives an fd to an object. What had it before was closed out of sight.
    pub(super) fn bind_fd(&mut self, space: SpaceId, fd: i32, entry: Entry) {
        if fd < 0 {
            return;
        }
        self.hold(entry.object);
        self.unbind_fd(space, fd);
        if let Some(space) = self.spaces.get_mut(space.0 as usize) {
            space.fds.insert(fd, entry);
            space.unfollowed.remove(&fd);
        }
        self.effects.push(Effect::Named(entry.object, Name::Fd(fd)));
    }

    /// Takes an fd away.
    pub(super) fn unbind_fd(&mut self, space: SpaceId, fd: i32) {
        let Some(space) = self.spaces.get_mut(space.0 as usize) else { return };
        space.unconfirmed.remove(&fd);
        space.unfollowed.remove(&fd);
        if let Some(entry) = space.fds.remove(&fd) {
            self.effects.push(Effect::Unnamed(entry.object, Name::Fd(fd)));
            self.release(entry.object);
        }
    }

    /// An fd now leads to what is not followed.
    pub(super) fn leave_fd(&mut self, space: SpaceId, fd: i32) {
        self.unbind_fd(space, fd);
        if let Some(space) = self.spaces.get_mut(space.0 as usize) {
            space.unfollowed.insert(fd);
        }
    }

    /// Whether an fd is known to lead to what is not followed.
    pub(super) fn is_unfollowed(&self, space: SpaceId, fd: i32) -> bool {
        self.spaces.get(space.0 as usize).is_some_and(|space| space.unfollowed.contains(&fd))
    }

    /// An fd is closed. Of one that was not known, the recorder's class is all that tells of what it led to.
    pub(super) fn close_fd(&mut self, space: SpaceId, fd: i32, class: FdClass) {
        let left = self.spaces.get_mut(space.0 as usize).is_some_and(|space| space.unfollowed.remove(&fd));
        if !left {
            self.fd_of(space, fd, class, Origin::Unseen);
        }
        self.unbind_fd(space, fd);
    }

    pub(super) fn entry(&self, space: SpaceId, fd: i32) -> Option<Entry> {
        self.spaces.get(space.0 as usize)?.fds.get(&fd).copied()
    }

    /// What an fd leads to, if that is known.
    pub(super) fn fd(&self, space: SpaceId, fd: i32) -> Option<ObjectId> {
        self.entry(space, fd).map(|entry| entry.object)
    }

    /// What an fd leads to that a call shows to be of that class: an opaque object if it was not known, or was known as
    /// something else and so has been closed and used again out of sight.
    pub(super) fn fd_of(
        &mut self,
        space: SpaceId,
        fd: i32,
        class: FdClass,
        origin: Origin,
    ) -> Option<ObjectId> {
        self.entry_of(self.entry(space, fd), (space, fd), class, origin)
    }

    /// As [`State::fd_of`] of an fd whose entry was looked up.
    pub(super) fn entry_of(
        &mut self,
        known: Option<Entry>,
        (space, fd): (SpaceId, i32),
        class: FdClass,
        origin: Origin,
    ) -> Option<ObjectId> {
        let Some(kind) = ObjectKind::of_class(class).filter(|_| fd >= 0) else {
            return known.map(|entry| entry.object);
        };
        if let Some(entry) = known.filter(|entry| self.kind(entry.object) == Some(kind)) {
            self.learn_driver(entry.object, class);
            return Some(entry.object);
        }
        let object = self.meet(kind, origin, None);
        if kind == ObjectKind::DrmFile {
            self.files.insert(object, DrmFile::default());
            self.learn_driver(object, class);
        }
        self.bind_fd(space, fd, Entry { object, class, cloexec: false });
        Some(object)
    }

    fn learn_driver(&mut self, object: ObjectId, class: FdClass) {
        let FdClass::Drm(driver) = class else { return };
        if driver != Driver::Other
            && let Some(file) = self.files.get_mut(&object)
            && file.driver.is_none()
        {
            file.driver = Some(driver);
            file.driver_name = driver.name().unwrap_or_default().to_owned();
        }
    }

    /// What is behind a handle; an opaque object if that was not known.
    pub(super) fn handle(&mut self, file: ObjectId, kind: ObjectKind, handle: u64) -> ObjectId {
        if kind == ObjectKind::Crtc {
            return self.crtc(file, handle);
        }
        if let Some(&known) = self.files.get(&file).and_then(|file| file.handles.get(&(kind, handle))) {
            self.objects.touch(known, self.call);
            return known;
        }
        // Drivers with a queue of their own for each file number it 0; etnaviv's are its GPU's pipes.
        let pipes = self.files.get(&file).is_some_and(|file| file.driver == Some(Driver::Etnaviv));
        let own = kind == ObjectKind::Queue && (handle == 0 || pipes);
        let object = self.meet(kind, if own { Origin::Kernel } else { Origin::Unseen }, Some(file));
        self.bind_handle(file, kind, handle, object);
        object
    }

    /// CRTCs belong to the device, not to one open file.
    fn crtc(&mut self, file: ObjectId, id: u64) -> ObjectId {
        let path = self.files.get(&file).map(|file| file.path.clone()).unwrap_or_default();
        let device = if path.is_empty() { format!("{}", file.0) } else { path };
        if let Some(&known) = self.crtcs.get(&(device.clone(), id)) {
            self.objects.touch(known, self.call);
            return known;
        }
        let object = self.meet(ObjectKind::Crtc, Origin::Kernel, None);
        self.crtcs.insert((device, id), object);
        object
    }

    /// A CRTC that was met before.
    pub(super) fn known_crtc(&self, file: ObjectId, id: u64) -> Option<ObjectId> {
        let path = self.files.get(&file).map(|file| file.path.clone()).unwrap_or_default();
        let device = if path.is_empty() { format!("{}", file.0) } else { path };
        self.crtcs.get(&(device, id)).copied()
    }

    /// Gives a handle to an object. What had it before was closed out of sight.
    pub(super) fn bind_handle(&mut self, file: ObjectId, kind: ObjectKind, handle: u64, object: ObjectId) {
        let Some(table) = self.files.get_mut(&file) else { return };
        let old = table.handles.insert((kind, handle), object);
        if old == Some(object) {
            return;
        }
        self.hold(object);
        if let Some(old) = old {
            self.effects.push(Effect::Unnamed(old, Name::Handle(file, handle)));
            self.release(old);
        }
        self.effects.push(Effect::Named(object, Name::Handle(file, handle)));
    }

    /// Takes a handle away.
    pub(super) fn unbind_handle(&mut self, file: ObjectId, kind: ObjectKind, handle: u64) {
        let object = self.handle(file, kind, handle);
        if let Some(table) = self.files.get_mut(&file) {
            table.handles.remove(&(kind, handle));
        }
        self.effects.push(Effect::Unnamed(object, Name::Handle(file, handle)));
        self.release(object);
    }

    /// The buffer that a GEM object is: its dma-buf, if it has one.
    pub(super) fn buffer(&self, gem: ObjectId) -> ObjectId {
        self.dma_bufs.get(&gem).copied().unwrap_or(gem)
    }

    /// Adds targets of one effect.
    pub(super) fn add_targets(&mut self, targets: impl IntoIterator<Item = Target>) -> Targets {
        let start = self.targets.len() as u32;
        self.targets.extend(targets);
        start..self.targets.len() as u32
    }
}
