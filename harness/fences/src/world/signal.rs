//! Fences that are known to have signalled.

use fencelab_trace::model::{ObjectId, Target};

use super::{Blocked, Open, World};
use crate::fence::{At, FenceId, Maker};
use crate::syncobj::Found;

impl World {
    /// A fence has signalled; so has all that its job waited for, and all before that on its queue.
    pub(crate) fn signalled(&mut self, id: FenceId, at: At) {
        let mut known = vec![id];
        while let Some(id) = known.pop() {
            let Some(fence) = self.fences.get_mut(id.0 as usize).filter(|fence| fence.signalled.is_none())
            else {
                continue;
            };
            fence.signalled = Some(at);
            let Maker::Job(job) = fence.maker else { continue };
            let Some(job) = self.jobs.get(job.0 as usize) else { continue };
            known.extend(job.waits.iter());
            known.extend(job.before.and_then(|before| Some(self.jobs.get(before.0 as usize)?.fence)));
        }
    }

    /// A sw_sync timeline has moved on.
    pub(super) fn move_on(&mut self, timeline: ObjectId, by: u64, at: At) {
        let state = self.timelines.entry(timeline).or_default();
        state.value = state.value.saturating_add(by);
        let value = state.value;
        let (done, pending) =
            std::mem::take(&mut state.pending).into_iter().partition(|(of, _)| *of <= value);
        state.pending = pending;
        let done: Vec<(u64, FenceId)> = done;
        done.into_iter().for_each(|(_, fence)| self.signalled(fence, at));
    }

    /// The last name of an object is gone. A sw_sync timeline signals what is pending, with an error
    /// (`sw_sync_debugfs_release`), and so does vgem for its file (`vgem_fence_close`).
    pub(super) fn ended(&mut self, object: ObjectId, at: At) {
        let timeline = self.timelines.remove(&object).map(|timeline| timeline.pending).unwrap_or_default();
        let vgem = self.vgem.remove(&object).unwrap_or_default();
        let all = timeline.into_iter().map(|(_, fence)| fence).chain(vgem);
        all.for_each(|fence| self.signalled(fence, at));
        self.files.remove(&object);
        self.buffers.remove(&object);
        self.syncobjs.remove(&object);
        self.pasts.remove(&object);
    }

    pub(super) fn note_vgem(&mut self, file: ObjectId, fence: FenceId) {
        self.vgem.entry(file).or_default().push(fence);
    }

    /// What a signal from the processor means for a target.
    pub(super) fn signal(&mut self, target: Target, at: At) {
        match target {
            Target::Timeline(timeline, by) => self.move_on(timeline, by, at),
            Target::Fence(object) => {
                if let Some(fence) = self.by_object.get(&object).copied() {
                    self.signalled(fence, at);
                }
            }
            Target::Point(object, point) => {
                // A fence that has signalled takes the place of what was there (`drm_syncobj_assign_null_handle`).
                self.put(object, point, crate::fence::FenceSet::default(), at);
            }
            _ => {}
        }
    }

    /// A wait has come back: what it waited for has signalled, where the result says so.
    pub(super) fn woken(&mut self, open: &Open, result: i32, at: At) {
        let Blocked::Wait(wait) = &open.blocked else { return };
        if wait.available || !(wait.all || wait.parts.len() == 1) || !is_success(open.name, result) {
            return;
        }
        for part in &wait.parts {
            if let Found::Fences(set) = &part.found {
                set.iter().for_each(|fence| self.signalled(fence, at));
            }
        }
    }
}

/// Whether a result of a wait says that it saw the signal: a poll that timed out returns 0.
fn is_success(name: &str, result: i32) -> bool {
    if name == POLL { result > 0 } else { result >= 0 }
}

/// The name of polls.
pub(crate) const POLL: &str = "poll";
