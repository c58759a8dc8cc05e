//! Who knows which object, by which name, at the moment where the walk stands.

use rustc_hash::FxHashMap;

use super::effect::Name;
use super::object::{ObjectId, ObjectKind};
use super::space::SpaceId;
use super::{Event, Model};
use crate::id::ProcessId;

/// Somebody who has a name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What is held.
    pub object: ObjectId,
    /// The program; `None`: its record is gone.
    pub process: Option<ProcessId>,
    /// Its process.
    pub pid: u32,
    /// By which name: an fd, or a handle of an open file that the process has an fd of.
    pub name: Name,
}

impl Event<'_> {
    /// The object that a handle of the call's file names.
    pub fn by_handle(&self, kind: ObjectKind, handle: u64) -> Option<ObjectId> {
        let file = self.state.files.get(&self.file?)?;
        file.handles.get(&(kind, handle)).copied()
    }

    /// The object that an fd of the calling process leads to.
    pub fn by_fd(&self, fd: i32) -> Option<ObjectId> {
        self.state.fd(self.space, fd)
    }

    /// What has a GEM object's reservation: the dma-buf that it was exported as or imported from, or itself.
    pub fn buffer_of(&self, gem: ObjectId) -> ObjectId {
        self.state.dma_bufs.get(&gem).copied().unwrap_or(gem)
    }

    /// The path and driver of the DRM file that the call was made on; empty where they are not known.
    pub fn device(&self) -> Option<(&str, &str)> {
        let file = self.state.files.get(&self.file?)?;
        Some((file.path.as_str(), file.driver_name.as_str()))
    }
}

impl Model {
    /// Ticks of the next step, if there is one.
    pub fn next_ticks(&mut self) -> Option<u64> {
        match &mut self.ahead {
            Some(ahead) => ahead.next_ticks(),
            None => self.steps.next_ticks(),
        }
    }

    /// Everybody who has a name of one of these objects, by process. A handle is held by whoever has the file's fd.
    /// Costs as much as all fd and handle tables are long.
    pub fn holders(&self, wanted: &dyn Fn(ObjectId) -> bool) -> Vec<Holder> {
        let mut by_file: FxHashMap<ObjectId, Vec<(u64, ObjectId)>> = FxHashMap::default();
        for (&file, open) in &self.state.files {
            let named = open.handles.iter().filter(|(_, object)| wanted(**object));
            let named: Vec<_> = named.map(|((_, handle), object)| (*handle, *object)).collect();
            if !named.is_empty() {
                by_file.insert(file, named);
            }
        }
        let mut holders = Vec::new();
        for (&(program, pid), &space) in &self.state.space_of {
            let process = (program != u32::MAX).then_some(ProcessId(program));
            for (&fd, entry) in self.fds(space) {
                let mut add = |object, name| holders.push(Holder { object, process, pid, name });
                if wanted(entry.object) {
                    add(entry.object, Name::Fd(fd));
                }
                for &(handle, object) in by_file.get(&entry.object).into_iter().flatten() {
                    add(object, Name::Handle(entry.object, handle));
                }
            }
        }
        let key = |name: Name| match name {
            Name::Fd(fd) => (0, fd as u32, 0),
            Name::Handle(file, handle) => (1, file.0, handle),
        };
        holders.sort_unstable_by_key(|holder| (holder.object, holder.pid, holder.process, key(holder.name)));
        holders
    }

    /// Processes with a connection between them, of which each has an end: two pids, the lower first.
    pub fn connected(&self) -> Vec<(u32, u32)> {
        let mut holders: FxHashMap<ObjectId, Vec<u32>> = FxHashMap::default();
        for (&(_, pid), &space) in &self.state.space_of {
            let ends = self.fds(space).map(|(_, entry)| entry.object);
            let ends = ends.filter(|end| self.state.sockets.contains_key(end));
            ends.for_each(|end| holders.entry(end).or_default().push(pid));
        }
        let mut pairs = Vec::new();
        for (end, ours) in &holders {
            let peer = self.state.sockets.get(end).and_then(|socket| socket.peer());
            let theirs = peer.and_then(|peer| holders.get(&peer)).into_iter().flatten();
            for (one, other) in theirs.flat_map(|other| ours.iter().map(move |one| (*one, *other))) {
                pairs.extend((one < other).then_some((one, other)));
                pairs.extend((other < one).then_some((other, one)));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// As [`super::Objects::shares_fences`].
    pub fn shares_fences(&self) -> bool {
        self.state.objects.shares_fences()
    }

    fn fds(&self, space: SpaceId) -> impl Iterator<Item = (&i32, &super::space::Entry)> {
        self.state.spaces.get(space.0 as usize).into_iter().flat_map(|space| &space.fds)
    }

    /// Objects that lie in messages which nobody has received.
    pub fn in_flight(&self) -> Vec<ObjectId> {
        let mut objects: Vec<ObjectId> =
            self.state.sockets.values().flat_map(|socket| socket.in_flight()).collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }
}

impl crate::Session {
    /// Ticks when a call was made.
    pub fn entered(&self, call: crate::CallId) -> Option<u64> {
        self.entry(call).map(|entry| entry.enter)
    }

    /// Ticks when a call returned; `None`: it has not.
    pub fn returned(&self, call: crate::CallId) -> Option<u64> {
        self.entry(call)?.exit()
    }
}
