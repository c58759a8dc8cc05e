//! The fd table of a process.

use fencelab_abi::FdClass;
use rustc_hash::{FxHashMap, FxHashSet};

use super::object::ObjectId;

/// What an fd leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) object: ObjectId,
    /// What the object's fd is known to be, with a DRM file's driver.
    pub(super) class: FdClass,
    /// Whether an exec closes it, as far as is known.
    pub(super) cloexec: bool,
}

pub(super) type Table = FxHashMap<i32, Entry>;

/// A process's fds.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    pub(super) fds: Table,
    /// fds that a new program should have from what it was before, and of which it has not yet said so.
    pub(super) unconfirmed: FxHashSet<i32>,
    /// fds that were given to what is not followed: whatever the recorder still takes them for, they are not that.
    pub(super) unfollowed: FxHashSet<i32>,
    /// What the program was made from: its parent, or what it was before an exec.
    pub(super) before: Table,
    /// Whether that was an exec: it renumbers nothing.
    pub(super) replaces: bool,
    /// What it had when it ended: a child may be seen for the first time after that.
    pub(super) left: Table,
    /// Whose it is, by program and pid: children may share it.
    pub(super) users: Vec<(u32, u32)>,
}

/// Its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SpaceId(pub(super) u32);
