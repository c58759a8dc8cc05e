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
    out_fences: Vec<Setting>,
    fences: Vec<OwnedFd>,
}

/// What came of a commit that the kernel took.
#[derive(Debug)]
pub struct Done {
    /// The out-fences that were asked for and given, in the order of the asking.
    pub out_fences: Vec<SyncFile>,
    words: Vec<i32>,
}

/// What came of a commit that the kernel refused.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub errno: Errno,
    words: Vec<i32>,
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
            out_fences: Vec::new(),
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
        self.out_fences.push(Setting { object, property, value: 0 });
        self
    }

    /// One commit of both: what the other one sets is set after this one's. The event's `user_data` is the first that is not 0.
    #[must_use]
    pub fn and(mut self, other: Commit) -> Self {
        self.settings.extend(other.settings);
        self.out_fences.extend(other.out_fences);
        self.fences.extend(other.fences);
        self.flags |= other.flags;
        if self.user_data == 0 {
            self.user_data = other.user_data;
        }
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
    /// The errno, and what became of the out-fences' words.
    pub fn send(self) -> Result<Done, Refused> {
        let mut words = vec![POISON; self.out_fences.len()];
        // In front of the others: the kernel writes its -1 when it reads the property, so one that fails
        // before that would leave the word alone.
        let out_fences = self.out_fences.iter().zip(&mut words);
        let out_fences = out_fences.map(|(s, word)| Setting { value: &raw mut *word as u64, ..*s });
        let settings: Vec<Setting> = out_fences.chain(self.settings.iter().copied()).collect();
        // SAFETY: the pointers among the values are those of `words`, which outlive the call and do not move. A
        // case that sets OUT_FENCE_PTR by hand passes an address where nothing is mapped.
        let sent = unsafe { mode::atomic(self.card.as_ref(), self.flags, &settings, self.user_data) };
        match sent {
            Err(errno) => Err(Refused { errno, words }),
            Ok(()) => {
                let given = words.iter().filter(|&&word| word >= 0);
                // SAFETY: a number that is not negative is a new fd of ours.
                let out_fences =
                    given.map(|&fd| SyncFile::new(unsafe { OwnedFd::from_raw_fd(fd) })).collect();
                Ok(Done { out_fences, words })
            }
        }
    }
}

impl Done {
    /// The word that the first out-fence's fd was to be written to; [`POISON`] where the kernel wrote nothing.
    pub fn out_word(&self) -> i32 {
        self.words.first().copied().unwrap_or(POISON)
    }

    /// The same of each out-fence, in the order of the asking.
    pub fn out_words(&self) -> &[i32] {
        &self.words
    }

    /// The first out-fence.
    ///
    /// # Errors
    /// Fails where there is none.
    pub fn out_fence(self) -> Result<SyncFile, Stop> {
        let word = self.out_word();
        let first = self.out_fences.into_iter().next();
        first.ok_or_else(|| Stop::fail(format!("the commit gave no out-fence, its word holds {word}")))
    }
}

impl Refused {
    /// As [`Done::out_word`].
    pub fn out_word(&self) -> i32 {
        self.words.first().copied().unwrap_or(POISON)
    }

    /// As [`Done::out_words`].
    pub fn out_words(&self) -> &[i32] {
        &self.words
    }
}
