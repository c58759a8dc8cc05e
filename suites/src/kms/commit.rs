//! Atomic commits: built step by step, sent once, with every output that the kernel gives.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;

use crate::case::Stop;
use crate::must::{HasErrno, Must};
use crate::open::DrmFile;
use crate::uapi::mode::{self, Setting};
use crate::uapi::sync_file::SyncFile;

/// What the out-fence word holds before a commit: neither an fd nor the kernel's -1.
pub const POISON: i32 = -77;

/// A commit to be sent. It owns copies of its fences' descriptors, so that it can be sent from any thread.
#[derive(Debug)]
pub struct Commit {
    card: Arc<DrmFile>,
    settings: Vec<Setting>,
    flags: u32,
    user_data: u64,
    out_fence: Option<Setting>,
    fences: Vec<OwnedFd>,
}

/// What came of a commit that the kernel took.
#[derive(Debug)]
pub struct Done {
    /// The out-fence, where one was asked for and given.
    pub out_fence: Option<SyncFile>,
    /// The word that the out-fence's fd was to be written to; [`POISON`] where the kernel wrote nothing.
    pub out_word: i32,
}

/// What came of a commit that the kernel refused.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub errno: Errno,
    /// The word that the out-fence's fd was to be written to; [`POISON`] where the kernel wrote nothing.
    pub out_word: i32,
}

impl HasErrno for Refused {
    fn errno(&self) -> Errno {
        self.errno
    }
}

impl Commit {
    pub(super) fn new(card: &Arc<DrmFile>, flags: u32) -> Self {
        Commit {
            card: Arc::clone(card),
            settings: Vec::new(),
            flags,
            user_data: 0,
            out_fence: None,
            fences: Vec::new(),
        }
    }

    /// Sets one property, after those that were set before.
    #[must_use]
    pub fn set(mut self, object: u32, property: u32, value: u64) -> Self {
        self.settings.push(Setting { object, property, value });
        self
    }

    pub(super) fn set_fence(mut self, object: u32, property: u32, fence: impl AsFd) -> Result<Self, Stop> {
        let fence = fence.as_fd().try_clone_to_owned().must("duplicate a fence's fd")?;
        self = self.set(object, property, fence.as_raw_fd() as u64);
        self.fences.push(fence);
        Ok(self)
    }

    pub(super) fn want_out_fence(mut self, object: u32, property: u32) -> Self {
        self.out_fence = Some(Setting { object, property, value: 0 });
        self
    }

    /// Returns once the commit is queued.
    #[must_use]
    pub fn nonblock(self) -> Self {
        self.flag(mode::NONBLOCK)
    }

    /// Checks and changes nothing.
    #[must_use]
    pub fn test_only(self) -> Self {
        self.flag(mode::TEST_ONLY)
    }

    /// Sends an event with this `user_data` when the new state is on screen.
    #[must_use]
    pub fn event(mut self, user_data: u64) -> Self {
        self.user_data = user_data;
        self.flag(mode::PAGE_FLIP_EVENT)
    }

    /// Adds any flag.
    #[must_use]
    pub fn flag(mut self, flag: u32) -> Self {
        self.flags |= flag;
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// The errno, and what became of the out-fence word.
    pub fn send(self) -> Result<Done, Refused> {
        let mut out_word = POISON;
        // In front of the others: the kernel writes its -1 when it reads the property, so one that fails
        // before that would leave the word alone.
        let out_fence = self.out_fence.map(|s| Setting { value: &raw mut out_word as u64, ..s });
        let settings: Vec<Setting> = out_fence.into_iter().chain(self.settings).collect();
        // SAFETY: the one pointer among the values is that of `out_word`, which outlives the call. A case
        // that sets OUT_FENCE_PTR by hand passes an address where nothing is mapped.
        let sent = unsafe { mode::atomic(self.card.as_ref(), self.flags, &settings, self.user_data) };
        match sent {
            Err(errno) => Err(Refused { errno, out_word }),
            Ok(()) => {
                // SAFETY: a number that is not negative is a new fd of ours.
                let out_fence = (out_word >= 0).then(|| unsafe { OwnedFd::from_raw_fd(out_word) });
                Ok(Done { out_fence: out_fence.map(SyncFile::new), out_word })
            }
        }
    }
}

impl Done {
    /// The out-fence.
    ///
    /// # Errors
    /// Fails where there is none.
    pub fn out_fence(self) -> Result<SyncFile, Stop> {
        let word = self.out_word;
        self.out_fence
            .ok_or_else(|| Stop::fail(format!("the commit gave no out-fence, its word holds {word}")))
    }
}
