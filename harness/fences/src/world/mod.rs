//! Everything that holds fences, as it is at one moment of the walk through a trace.
//!
//! The world is fed with [`Step`]s in the trace's order. It knows which fences there are and what signals each, what every
//! sync object, sync_file and buffer holds, which jobs are queued behind which, and which thread is in which call.

mod apply;
mod buffer;
mod open;
mod settle;
mod signal;

use fencelab_trace::ThreadId;
use fencelab_trace::model::{Access, Effect, ObjectId, ObjectKind, Target};
use rustc_hash::FxHashMap;

pub use buffer::Buffer;
pub use open::{Blocked, Open, Part, Wait};
pub(crate) use signal::POLL;

use crate::fence::{At, Fence, FenceId, FenceSet, JobId, Maker, Queue};
use crate::syncobj::{Found, Syncobj};

/// One step of the walk: what a call does at its beginning or at its end.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Whether it is the call's beginning.
    pub begins: bool,
    /// The call, and when the step is.
    pub at: At,
    /// Effects, in order.
    pub effects: &'a [Effect],
    /// What their ranges are of.
    pub targets: &'a [Target],
    /// What else there is to know of the call.
    pub facts: &'a Facts,
}

/// What effects do not say of a call.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The ioctl's or the call's name.
    pub name: &'static str,
    /// What it returned, at its end.
    pub result: Option<i32>,
    /// The device of the DRM file that it is made on, as a number of the feed's.
    pub device: Option<u32>,
    /// Whether it is a commit that returns only when it is done.
    pub blocking: bool,
    /// Whether the kernel may make it wait for others at all.
    pub may_block: bool,
    /// Buffers whose writers a commit waits for, as it gives no in-fence itself.
    pub implicit: Vec<ObjectId>,
    /// The CRTC that a commit is to, by its number; `None`: it is no commit.
    pub crtc: Option<u32>,
    /// The in-fences of a commit whose properties' names are known; `None`: those of the effect.
    pub in_fences: Option<Vec<Target>>,
    /// Until when a copy waits for there to be a fence, in nanoseconds of CLOCK_MONOTONIC.
    pub copies_until: Option<u64>,
    /// A sync object was made signalled.
    pub made_signalled: bool,
    /// A GEM object that has become a dma-buf: its fences go along.
    pub exported: Option<(ObjectId, ObjectId)>,
    /// Fences that are vgem's, each with the open file that they are of.
    pub vgem: Vec<(ObjectId, ObjectId)>,
    /// Objects that the step met whose past is not known.
    pub opaque: Vec<(ObjectId, ObjectKind)>,
}

/// Work that was handed to a device.
#[derive(Clone, Debug)]
pub struct Job {
    /// It signals this when it is done.
    pub fence: FenceId,
    /// On that queue, which does one after the other; `None`: not known which.
    pub queue: Option<Queue>,
    /// The one before it on that queue.
    pub before: Option<JobId>,
    /// Not begun before all of these have signalled.
    pub waits: FenceSet,
    /// The device.
    pub device: Option<u32>,
    /// Whether it is a commit to a display.
    pub commit: bool,
    /// By which call.
    pub at: At,
    /// Whether something that it waits for was not a device's to do when that was last looked at.
    pub unsettled: bool,
}

/// A sw_sync timeline.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// How far it has moved since it was made, or since it was first seen.
    pub value: u64,
    /// Fences that wait for a value.
    pub pending: Vec<(u64, FenceId)>,
}

/// What happened to a sync object's content, for whoever finds it empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// The last time it was given a fence.
    pub given: Option<At>,
    /// The last time a fence was taken out or put in its place.
    pub taken: Option<At>,
    /// Whether anybody waited for the fence that was taken.
    pub waited: bool,
    /// A point that was not above the newest one: when, the point, the newest.
    pub backwards: Option<(At, u64, u64)>,
}

/// The state of everything that holds fences.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(crate) fences: Vec<Fence>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) by_object: FxHashMap<ObjectId, FenceId>,
    pub(crate) syncobjs: FxHashMap<ObjectId, Syncobj>,
    pub(crate) pasts: FxHashMap<ObjectId, Past>,
    pub(crate) files: FxHashMap<ObjectId, FenceSet>,
    pub(crate) buffers: FxHashMap<ObjectId, Buffer>,
    pub(crate) timelines: FxHashMap<ObjectId, Timeline>,
    /// The newest job of each queue.
    pub(crate) newest: FxHashMap<Queue, JobId>,
    /// The newest commit to each device.
    pub(crate) newest_commit: FxHashMap<u32, JobId>,
    /// By thread: the calls that it is in, outermost first.
    pub(crate) open: Vec<Vec<Open>>,
    /// Threads that wait for a sync object to be given a fence.
    waiting: FxHashMap<ObjectId, Vec<ThreadId>>,
    /// Jobs that waited, when that was last looked at, for something that is not a device's to do. In rising order.
    pub(crate) unsettled: Vec<JobId>,
    /// How many of them there may be before that is looked at again.
    look_at: usize,
    /// vgem's fences of each open file that have not signalled.
    vgem: FxHashMap<ObjectId, Vec<FenceId>>,
}

impl World {
    /// A fence.
    pub fn fence(&self, id: FenceId) -> Option<&Fence> {
        self.fences.get(id.0 as usize)
    }

    /// A job.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id.0 as usize)
    }

    /// A sync object.
    pub fn syncobj(&self, id: ObjectId) -> Option<&Syncobj> {
        self.syncobjs.get(&id)
    }

    /// What happened to a sync object's content.
    pub fn past(&self, id: ObjectId) -> Past {
        self.pasts.get(&id).copied().unwrap_or_default()
    }

    /// Whether a fence is known to have signalled.
    pub fn has_signalled(&self, id: FenceId) -> bool {
        self.fence(id).is_some_and(|fence| fence.signalled.is_some())
    }

    /// Fences of a set that are not known to have signalled.
    pub fn unsignalled<'a>(&'a self, set: &'a FenceSet) -> impl Iterator<Item = FenceId> + 'a {
        set.iter().filter(|fence| !self.has_signalled(*fence))
    }

    /// Whether all of a set has signalled, as far as is known.
    pub fn all_signalled(&self, set: &FenceSet) -> bool {
        !set.unknown && self.unsignalled(set).next().is_none()
    }

    /// The calls that a thread is in, outermost first.
    pub fn open_calls(&self, thread: ThreadId) -> &[Open] {
        self.open.get(thread.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// All threads that are in a call, with the innermost one.
    pub fn in_calls(&self) -> impl Iterator<Item = (ThreadId, &Open)> {
        let threads = self.open.iter().enumerate();
        threads.filter_map(|(id, calls)| Some((ThreadId(id as u32), calls.last()?)))
    }

    pub(crate) fn add_fence(&mut self, object: Option<ObjectId>, maker: Maker, made: At) -> FenceId {
        let id = FenceId(self.fences.len() as u32);
        self.fences.push(Fence { object, maker, made, signalled: None });
        if let Some(object) = object {
            self.by_object.insert(object, id);
        }
        id
    }

    /// The fences that a target means now; `Nothing` only of a sync object's cell that has none.
    pub(crate) fn read(&self, target: Target) -> Found {
        let set = match target {
            Target::Point(object, point) => {
                return self.syncobjs.get(&object).map_or(Found::Nothing, |object| object.find(point));
            }
            Target::File(object) => self.files.get(&object).cloned().unwrap_or_else(FenceSet::unknown),
            Target::Buffer(object, access) => {
                self.buffers.get(&object).map(|buffer| buffer.fences(access)).unwrap_or_default()
            }
            Target::Fence(object) => {
                self.by_object.get(&object).map_or_else(FenceSet::unknown, |id| FenceSet::of(*id))
            }
            Target::Seqno(Some(queue), _) => {
                match self.newest.get(&Queue::Object(queue)).and_then(|job| self.job(*job)) {
                    Some(job) => FenceSet::of(job.fence),
                    None => FenceSet::unknown(),
                }
            }
            Target::Seqno(None, _) | Target::Timeline(..) | Target::Unknown => FenceSet::unknown(),
        };
        Found::Fences(set)
    }

    /// What a reader of a buffer waits for: its writers.
    pub(crate) fn writers(&self, buffer: ObjectId) -> FenceSet {
        self.buffers.get(&buffer).map(|buffer| buffer.fences(Access::Read)).unwrap_or_default()
    }
}
