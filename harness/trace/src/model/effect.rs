//! What a call does to objects.

use std::ops::Range;

use super::object::ObjectId;

/// What an fd or handle table calls an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// An fd of the calling process.
    Fd(i32),
    /// A handle of an open DRM file.
    Handle(ObjectId, u64),
}

/// Something that holds fences, or is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A point of a sync object; point 0 is the binary one.
    Point(ObjectId, u64),
    /// All fences in a sync_file.
    File(ObjectId),
    /// The reservation of a buffer, which is named by its dma-buf if it has one: for writing (all fences) or for reading
    /// (those of writers).
    Buffer(ObjectId, Access),
    /// One fence.
    Fence(ObjectId),
    /// A driver's sequence number on a queue; 0 of a queue: its newest.
    Seqno(Option<ObjectId>, u64),
    /// A sw_sync timeline's value, relative to where it was made, or by how much it is moved on.
    Timeline(ObjectId, u64),
    /// What is not known: a fence in memory, a vertical blank.
    Unknown,
}

/// What for a buffer is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading: waits for writers.
    Read,
    /// Writing: waits for all.
    Write,
}

/// Until when a wait waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// For ever.
    Forever,
    /// CLOCK_MONOTONIC, in nanoseconds.
    At(u64),
    /// It was not recorded.
    Unknown,
}

/// Targets of an effect: a range of [`super::Event::targets`].
pub type Targets = Range<u32>;

/// One thing that a call does to objects. Those of its beginning happen when it is made, those of its end when it
/// has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An object is met for the first time: the call made it, or it is opaque.
    Met(ObjectId),
    /// It got a name.
    Named(ObjectId, Name),
    /// A name of it is given up.
    Unnamed(ObjectId, Name),
    /// It is used.
    Used(ObjectId),
    /// Its last known name is gone.
    Ended(ObjectId),
    /// It is put into a message on a socket.
    Sent(ObjectId, ObjectId),
    /// It is taken out of one.
    Received(ObjectId, ObjectId),
    /// The call waits.
    Wait {
        /// For what.
        targets: Targets,
        /// For all of it, or for any.
        all: bool,
        /// Also for a fence to appear where there is none yet.
        for_submit: bool,
        /// Only for that: not for its signal.
        available: bool,
        /// Until when.
        until: Until,
    },
    /// The wait is over: with that result.
    Woken(i32),
    /// These are signalled from the processor.
    Signal(Targets),
    /// These sync objects are emptied.
    Reset(Targets),
    /// Work is handed to a device.
    Submit {
        /// On that queue, as far as it is known.
        queue: Option<ObjectId>,
        /// It is done when this fence signals.
        fence: ObjectId,
        /// Not begun before these.
        waits: Targets,
        /// Gives its fence to these.
        signals: Targets,
    },
    /// The fences of the one are, from now on, in the other too (`adds`) or instead of what it had.
    Copy {
        /// From there.
        from: Target,
        /// To there.
        to: Target,
        /// Beside what is there.
        adds: bool,
    },
    /// A fence is made that this signals one day: a device, a timeline's value, another call.
    Fence {
        /// The fence.
        fence: ObjectId,
        /// By what; `None`: by the device or another call.
        by: Option<Target>,
    },
}
