//! What the processes share: the fds of buffers and sync files, held by the process that drives them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::op::{Op, SLOTS};

/// Slots of fds.
#[derive(Debug, Default)]
pub(super) struct Pool {
    buffers: [Option<OwnedFd>; SLOTS],
    files: [Option<OwnedFd>; SLOTS],
}

impl Pool {
    /// The fds that a call needs: buffer and sync file. None where a slot that it needs is empty.
    pub(super) fn fds(&self, op: Op) -> Option<[Option<BorrowedFd<'_>>; 2]> {
        Some([borrow(&self.buffers, op.takes_buffer())?, borrow(&self.files, op.takes_file())?])
    }

    /// Keeps what a call made.
    pub(super) fn keep(&mut self, op: Op, fd: OwnedFd) {
        match op {
            Op::Make { slot, .. } => self.buffers[slot] = Some(fd),
            Op::Export { file, .. } | Op::Merge { file } | Op::Syncobj { file, .. } => {
                self.files[file] = Some(fd);
            }
            Op::Flip { device, .. } => self.files[device % SLOTS] = Some(fd),
            _ => {}
        }
    }

    /// Lets go of a buffer.
    pub(super) fn forget(&mut self, slot: usize) {
        self.buffers[slot] = None;
    }
}

/// The fd in a slot; none at all where the slot is empty.
fn borrow(slots: &[Option<OwnedFd>; SLOTS], slot: Option<usize>) -> Option<Option<BorrowedFd<'_>>> {
    match slot {
        None => Some(None),
        Some(slot) => slots[slot].as_ref().map(|fd| Some(fd.as_fd())),
    }
}
