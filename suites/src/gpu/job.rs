//! A job: what it does, what it waits for, what it signals.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::buffer::Buffer;
use super::driver::{Point, Use, Work};
use super::packets::Action;
use super::queue::Queue;
use crate::case::Stop;
use crate::must::Must;
use crate::syncobj::Syncobj;
use crate::uapi::sync_file::SyncFile;

/// A job in the making.
#[derive(Debug)]
pub struct Job<'a> {
    queue: &'a Queue,
    actions: Vec<Action>,
    uses: Vec<Use>,
    after: Option<OwnedFd>,
    waits: Vec<Point>,
    signals: Vec<Point>,
}

impl<'a> Job<'a> {
    pub(super) fn new(queue: &'a Queue) -> Self {
        Job { queue, actions: vec![], uses: vec![], after: None, waits: vec![], signals: vec![] }
    }

    /// Writes the word over the whole buffer.
    #[must_use]
    pub fn fill(mut self, buffer: &Buffer, word: u64) -> Self {
        self.actions.push(Action::Fill { to: buffer.address(), len: buffer.size() as u64, word });
        self.using(buffer, true)
    }

    /// Copies a buffer over another of the same size.
    #[must_use]
    pub fn copy(mut self, from: &Buffer, to: &Buffer) -> Self {
        let len = from.size().min(to.size()) as u64;
        self.actions.push(Action::Copy { to: to.address(), from: from.address(), len });
        self.using(from, false).using(to, true)
    }

    /// Writes the checksum of a buffer ([`crate::buffer::Map::checksum`]) into the first word of another.
    #[must_use]
    pub fn checksum(mut self, of: &Buffer, to: &Buffer) -> Self {
        let len = of.size() as u64;
        self.actions.push(Action::Checksum { to: to.address(), from: of.address(), len });
        self.using(of, false).using(to, true)
    }

    /// Takes that long.
    #[must_use]
    pub fn delay(mut self, time: Duration) -> Self {
        self.actions.push(Action::Delay(time));
        self
    }

    /// Hangs until the GPU is reset.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.actions.push(Action::Hang);
        self
    }

    /// Names a buffer that the job uses, without doing anything to it.
    #[must_use]
    pub fn using(mut self, buffer: &Buffer, writes: bool) -> Self {
        let used = buffer.used(writes);
        match self.uses.iter_mut().find(|known| known.handle == used.handle) {
            Some(known) => known.writes |= writes,
            None => self.uses.push(used),
        }
        self
    }

    /// Waits for a sync file, and for those named before.
    ///
    /// # Errors
    /// Fails where the fds cannot be duplicated or merged.
    pub fn after(mut self, fence: impl AsFd) -> Result<Self, Stop> {
        let fence = fence.as_fd().try_clone_to_owned().must("duplicate a sync file")?;
        self.after = Some(match self.after.take() {
            None => fence,
            Some(earlier) => {
                let both = SyncFile::new(earlier).merge(&SyncFile::new(fence), "job");
                both.must("merge two sync files")?.into()
            }
        });
        Ok(self)
    }

    /// Waits for a sync object's point; 0 is its binary fence.
    #[must_use]
    pub fn wait(mut self, object: &Syncobj, point: u64) -> Self {
        self.waits.push(Point { handle: object.raw(), point });
        self
    }

    /// Puts its fence at a sync object's point; 0 is its binary fence.
    #[must_use]
    pub fn signal(mut self, object: &Syncobj, point: u64) -> Self {
        self.signals.push(Point { handle: object.raw(), point });
        self
    }

    /// Submits it: its fence.
    ///
    /// # Errors
    /// Skips what this GPU cannot do, fails where the driver refuses.
    pub fn submit(self) -> Result<SyncFile, Stop> {
        let what = format!("submit a job to {}", self.queue.gpu().name());
        self.try_submit()?.must(&what)
    }

    /// Submits it, where the driver's answer is the question.
    ///
    /// # Errors
    /// Skips what this GPU cannot do, fails where no command buffer can be made.
    pub fn try_submit(self) -> Result<nix::Result<SyncFile>, Stop> {
        let gpu = self.queue.gpu();
        let words = gpu.dialect.encode(&self.actions)?;
        self.queue.with_batch(&words, |batch| {
            gpu.driver.submit(&Work {
                context: self.queue.context(),
                batch,
                length: words.len() as u32 * 4,
                uses: &self.uses,
                after: self.after.as_ref().map(AsFd::as_fd),
                waits: &self.waits,
                signals: &self.signals,
            })
        })
    }
}
