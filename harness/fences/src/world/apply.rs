//! What each step does to the world.

use fencelab_trace::model::{Access, Effect, ObjectId, ObjectKind, Target, Targets, Until};

use super::{Blocked, Buffer, Job, Step, Wait, World};
use crate::fence::{At, FenceSet, JobId, Maker, Queue};
use crate::syncobj::{Found, Odd, Syncobj};

impl World {
    /// Takes one step.
    pub fn apply(&mut self, step: &Step<'_>) {
        for (object, kind) in &step.facts.opaque {
            self.meet_opaque(*object, *kind);
        }
        if step.begins {
            self.open_call(step.at.call.thread, step.at, step.facts);
        }
        for effect in step.effects {
            self.effect(step, effect);
        }
        step.facts.vgem.iter().for_each(|(fence, file)| self.is_vgem(*fence, *file));
        if let Some((gem, buffer)) = step.facts.exported {
            self.become_dma_buf(gem, buffer);
        }
        if !step.begins {
            self.end(step);
        }
    }

    fn meet_opaque(&mut self, object: ObjectId, kind: ObjectKind) {
        match kind {
            ObjectKind::Syncobj => _ = self.syncobjs.insert(object, Syncobj::opaque()),
            ObjectKind::SyncFile => _ = self.files.insert(object, FenceSet::unknown()),
            ObjectKind::DmaBuf | ObjectKind::Gem => _ = self.buffers.insert(object, Buffer::unknown()),
            _ => {}
        }
    }

    fn end(&mut self, step: &Step<'_>) {
        let Some(open) = self.close_call(step.at.call.thread, step.at) else { return };
        let result = step.facts.result.unwrap_or(0);
        self.woken(&open, result, step.at);
        if let (Some((from, to, adds)), true) = (open.copies, result >= 0) {
            self.copy(from, to, adds, step.at);
        }
        if let Blocked::Submit { job, blocking } = open.blocked
            && (blocking || result < 0)
            && let Some(fence) = self.job(job).map(|job| job.fence)
        {
            // Done, or refused and so never queued.
            self.signalled(fence, step.at);
        }
    }

    fn effect(&mut self, step: &Step<'_>, effect: &Effect) {
        let at = step.at;
        match effect {
            Effect::Met(object) if step.facts.made_signalled => {
                self.put(*object, 0, FenceSet::default(), at);
            }
            Effect::Ended(object) => self.ended(*object, at),
            Effect::Wait { targets, all, for_submit, available, until } => {
                let parts = self.look(at.call.thread, of(step, targets), *for_submit);
                let wait = Wait { parts, all: *all, available: *available, until: *until };
                self.block(at.call.thread, Blocked::Wait(wait));
            }
            Effect::Signal(targets) => {
                of(step, targets).iter().for_each(|target| self.signal(*target, at));
            }
            Effect::Reset(targets) => {
                for target in of(step, targets) {
                    if let Target::Point(object, _) = target {
                        self.take(*object, at);
                        self.syncobjs.entry(*object).or_default().reset();
                    }
                }
            }
            Effect::Submit { queue, fence, waits, signals } => {
                self.submit(step, *queue, *fence, of(step, waits), of(step, signals));
            }
            Effect::Copy { from, to, adds } => match step.facts.copies_until {
                Some(until) if self.read(*from) == Found::Nothing => {
                    self.copy_later(*from, *to, *adds, at, until)
                }
                _ => self.copy(*from, *to, *adds, at),
            },
            Effect::Fence { fence, by } => self.made(*fence, *by, at),
            _ => {}
        }
    }

    fn made(&mut self, object: ObjectId, by: Option<Target>, at: At) {
        match by {
            Some(Target::Timeline(timeline, value)) => {
                let fence = self.add_fence(Some(object), Maker::Timeline(timeline, value), at);
                let state = self.timelines.entry(timeline).or_default();
                if value > state.value {
                    state.pending.push((value, fence))
                } else {
                    self.signalled(fence, at)
                }
            }
            _ => _ = self.add_fence(Some(object), Maker::Outside, at),
        }
    }

    /// Says that a fence is vgem's, of that open file.
    fn is_vgem(&mut self, object: ObjectId, file: ObjectId) {
        if let Some(id) = self.by_object.get(&object).copied()
            && let Some(fence) = self.fences.get_mut(id.0 as usize)
        {
            fence.maker = Maker::Vgem(file);
            self.note_vgem(file, id);
        }
    }

    fn submit(
        &mut self,
        step: &Step<'_>,
        queue: Option<ObjectId>,
        object: ObjectId,
        waits: &[Target],
        signals: &[Target],
    ) {
        let id = JobId(self.jobs.len() as u32);
        let mut set = FenceSet::default();
        let mut missing = Vec::new();
        for target in waits {
            match self.read(*target) {
                Found::Fences(found) => set.extend(&found),
                Found::Nothing => missing.push(*target),
            }
        }
        for buffer in &step.facts.implicit {
            set.extend(&self.writers(*buffer));
        }
        for target in signals {
            if let Target::Buffer(buffer, access) = target {
                set.extend(
                    &self.buffers.get(buffer).map(|buffer| buffer.fences(*access)).unwrap_or_default(),
                );
            }
        }
        let unknown = set.unknown;
        let mut set: FenceSet = set.iter().filter(|fence| !self.has_signalled(*fence)).collect();
        set.unknown = unknown;
        let fence = self.add_fence(Some(object), Maker::Job(id), step.at);
        let crtc = step.facts.crtc.zip(step.facts.device).map(|(crtc, device)| Queue::Crtc(device, crtc));
        let queue = crtc.or(queue.map(Queue::Object));
        let before = queue.and_then(|queue| self.newest.insert(queue, id));
        let before =
            before.filter(|before| self.job(*before).is_some_and(|job| !self.has_signalled(job.fence)));
        let commit = step.facts.name.starts_with("DRM_IOCTL_MODE_");
        let (device, at) = (step.facts.device, step.at);
        if let Some(device) = device.filter(|_| commit) {
            self.newest_commit.insert(device, id);
        }
        self.jobs.push(Job { fence, queue, before, waits: set, device, commit, at, unsettled: false });
        self.note_unsettled(id);
        for target in signals {
            self.give(*target, FenceSet::of(fence), true, at);
        }
        let blocked = if missing.is_empty() {
            Blocked::Submit { job: id, blocking: step.facts.blocking }
        } else {
            // The call itself waits for points that nobody has submitted (`drm_syncobj_find_fence`).
            let parts = self.look(at.call.thread, &missing, true);
            Blocked::Wait(Wait { parts, all: true, available: true, until: Until::Forever })
        };
        self.block(at.call.thread, blocked);
    }

    /// A copy that waits until there is something to copy.
    fn copy_later(&mut self, from: Target, to: Target, adds: bool, at: At, until: u64) {
        let parts = self.look(at.call.thread, &[from], true);
        let wait = Wait { parts, all: true, available: true, until: Until::At(until) };
        self.block(at.call.thread, Blocked::Wait(wait));
        let calls = self.open.get_mut(at.call.thread.0 as usize);
        if let Some(open) = calls.and_then(|calls| calls.last_mut()) {
            open.copies = Some((from, to, adds));
        }
    }

    fn copy(&mut self, from: Target, to: Target, adds: bool, at: At) {
        let set = match self.read(from) {
            Found::Fences(set) => set,
            Found::Nothing => FenceSet::unknown(),
        };
        let unknown = set.unknown;
        let mut live: FenceSet = self.unsignalled(&set).collect();
        live.unknown = unknown;
        self.give(to, live, adds, at);
    }

    /// Puts fences somewhere.
    fn give(&mut self, to: Target, set: FenceSet, adds: bool, at: At) {
        match to {
            Target::Point(object, point) => self.put(object, point, set, at),
            Target::File(object) if adds => self.files.entry(object).or_default().extend(&set),
            Target::File(object) => _ = self.files.insert(object, set),
            Target::Buffer(object, access) => {
                let mut buffer = self.buffers.remove(&object).unwrap_or_default();
                let part = buffer.part(access);
                part.extend(&set);
                self.tidy(part);
                self.buffers.insert(object, buffer);
            }
            _ => {}
        }
    }

    /// Gives a sync object fences: as a point of its timeline, or in place of what it holds.
    pub(super) fn put(&mut self, object: ObjectId, point: u64, set: FenceSet, at: At) {
        if point == 0 {
            self.take(object, at);
            self.syncobjs.entry(object).or_default().replace(set);
        } else {
            let held = self.syncobjs.entry(object).or_default();
            let odd = held.add_point(point, set);
            if held.is_long() {
                let mut held = std::mem::take(held);
                held.prune(|set| self.all_signalled(set));
                self.syncobjs.insert(object, held);
            }
            if let Some(Odd::Backwards { newest }) = odd {
                self.pasts.entry(object).or_default().backwards = Some((at, point, newest));
            }
        }
        let past = self.pasts.entry(object).or_default();
        past.given = Some(at);
        self.given(object);
    }

    /// What a sync object holds is taken away or replaced.
    fn take(&mut self, object: ObjectId, at: At) {
        let holds = self.syncobjs.get(&object).is_some_and(|held| held.find(0) != Found::Nothing);
        if holds {
            let past = self.pasts.entry(object).or_default();
            past.taken = Some(at);
        }
    }

    /// A GEM object has got a dma-buf.
    fn become_dma_buf(&mut self, gem: ObjectId, buffer: ObjectId) {
        if gem == buffer {
            return;
        }
        let Some(old) = self.buffers.remove(&gem) else { return };
        self.buffers.entry(buffer).or_default().extend(&old);
    }

    /// What an access to a buffer waits for now.
    pub fn buffer(&self, object: ObjectId, access: Access) -> FenceSet {
        self.buffers.get(&object).map(|buffer| buffer.fences(access)).unwrap_or_default()
    }
}

fn of<'a>(step: &Step<'a>, range: &Targets) -> &'a [Target] {
    step.targets.get(range.start as usize..range.end as usize).unwrap_or_default()
}
