//! What a process's chunk says of it.

use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::bytes::{text_at, u16_at, u32_at, u64_at};
use crate::pool::SLOT_SIZE;

/// How the shim came into a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Entry {
    /// LD_PRELOAD.
    Preload = 1,
    /// LD_AUDIT.
    Audit = 2,
    /// From outside, by tracing, with Syscall User Dispatch.
    Trace = 3,
    /// With the memory of its parent, by fork.
    Fork = 4,
}

/// Bits of [`ProcessHeader::blind`]: what this process's records cannot show, or may lack.
pub mod blind {
    /// A fork without libc's functions cannot be noticed: the kernel has no MADV_WIPEONFORK.
    pub const FORK: u32 = 1;
    /// More link namespaces than the shim has room for: calls from the last ones are unseen.
    pub const NAMESPACES: u32 = 2;
    /// fds above the shim's table were used: their closing is unseen.
    pub const HIGH_FDS: u32 = 4;
    /// A call was made that brings work which no later ioctl shows: user queues with doorbells.
    pub const USER_QUEUES: u32 = 8;
    /// A wait on, or a signal of, a fence in memory.
    pub const MEMORY_FENCES: u32 = 16;
    /// A poll's list of fds could not be read, and so the poll was not recorded. Of ioctls the records say it themselves:
    /// [`crate::flags::UNREAD`].
    pub const UNREAD: u32 = 32;
    /// A seccomp filter was set: an argument outside the known mappings is no longer probed. If it was set before the program
    /// began, neither the executable's path is known, nor the fds that came over the exec.
    pub const SECCOMP: u32 = 64;
    /// Shared-memory children beyond those that the shim has room for made calls.
    pub const BORROWERS: u32 = 128;

    /// Their names, in the order of the bits.
    pub const NAMES: [&str; 8] =
        ["fork", "namespaces", "high-fds", "user-queues", "memory-fences", "unread", "seccomp", "borrowers"];
}

/// Bytes for the path of the executable.
pub const EXE_SIZE: usize = 1024;
/// Bytes for the command line.
pub const CMDLINE_SIZE: usize = 4096;

/// Behind the header of a process's chunk.
#[repr(C, align(64))]
pub struct ProcessHeader {
    /// Process.
    pub pid: u32,
    /// Its parent when it was first seen.
    pub parent: u32,
    /// [`Entry`].
    pub entry: u32,
    /// [`blind`].
    pub blind: AtomicU32,
    /// Chunk of the process it was forked from, or [`crate::pool::NO_CHUNK`].
    pub forked_from: u32,
    /// Effective user.
    pub user: u32,
    /// Ticks when it was first seen.
    pub seen: u64,
    /// Calls that went by unrecorded, before the shim was ready or within its own start.
    pub unrecorded: AtomicU64,
    /// Bytes of `exe`.
    pub exe_len: u16,
    /// Bytes of `cmdline`; arguments end with NUL. Longer ones are cut.
    pub cmdline_len: u16,
    /// Zero.
    pub reserved: u32,
    /// Path of the executable.
    pub exe: [u8; EXE_SIZE],
    /// Command line.
    pub cmdline: [u8; CMDLINE_SIZE],
    /// Ticks when the process was about to end of itself (exit, _exit, exit_group); 0: it has not been. Stored behind
    /// `exit_status` and `exit_tid`. This and all that follows: since format 1.2.
    pub exiting: AtomicU64,
    /// Ticks when the recorder saw that the process was gone; 0: it has not seen that. Stored behind `gone_status`.
    pub gone: AtomicU64,
    /// What it passed to exit, as waitpid gives it: the low byte, shifted by 8.
    pub exit_status: AtomicU32,
    /// The thread that did.
    pub exit_tid: AtomicU32,
    /// How it ended, as waitpid gives it; [`UNKNOWN_STATUS`]: its parent alone was told.
    pub gone_status: AtomicU32,
    /// Inode of the pid namespace that `pid` is of (/proc/self/ns/pid); 0: not known.
    pub pid_namespace: u32,
}

/// In [`ProcessHeader::gone_status`]: no status that waitpid gives.
pub const UNKNOWN_STATUS: u32 = u32::MAX;

/// A process's header, decoded.
#[derive(Clone, Copy, Debug)]
pub struct ProcessInfo<'a> {
    /// Process.
    pub pid: u32,
    /// Its parent when it was first seen.
    pub parent: u32,
    /// How the shim came in; `None`: a way newer than this version.
    pub entry: Option<Entry>,
    /// [`blind`].
    pub blind: u32,
    /// Chunk of the process it was forked from.
    pub forked_from: u32,
    /// Effective user.
    pub user: u32,
    /// Ticks when it was first seen.
    pub seen: u64,
    /// Calls that went by unrecorded.
    pub unrecorded: u64,
    /// Path of the executable.
    pub exe: &'a [u8],
    /// Command line, arguments ended by NUL.
    pub cmdline: &'a [u8],
    /// That it was about to end of itself: ticks, status as waitpid gives it, thread.
    pub exiting: Option<(u64, u32, u32)>,
    /// That it was gone: ticks, status as waitpid gives it if that is known.
    pub gone: Option<(u64, Option<u32>)>,
    /// Inode of its pid namespace; 0: not known.
    pub pid_namespace: u32,
}

/// Offset of the process header within its chunk.
pub const PROCESS_OFFSET: usize = SLOT_SIZE;

impl<'a> ProcessInfo<'a> {
    /// Decodes a process's chunk.
    pub fn decode(chunk: &'a [u8]) -> Option<Self> {
        use core::mem::offset_of as at;
        let head = chunk.get(PROCESS_OFFSET..)?;
        let entry = match u32_at(head, at!(ProcessHeader, entry))? {
            1 => Some(Entry::Preload),
            2 => Some(Entry::Audit),
            3 => Some(Entry::Trace),
            4 => Some(Entry::Fork),
            _ => None,
        };
        let cmdline_len = usize::from(u16_at(head, at!(ProcessHeader, cmdline_len))?).min(CMDLINE_SIZE);
        let cmdline_at = at!(ProcessHeader, cmdline);
        Some(Self {
            pid: u32_at(head, at!(ProcessHeader, pid))?,
            parent: u32_at(head, at!(ProcessHeader, parent))?,
            entry,
            blind: u32_at(head, at!(ProcessHeader, blind))?,
            forked_from: u32_at(head, at!(ProcessHeader, forked_from))?,
            user: u32_at(head, at!(ProcessHeader, user))?,
            seen: u64_at(head, at!(ProcessHeader, seen))?,
            unrecorded: u64_at(head, at!(ProcessHeader, unrecorded))?,
            exe: text_at(head, at!(ProcessHeader, exe), EXE_SIZE)?,
            cmdline: head.get(cmdline_at..cmdline_at + cmdline_len)?,
            exiting: exiting(head),
            gone: gone(head),
            pid_namespace: u32_at(head, at!(ProcessHeader, pid_namespace)).unwrap_or(0),
        })
    }
}

/// A chunk of an older version may be too short for it.
fn exiting(head: &[u8]) -> Option<(u64, u32, u32)> {
    use core::mem::offset_of as at;
    let ticks = u64_at(head, at!(ProcessHeader, exiting)).filter(|ticks| *ticks != 0)?;
    let word = |at| u32_at(head, at);
    Some((ticks, word(at!(ProcessHeader, exit_status))?, word(at!(ProcessHeader, exit_tid))?))
}

fn gone(head: &[u8]) -> Option<(u64, Option<u32>)> {
    use core::mem::offset_of as at;
    let ticks = u64_at(head, at!(ProcessHeader, gone)).filter(|ticks| *ticks != 0)?;
    let status = u32_at(head, at!(ProcessHeader, gone_status))?;
    Some((ticks, (status != UNKNOWN_STATUS).then_some(status)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::CHUNK_SIZE;

    #[test]
    fn a_process_fits_a_chunk() {
        assert!(PROCESS_OFFSET + size_of::<ProcessHeader>() <= CHUNK_SIZE);
    }
}
