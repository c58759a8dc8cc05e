//! Everything that holds fences.

use std::collections::HashMap;

use super::fences::{Fence, FenceId, Job, Maker, Set, Syncobj};
use crate::{Access, Kind, Name, Scenario, Target};

/// The objects' state.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) fences: Vec<Fence>,
    pub(super) jobs: Vec<Job>,
    pub(super) values: HashMap<Name, u64>,
    pub(super) syncobjs: HashMap<Name, Syncobj>,
    pub(super) files: HashMap<Name, Set>,
    /// Fences of readers and of writers.
    pub(super) buffers: HashMap<Name, (Set, Set)>,
    pub(super) vgem: HashMap<Name, FenceId>,
    kinds: HashMap<Name, Kind>,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let kinds: HashMap<Name, Kind> =
            scenario.objects.iter().map(|(name, object)| (name.clone(), object.kind)).collect();
        let mut world = World { kinds, ..World::default() };
        let names: Vec<Name> = scenario.objects.keys().cloned().collect();
        names.iter().for_each(|name| world.make(name));
        world
    }

    /// An object is there anew.
    pub(super) fn make(&mut self, name: &Name) {
        match self.kind(name) {
            Some(Kind::SignalledSyncobj) => {
                let whole = Syncobj { cell: Some(Vec::new()), ..Syncobj::default() };
                self.syncobjs.insert(name.clone(), whole);
            }
            Some(Kind::Syncobj) => {
                self.syncobjs.insert(name.clone(), Syncobj::default());
            }
            Some(Kind::Timeline) => {
                self.values.insert(name.clone(), 0);
            }
            _ => {}
        }
    }

    pub(super) fn kind(&self, name: &Name) -> Option<Kind> {
        self.kinds.get(name).copied()
    }

    pub(super) fn fence(&mut self, maker: Maker, signalled: bool) -> FenceId {
        self.fences.push(Fence { maker, signalled });
        self.fences.len() - 1
    }

    /// Those of a set that have not signalled.
    pub(super) fn open<'w>(&'w self, set: &'w [FenceId]) -> impl Iterator<Item = FenceId> + 'w {
        set.iter().copied().filter(|fence| self.fences.get(*fence).is_some_and(|fence| !fence.signalled))
    }

    /// Moves a timeline on.
    pub(super) fn advance(&mut self, name: &Name, by: u64) {
        let value = self.values.entry(name.clone()).or_default();
        *value += by;
        let now = *value;
        for fence in &mut self.fences {
            if matches!(&fence.maker, Maker::Timeline(of, at) if of == name && *at <= now) {
                fence.signalled = true;
            }
        }
    }

    /// The last holder of a timeline is gone: sw_sync signals what is left on it.
    pub(super) fn close_timeline(&mut self, name: &Name) {
        self.advance(name, u64::from(u32::MAX));
    }

    /// What a target holds: `None`, nothing yet.
    pub(super) fn held(&self, target: &Target, access: Access) -> Option<Set> {
        let name = &target.object;
        match self.kind(name)? {
            Kind::SyncFile => self.files.get(name).cloned(),
            Kind::Buffer => {
                let (readers, writers) = self.buffers.get(name).cloned().unwrap_or_default();
                // A reader waits for writers, a writer for all.
                let readers = if access == Access::Write { readers } else { Vec::new() };
                Some(readers.into_iter().chain(writers).collect())
            }
            _ => self.syncobjs.get(name)?.at(target.number),
        }
    }

    /// Puts fences into a target.
    pub(super) fn put(&mut self, target: &Target, access: Access, set: Set) {
        let name = target.object.clone();
        match self.kind(&name) {
            Some(Kind::SyncFile) => {
                self.files.insert(name, set);
            }
            Some(Kind::Buffer) => {
                let (readers, writers) = self.buffers.entry(name).or_default();
                if access == Access::Write { writers.extend(set) } else { readers.extend(set) }
            }
            Some(kind) if kind.is_syncobj() => {
                self.syncobjs.entry(name).or_default().put(target.number, set);
            }
            _ => {}
        }
    }

    /// A job is handed over; its fence.
    pub(super) fn submit(&mut self, queue: &Name, waits: Set, lasts: u64) -> FenceId {
        let fence = self.fence(Maker::Job(self.jobs.len()), false);
        self.jobs.push(Job { queue: queue.clone(), waits, lasts, fence, ends: None, done: false });
        fence
    }

    /// The job in front of another one on its queue that is not done.
    pub(super) fn before(&self, index: usize) -> Option<usize> {
        let job = self.jobs.get(index)?;
        (0..index).rev().find(|&other| self.jobs[other].queue == job.queue && !self.jobs[other].done)
    }

    /// Begins what jobs can begin and ends those whose time has come. Whether anything moved.
    pub(super) fn work(&mut self, now: u64) -> bool {
        let mut moved = false;
        for index in 0..self.jobs.len() {
            let job = &self.jobs[index];
            if job.done {
                continue;
            }
            match job.ends {
                None if self.before(index).is_none() && self.open(&job.waits).next().is_none() => {
                    self.jobs[index].ends = Some(now + self.jobs[index].lasts);
                    moved = true;
                }
                Some(ends) if ends <= now => {
                    let fence = job.fence;
                    self.jobs[index].done = true;
                    self.fences[fence].signalled = true;
                    moved = true;
                }
                _ => {}
            }
        }
        moved
    }

    /// When the next job will be done.
    pub(super) fn next_end(&self) -> Option<u64> {
        self.jobs.iter().filter(|job| !job.done).filter_map(|job| job.ends).min()
    }
}
