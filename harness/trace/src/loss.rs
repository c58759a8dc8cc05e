//! What is missing from a session, where, and how much.

use std::fmt;

use crate::id::ThreadId;

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// Records of a thread that newer ones took the place of.
    Overwritten,
    /// Records of a thread that found no room.
    NoRoom,
    /// Records of threads that never got room for any.
    Homeless,
    /// Chunks of a thread that are not in the trace, though earlier and later ones are.
    Gap,
    /// Slots that hold no valid record, though later ones of their chunk do: a signal handler left the recorder's code,
    /// or the trace is damaged.
    Hole,
    /// A record that was being written when its thread stopped, or is being written now.
    Torn,
    /// Chunks that lie behind the end of a file that was cut short.
    Cut,
    /// Chunks whose header makes no sense, or is of a kind that this version does not know.
    Unreadable,
    /// Chunks that were given to another thread while they were read.
    Taken,
}

/// Something that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loss {
    /// What.
    pub what: Lost,
    /// Whose; `None`: not known, or everybody's.
    pub thread: Option<ThreadId>,
    /// Ticks between which it was, as far as is known.
    pub between: (Option<u64>, Option<u64>),
    /// How many records, slots or chunks, as `what` says; `None`: not known.
    pub count: Option<u64>,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many, why) = match self.what {
            Lost::Overwritten => ("record", "records", "overwritten by newer ones"),
            Lost::NoRoom => ("record", "records", "dropped for want of room"),
            Lost::Homeless => ("record", "records", "dropped by threads that never got room"),
            Lost::Gap => ("chunk", "chunks", "of this thread missing between others"),
            Lost::Hole => ("slot", "slots", "without a valid record between valid ones"),
            Lost::Torn => ("record", "records", "begun and not finished"),
            Lost::Cut => ("chunk", "chunks", "behind the end of the file, which was cut short"),
            Lost::Unreadable => ("chunk", "chunks", "with a header that cannot be read"),
            Lost::Taken => ("chunk", "chunks", "overwritten while being read"),
        };
        match self.count {
            Some(1) => write!(f, "1 {one} {why}"),
            Some(count) => write!(f, "{count} {many} {why}"),
            None => write!(f, "an unknown number of {many} {why}"),
        }
    }
}
