//! Calls that have begun and not returned.

use fencelab_trace::ThreadId;
use fencelab_trace::model::{Target, Until};

use super::{Facts, World};
use crate::fence::{At, FenceSet, JobId};
use crate::syncobj::Found;

/// A call that a thread is in.
#[derive(Clone, Debug)]
pub struct Open {
    /// Which, and since when.
    pub at: At,
    /// The ioctl's or the call's name.
    pub name: &'static str,
    /// The device that it was made on.
    pub device: Option<u32>,
    /// What holds it up.
    pub blocked: Blocked,
    /// What it copies from where to where when it has waited, and whether beside what is there.
    pub copies: Option<(Target, Target, bool)>,
    /// Whether it has to do with fences, or orders those that have.
    pub counts: bool,
}

/// What holds a call up.
#[derive(Clone, Debug)]
pub enum Blocked {
    /// It waits for fences.
    Wait(Wait),
    /// It handed over a job, and returns when that is done if it is blocking.
    Submit {
        /// The job.
        job: JobId,
        /// Whether it returns only when that is done.
        blocking: bool,
    },
    /// Something in the kernel that no argument names: a lock.
    Kernel,
    /// Nothing that lasts.
    Nothing,
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Each of its targets.
    pub parts: Vec<Part>,
    /// All of them, or any.
    pub all: bool,
    /// Only until the points are there, not until they signal.
    pub available: bool,
    /// Until when.
    pub until: Until,
}

/// One target of a wait.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the call named.
    pub target: Target,
    /// The fences that it found there; `Nothing`: it still waits for one.
    pub found: Found,
    /// Whether a sequence number stands for a job that is only the newest one known.
    pub vague: bool,
}

impl World {
    pub(super) fn open_call(&mut self, thread: ThreadId, at: At, facts: &Facts) {
        let index = thread.0 as usize;
        if self.open.len() <= index {
            self.open.resize_with(index + 1, Vec::new);
        }
        let blocked = if facts.may_block { Blocked::Kernel } else { Blocked::Nothing };
        self.open[index].push(Open {
            at,
            name: facts.name,
            device: facts.device,
            blocked,
            copies: None,
            counts: false,
        });
    }

    /// The call that a thread has just begun has to do with fences.
    pub(crate) fn note_counts(&mut self, thread: ThreadId) {
        if let Some(open) = self.open.get_mut(thread.0 as usize).and_then(|calls| calls.last_mut()) {
            open.counts = true;
        }
    }

    /// Forgets calls under way that have nothing to do with fences.
    pub(crate) fn forget_others(&mut self) {
        self.open.iter_mut().for_each(|calls| calls.retain(|open| open.counts));
    }

    pub(super) fn block(&mut self, thread: ThreadId, blocked: Blocked) {
        if let Some(open) = self.open.get_mut(thread.0 as usize).and_then(|calls| calls.last_mut()) {
            open.blocked = blocked;
        }
    }

    /// A call has returned. What lay within it was left by longjmp.
    pub(super) fn close_call(&mut self, thread: ThreadId, at: At) -> Option<Open> {
        let calls = self.open.get_mut(thread.0 as usize)?;
        let place = calls.iter().rposition(|open| open.at.call == at.call)?;
        calls.truncate(place + 1);
        calls.pop()
    }

    /// What a wait finds at its beginning.
    pub(super) fn look(&mut self, thread: ThreadId, targets: &[Target], for_submit: bool) -> Vec<Part> {
        let part = |target: &Target| {
            let found = self.read(*target);
            // Without the flag a wait for nothing is refused at once.
            let found = if found == Found::Nothing && !for_submit {
                Found::Fences(FenceSet::default())
            } else {
                found
            };
            Part { target: *target, found, vague: matches!(target, Target::Seqno(..)) }
        };
        let parts: Vec<Part> = targets.iter().map(part).collect();
        for part in parts.iter().filter(|part| part.found == Found::Nothing) {
            if let Target::Point(object, _) = part.target {
                self.waiting.entry(object).or_default().push(thread);
            }
        }
        parts
    }

    /// A sync object was given a fence: those who wait for one there have found it.
    pub(super) fn given(&mut self, object: fencelab_trace::model::ObjectId) {
        let Some(threads) = self.waiting.remove(&object) else { return };
        let mut still = Vec::new();
        for thread in threads {
            let Some(calls) = self.open.get_mut(thread.0 as usize) else { continue };
            let mut waits = false;
            for open in calls.iter_mut() {
                let Blocked::Wait(wait) = &mut open.blocked else { continue };
                for part in wait.parts.iter_mut().filter(|part| part.found == Found::Nothing) {
                    let Target::Point(of, point) = part.target else { continue };
                    if of != object {
                        continue;
                    }
                    part.found =
                        self.syncobjs.get(&object).map_or(Found::Nothing, |object| object.find(point));
                    waits |= part.found == Found::Nothing;
                }
            }
            if waits {
                still.push(thread);
            }
        }
        if !still.is_empty() {
            self.waiting.insert(object, still);
        }
    }

    /// Threads that wait for a sync object to be given a fence.
    pub fn waiting_for(&self, object: fencelab_trace::model::ObjectId) -> &[ThreadId] {
        self.waiting.get(&object).map_or(&[], Vec::as_slice)
    }
}
