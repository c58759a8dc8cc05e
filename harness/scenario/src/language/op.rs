//! The operations, and what each speaks of.

use serde::{Deserialize, Serialize};

use super::duration::{Duration, Timeout, word};
use super::name::Line;
use super::target::Target;
use serde::{Deserializer, Serializer};

/// What for a buffer is used, or as what a fence goes into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Reading: waits for writers.
    #[default]
    Read,
    /// Writing: waits for all.
    Write,
}

impl std::str::FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read" => Ok(Access::Read),
            "write" => Ok(Access::Write),
            _ => Err(format!("expected read or write, not `{text}`")),
        }
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Access::Write { "write" } else { "read" })
    }
}

word! { Access }

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_read(access: &Access) -> bool {
    *access == Access::Read
}

/// From one thing to another: the fences of an export, import, transfer or vgem's attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// From there.
    pub from: Target,
    /// To there.
    pub to: Target,
    /// Of or into a buffer: as whose.
    #[serde(default, skip_serializing_if = "is_read")]
    pub access: Access,
}

/// A wait for points of sync objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// For these.
    pub points: Vec<Target>,
    /// For any of them, not for all.
    #[serde(default, skip_serializing_if = "is_false")]
    pub any: bool,
    /// Also for a fence to appear where there is none yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub for_submit: bool,
    /// Only for that, not for its signal.
    #[serde(default, skip_serializing_if = "is_false")]
    pub available: bool,
    /// Tell the fences that they are wanted in so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Timeout::is_forever")]
    pub timeout: Timeout,
}

/// A poll of sync_files and buffers, for any of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// Of these.
    pub files: Vec<Target>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Timeout::is_forever")]
    pub timeout: Timeout,
}

/// Two sync_files become a third.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The two.
    pub files: (Target, Target),
    /// The third.
    pub to: Target,
}

/// A job for a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// On that queue.
    pub queue: Target,
    /// Not begun before these sync_files and points.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Target>,
    /// Gives its fence to these.
    #[serde(default, rename = "out", skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Target>,
    /// How long it works.
    #[serde(default = "no_time", skip_serializing_if = "is_no_time")]
    pub lasts: Duration,
}

fn no_time() -> Duration {
    Duration(0)
}

fn is_no_time(time: &Duration) -> bool {
    time.0 == 0
}

/// A commit that shows the pipeline's framebuffer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// On that pipeline.
    pub crtc: Target,
    /// IN_FENCE_FD.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub waits: Option<Target>,
    /// OUT_FENCE_PTR.
    #[serde(default, rename = "out", skip_serializing_if = "Option::is_none")]
    pub signals: Option<Target>,
    /// It returns when the commit is done, not when it is queued.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blocking: bool,
}

/// A sw_sync fence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// On that timeline.
    pub timeline: Target,
    /// It signals when the timeline has come to this; it starts at 0.
    pub value: u32,
    /// The sync_file.
    pub to: Target,
}

/// An object and the process to or from which it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// The object.
    pub object: Target,
    /// To whom.
    pub to: Line,
}

/// The same from the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// The object.
    pub object: Target,
    /// From whom.
    pub from: Line,
}

/// An access of the processor to a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// The buffer.
    pub buffer: Target,
    /// What for.
    #[serde(default, rename = "for", skip_serializing_if = "is_read")]
    pub access: Access,
}

/// A buffer that another device gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prime {
    /// The buffer.
    pub buffer: Target,
    /// The device.
    pub device: String,
}

/// Declares the operations: their words in a scenario are the keys of one table.
macro_rules! ops {
    ($($(#[$doc:meta])* $variant:ident $key:ident $type:ty;)*) => {
        /// One operation.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Op { $($(#[$doc])* $variant($type),)* }

        /// A step as it is written: one operation among these, and what goes with any.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Written {
            pub(super) label: Option<super::name::Name>,
            #[serde(default)]
            pub(super) after: Vec<super::step::After>,
            pub(super) at: Option<Duration>,
            $($key: Option<$type>,)*
        }

        impl Written {
            /// The operations in it: there should be one.
            pub(super) fn ops(&mut self) -> Vec<Op> {
                [$(self.$key.take().map(Op::$variant),)*].into_iter().flatten().collect()
            }
        }

        impl Op {
            /// The words of all operations.
            pub const WORDS: &[&str] = &[$(stringify!($key)),*];

            /// Its word.
            pub fn word(&self) -> &'static str {
                match self { $(Op::$variant(_) => stringify!($key),)* }
            }

            /// What stands behind its word.
            pub(super) fn value(&self) -> serde_yaml::Result<serde_yaml::Value> {
                match self { $(Op::$variant(what) => serde_yaml::to_value(what),)* }
            }
        }
    };
}

ops! {
    /// Makes an object.
    Create create Target;
    /// SW_SYNC_IOC_CREATE_FENCE.
    Fence fence Fence;
    /// Signals points, moves timelines on, signals vgem's fences.
    Signal signal Vec<Target>;
    /// Empties sync objects.
    Reset reset Vec<Target>;
    /// DRM_IOCTL_SYNCOBJ_TRANSFER.
    Transfer transfer Way;
    /// DRM_IOCTL_SYNCOBJ_WAIT and _TIMELINE_WAIT.
    Wait wait Wait;
    /// poll(2).
    Poll poll Poll;
    /// The fences of a point or of a buffer become a sync_file.
    Export export Way;
    /// The fences of a sync_file go into a point or a buffer.
    Import import Way;
    /// SYNC_IOC_MERGE.
    Merge merge Merge;
    /// DRM_IOCTL_VGEM_FENCE_ATTACH.
    Attach attach Way;
    /// A job.
    Submit submit Submit;
    /// DRM_IOCTL_MODE_ATOMIC.
    Commit commit Work;
    /// DMA_BUF_IOCTL_SYNC, start and end.
    Access access Cpu;
    /// DRM_IOCTL_PRIME_FD_TO_HANDLE.
    Prime prime Prime;
    /// An fd in a message to another process.
    Send send Sent;
    /// The same, taken out.
    Receive receive Received;
    /// The process gives up its name of an object.
    Close close Target;
    /// Nothing for some time.
    Sleep sleep Duration;
    /// The process ends with this status.
    Exit exit u8;
    /// SIGKILL.
    Kill kill Line;
    /// A process begins that this operation of another one is to begin.
    Start start Line;
}

impl Op {
    /// Everything that it speaks of.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Op::Create(target) | Op::Close(target) => vec![target],
            Op::Fence(fence) => vec![&fence.timeline, &fence.to],
            Op::Signal(targets) | Op::Reset(targets) => targets.iter().collect(),
            Op::Transfer(way) | Op::Export(way) | Op::Import(way) | Op::Attach(way) => {
                vec![&way.from, &way.to]
            }
            Op::Wait(wait) => wait.points.iter().collect(),
            Op::Poll(poll) => poll.files.iter().collect(),
            Op::Merge(merge) => vec![&merge.files.0, &merge.files.1, &merge.to],
            Op::Submit(job) => [&job.queue].into_iter().chain(&job.waits).chain(&job.signals).collect(),
            Op::Commit(work) => [&work.crtc].into_iter().chain(&work.waits).chain(&work.signals).collect(),
            Op::Access(cpu) => vec![&cpu.buffer],
            Op::Prime(prime) => vec![&prime.buffer],
            Op::Send(sent) => vec![&sent.object],
            Op::Receive(received) => vec![&received.object],
            Op::Sleep(_) | Op::Exit(_) | Op::Kill(_) | Op::Start(_) => vec![],
        }
    }

    /// What it makes: sync_files and vgem's fences that it brings, what it creates or receives. A point that a job gives its
    /// fence to is none of them.
    pub fn makes(&self) -> Vec<&Target> {
        match self {
            Op::Create(target) => vec![target],
            Op::Fence(fence) => vec![&fence.to],
            Op::Export(way) | Op::Attach(way) => vec![&way.to],
            Op::Merge(merge) => vec![&merge.to],
            Op::Submit(job) => job.signals.iter().collect(),
            Op::Commit(work) => work.signals.iter().collect(),
            Op::Receive(received) => vec![&received.object],
            _ => vec![],
        }
    }

    /// Whether it may block for long.
    pub fn may_block(&self) -> bool {
        match self {
            Op::Wait(_) | Op::Poll(_) | Op::Access(_) | Op::Receive(_) => true,
            Op::Commit(work) => work.blocking,
            _ => false,
        }
    }
}
