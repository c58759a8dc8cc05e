//! New processes and programs, and the fds that they begin with.

use fencelab_abi::process::Entry as WayIn;
use fencelab_abi::section::PATH;
use fencelab_abi::{FdClass, Kind};
use rustc_hash::FxHashMap;

use super::effect::{Effect, Name};
use super::object::{ObjectId, ObjectKind, Origin};
use super::space::{Entry, Space, SpaceId, Table};
use super::state::{DrmFile, State};
use crate::end::How;
use crate::id::ThreadId;
use crate::process::Process;
use crate::{Call, Session};

/// Of clone: the child shares its parent's fds.
const CLONE_FILES: u32 = 0x400;

impl State {
    /// The fds of a thread's process.
    pub(super) fn space_of_thread(&mut self, session: &Session, id: ThreadId) -> SpaceId {
        let index = id.0 as usize;
        if let Some(Some(known)) = self.space_of_thread.get(index) {
            return *known;
        }
        let (process, pid) = session.thread(id).map_or((None, 0), |thread| (thread.process, thread.pid));
        let key = (process.map_or(u32::MAX, |process| process.0), pid);
        let space = match self.space_of.get(&key) {
            Some(known) => *known,
            None => {
                // A child that shares its parent's memory has a copy of its fds.
                let parent = process.and_then(|process| session.process(process));
                let parent = parent.and_then(|parent| self.space_of.get(&(parent.id.0, parent.pid)).copied());
                let fds = parent.map(|parent| self.copy_of(parent)).unwrap_or_default();
                self.add_space(key, Space { fds, ..Space::default() })
            }
        };
        self.space_of_thread.resize(self.space_of_thread.len().max(index + 1), None);
        self.space_of_thread[index] = Some(space);
        space
    }

    fn add_space(&mut self, key: (u32, u32), space: Space) -> SpaceId {
        let id = SpaceId(self.spaces.len() as u32);
        self.spaces.push(space);
        self.give_space(key, id);
        id
    }

    /// A program has fds now.
    fn give_space(&mut self, key: (u32, u32), id: SpaceId) {
        self.space_of.insert(key, id);
        let newest = self.newest_of_pid.entry(key.1).or_insert(id);
        *newest = if newest.0 < id.0 { id } else { *newest };
        self.first_of_program.entry(key.0).or_insert(id);
        if let Some(space) = self.spaces.get_mut(id.0 as usize) {
            space.users.push(key);
        }
    }

    /// The fds of the newest program that a pid ran.
    pub(super) fn newest_space(&self, pid: u32) -> Option<SpaceId> {
        self.newest_of_pid.get(&pid).copied()
    }

    /// A copy of a process's fds, each of which now names its object once more.
    fn copy_of(&mut self, space: SpaceId) -> Table {
        let of = |space: &Space| if space.fds.is_empty() { space.left.clone() } else { space.fds.clone() };
        let table = self.spaces.get(space.0 as usize).map(of).unwrap_or_default();
        table.values().for_each(|entry| self.hold(entry.object));
        table
    }

    /// A process is seen for the first time.
    pub(super) fn birth(&mut self, session: &Session, process: &Process) {
        let key = (process.id.0, process.pid);
        let before = self.replaced_by(session, process);
        if let Some(shared) = self.shared.remove(&process.pid) {
            self.give_space(key, shared);
            return;
        }
        if process.entry == Some(WayIn::Fork) {
            let fds = match self.forks.remove(&process.pid) {
                Some(fds) => fds,
                None => self.parent_fds(process),
            };
            self.add_space(key, Space { fds, ..Space::default() });
            return;
        }
        let replaced = self.execs.remove(&process.pid).or(before);
        let spawned = self.spawns.remove(&process.pid);
        let forked = self.forks.remove(&process.pid);
        let replaces = replaced.is_some();
        let before = match (replaced, spawned.or(forked)) {
            (Some(space), _) => std::mem::take(&mut self.spaces[space.0 as usize].fds),
            (None, Some(table)) => table,
            (None, None) => self.parent_fds(process),
        };
        self.new_program(key, before, replaces);
    }

    /// The fds of the program that a process ran before, if it is known to have been replaced: also by an exec that was not
    /// recorded.
    fn replaced_by(&self, session: &Session, process: &Process) -> Option<SpaceId> {
        let before = session.process(process.before?)?;
        let exec = before.ended().is_some_and(|end| end.how == How::Exec);
        self.space_of.get(&(before.id.0, before.pid)).copied().filter(|_| exec)
    }

    /// The fds of the process that another one came from, as far as is known.
    fn parent_fds(&mut self, process: &Process) -> Table {
        let forked = process.forked_from.and_then(|parent| self.first_of_program.get(&parent.0).copied());
        match forked.or_else(|| self.newest_space(process.parent)) {
            Some(parent) => self.copy_of(parent),
            None => Table::default(),
        }
    }

    /// A program begins with what it was before, less what an exec closes.
    fn new_program(&mut self, key: (u32, u32), before: Table, replaces: bool) {
        let (mut fds, mut closed) = (Table::default(), Vec::new());
        for (&fd, entry) in &before {
            if entry.cloexec { closed.push((fd, entry.object)) } else { _ = fds.insert(fd, *entry) }
        }
        // Of what is neither an eventfd nor a pidfd, the program says itself which it has.
        let says = |entry: &Entry| {
            !matches!(entry.class, FdClass::Eventfd | FdClass::Pidfd | FdClass::Foreign | FdClass::Unknown)
        };
        let unconfirmed = fds.iter().filter(|(_, entry)| says(entry)).map(|(fd, _)| *fd).collect();
        self.add_space(key, Space { fds, unconfirmed, before, replaces, ..Space::default() });
        closed.sort_unstable();
        for (fd, object) in closed {
            self.effects.push(Effect::Unnamed(object, Name::Fd(fd)));
            self.release(object);
        }
    }

    /// A program has an fd from before its start.
    pub(super) fn inherited(&mut self, space: SpaceId, call: &Call<'_>) {
        let (fd, inode) = (call.fd, call.request.0);
        let Some(kind) = ObjectKind::of_class(call.class) else { return };
        let known = self.entry(space, fd).filter(|entry| self.kind(entry.object) == Some(kind));
        if known.is_some() {
            self.spaces[space.0 as usize].unconfirmed.remove(&fd);
        } else if let Some(object) = self.same_as_before(space, kind, call) {
            self.bind_fd(space, fd, Entry { object, class: call.class, cloexec: false });
        } else if let Some(object) = self.fd_of(space, fd, call.class, Origin::Inherited) {
            self.describe(object, call);
        }
        if kind == ObjectKind::DmaBuf
            && let Some(object) = self.fd(space, fd)
        {
            self.inodes.entry(inode).or_insert(object);
        }
    }

    /// The object that a program has though its parent's was thought to be closed by the exec, as fcntl is not recorded, or
    /// under another number than before: a dma-buf by its inode, what was replaced by the number that it keeps, others if
    /// there was only one that it can be.
    fn same_as_before(&self, space: SpaceId, kind: ObjectKind, call: &Call<'_>) -> Option<ObjectId> {
        if let Some(known) = self.inodes.get(&call.request.0).filter(|_| kind == ObjectKind::DmaBuf) {
            return Some(*known);
        }
        let space = self.spaces.get(space.0 as usize)?;
        let before = &space.before;
        let alike = |entry: &&Entry| self.kind(entry.object) == Some(kind);
        if let Some(entry) = before.get(&call.fd).filter(alike).filter(|_| space.replaces) {
            return Some(entry.object);
        }
        let alike = |entry: &&Entry| entry.class == call.class && alike(entry);
        let candidates: FxHashMap<ObjectId, ()> =
            before.values().filter(alike).map(|entry| (entry.object, ())).collect();
        let mut candidates = candidates.into_keys();
        candidates.next().filter(|_| candidates.next().is_none())
    }

    /// Remembers what an open or inherited device is.
    pub(super) fn describe(&mut self, object: ObjectId, call: &Call<'_>) {
        if self.kind(object) != Some(ObjectKind::DrmFile) {
            return;
        }
        let file = self.files.entry(object).or_default();
        file.path = call.text(PATH).unwrap_or_default();
        if let Some(driver) = call.text(fencelab_abi::section::DRIVER) {
            file.driver = Some(fencelab_abi::Driver::from_name(driver.as_bytes()));
            file.driver_name = driver;
        }
    }

    /// After its start, a program has told what it has from before.
    pub(super) fn settle(&mut self, space: SpaceId, kind: Option<Kind>) {
        let Some(table) = self.spaces.get_mut(space.0 as usize) else { return };
        if kind == Some(Kind::Inherited) || (table.unconfirmed.is_empty() && table.before.is_empty()) {
            return;
        }
        table.before = Table::default();
        let mut gone: Vec<i32> = std::mem::take(&mut table.unconfirmed).into_iter().collect();
        gone.sort_unstable();
        gone.into_iter().for_each(|fd| self.unbind_fd(space, fd));
    }

    /// A process is about to make another one.
    pub(super) fn fork(&mut self, space: SpaceId, call: &Call<'_>) {
        let Some(child) = call.result.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0) else {
            return;
        };
        match call.kind {
            Some(Kind::Fork | Kind::Vfork) if call.request.0 & CLONE_FILES != 0 => {
                self.shared.insert(child, space);
            }
            Some(Kind::Fork) => {
                let copy = self.copy_of(space);
                self.forks.insert(child, copy);
            }
            Some(Kind::Spawn) => {
                let copy = self.copy_of(space);
                self.spawns.insert(child, copy);
            }
            _ => {}
        }
    }

    /// A program is about to be replaced, unless that fails.
    pub(super) fn exec(&mut self, space: SpaceId, pid: u32, call: &Call<'_>) {
        match call.result {
            None => _ = self.execs.insert(pid, space),
            Some(_) => _ = self.execs.remove(&pid),
        }
    }

    /// A device, heap or timeline is opened.
    pub(super) fn open(&mut self, space: SpaceId, call: &Call<'_>, fd: i32) {
        let path = call.text(PATH).unwrap_or_default();
        let (kind, class) = match path.as_str() {
            "/dev/udmabuf" => (ObjectKind::Udmabuf, FdClass::Udmabuf),
            path if path.starts_with("/dev/dma_heap/") => (ObjectKind::Heap, FdClass::Heap),
            path if path.ends_with("/sync/sw_sync") => (ObjectKind::SwSync, FdClass::SwSync),
            _ => (ObjectKind::DrmFile, FdClass::Drm(fencelab_abi::Driver::Other)),
        };
        let object = self.meet(kind, Origin::Made, None);
        if kind == ObjectKind::DrmFile {
            self.files.insert(object, DrmFile::default());
        }
        self.describe(object, call);
        let driver = self.files.get(&object).and_then(|file| file.driver);
        let class = driver.map_or(class, FdClass::Drm);
        const O_CLOEXEC: u32 = 0x8_0000;
        self.bind_fd(space, fd, Entry { object, class, cloexec: call.request.0 & O_CLOEXEC != 0 });
    }
}
