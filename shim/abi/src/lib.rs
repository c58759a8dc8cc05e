//! The trace that the recorder writes, and the one table of the ioctls that it understands.
//!
//! The crate is `no_std` and has no dependency: the shim that runs inside other people's programs is built on it,
//! and so is the reader.
//!
//! # A session
//!
//! A session is one folder:
//!
//! | file | what |
//! | --- | --- |
//! | `pool` | every record of every process, mapped shared by all of them |
//! | `clock` | an array of [`ClockPair`]s, appended about once a second while the recorder lives |
//!
//! # The pool
//!
//! ```text
//! 0            4096          12288         20480
//! | pool header | chunk 0     | chunk 1     | ...          little-endian, 64-byte slots
//!               | chunk header | slot 1 .. slot 127 |      one chunk: 128 slots of 64 bytes
//! ```
//!
//! A chunk is free, describes one process ([`ProcessHeader`]), or holds records of one thread. A thread claims a
//! chunk when its first record comes and another when that one is full, so that a thread that does nothing costs
//! nothing, and no two threads ever write one cache line. In [`Mode::Flight`] a thread that has used
//! [`PoolHeader::ring_chunks`] starts over in its oldest; in [`Mode::Stop`] it counts what it can no longer write.
//!
//! # A record
//!
//! A record is one [`Slot`] and as many continuation slots as its payload needs ([`Slot::slots`] counts all). The
//! last thing written is the first slot's commit word, and [`commit_word`] of the chunk's generation and the
//! slot's index is the only value that makes it valid: what a killed process left half-written, and what an
//! earlier use of the chunk left behind, can both be told from a record. To read a chunk, start at slot 1; at a
//! valid commit word take the record and go on behind its last slot; else step one slot on. (Holes are rare: a
//! signal handler that jumped out of the recorder's own code leaves one.) To read a chunk that is still written
//! to, read the chunk header's generation again after the record: if it changed, the record is gone.
//!
//! The payload ([`record::payload_len`] bytes at most) is, by kind:
//!
//! | kind | payload |
//! | --- | --- |
//! | `Ioctl`, `IoctlEnter`, `IoctlExit` | the argument's `_IOC_SIZE` bytes if [`flags::ARG`], padded to 8, then sections |
//! | all others | sections |
//!
//! A section is an 8-byte [`Section`] and its data, padded to 8; an id of 0, or the record's end, ends them. In
//! an ioctl's record, a section's id is 1 + the index in [`Ioctl::follow`](field@ioctl::Ioctl::follow) of the pointer that it holds the target of;
//! ids from [`section::ARG_BEFORE`] on are named in [`section`].
//!
//! # Order and time
//!
//! [`Slot::enter`] and [`Slot::exit`] are ticks of the session's clock ([`Clock`]); [`ClockPair`]s map them to
//! CLOCK_MONOTONIC. What a call *gives up* (close, destroy, a send) happens at the latest at `enter`, what it
//! *brings* (open, create, receive) at the earliest at `exit`: ordered that way, reuse of a number never merges
//! two objects. A thread's records are in its chunks in order of [`ChunkHeader::sequence`]; an `IoctlEnter` is
//! followed, unless the thread never came back, by the `IoctlExit` of the same call, matched by thread and
//! `enter`.
//!
//! # Compatibility
//!
//! 1.1 added [`PoolHeader::requests`], by which tasks ask a living recorder for company over an exec; a reader ignores them.
//! 1.2 added how processes end: [`ProcessHeader::exiting`] and what follows it, and [`Kind::Exit`]; and the timeout of a
//! poll, [`section::TIMEOUT`].
//! 1.3 added [`PoolHeader::filters`], and a send's and a receive's flags in their `request`.
//!
//! [`VERSION`] is (major, minor). A reader refuses a newer major; a newer minor only adds kinds, flags, sections and
//! table entries, which a reader shows as unknown.
#![no_std]

mod bytes;
pub mod clock;
pub mod fault;
pub mod ioctl;
pub mod kind;
pub mod object;
pub mod plan;
pub mod pool;
pub mod process;
pub mod record;
pub mod section;
pub mod table;

pub use clock::{Clock, ClockPair};
pub use ioctl::{Follow, Ioctl, Request};
pub use kind::Kind;
pub use object::{Driver, FdClass, Object};
pub use pool::{
    CHUNK_SIZE, ChunkHeader, ChunkKind, FormatError, Mode, POOL_HEADER_SIZE, PoolHeader, SLOT_SIZE,
};
pub use process::ProcessHeader;
pub use record::{Slot, commit_word, flags};
pub use section::Section;

/// Version of the trace format: (major, minor).
pub const VERSION: (u16, u16) = (1, 3);

/// First bytes of a pool.
pub const MAGIC: [u8; 8] = *b"FENCELAB";

/// The environment variable by which a process finds its session: the session folder's path.
pub const SESSION_VARIABLE: &str = "FENCELAB_SESSION";

/// Name of the pool within the session folder.
pub const POOL_FILE: &str = "pool";

/// Name of the clock pairs' file within the session folder.
pub const CLOCK_FILE: &str = "clock";
