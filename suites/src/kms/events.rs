//! The events that a card's fd delivers.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;

use crate::case::{Stop, Tested};
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::mode::{self, Event};

/// How long an event that must come may take on a loaded, emulated machine.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a case looks for an event that must not come.
const GLANCE: Duration = Duration::from_millis(60);

/// Reads events of a card one by one.
#[derive(Debug)]
pub struct Events {
    card: Arc<DrmFile>,
    queue: VecDeque<Event>,
}

impl Events {
    /// The events of this file.
    pub fn of(card: &Arc<DrmFile>) -> Self {
        Events { card: Arc::clone(card), queue: VecDeque::new() }
    }

    /// The next event within `timeout`.
    ///
    /// # Errors
    /// Fails where the fd does, and for bytes that are no vblank or flip event.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Event>, Stop> {
        if self.queue.is_empty() && self.readable(timeout)? {
            self.fill()?;
        }
        Ok(self.queue.pop_front())
    }

    /// Waits for the flip event with this `user_data`, which must be the next event.
    ///
    /// # Errors
    /// Fails where none comes, or another one.
    pub fn flip(&mut self, user_data: u64) -> Result<Event, Stop> {
        let event = self.next_flip()?;
        crate::check_eq!(event.user_data, user_data, "the event's user_data");
        Ok(event)
    }

    /// Waits for the next event, which must be a flip's.
    ///
    /// # Errors
    /// Fails where none comes, or another kind.
    pub fn next_flip(&mut self) -> Result<Event, Stop> {
        let event = self.next(PATIENCE)?.ok_or_else(|| Stop::fail("no flip event came"))?;
        crate::check_eq!(event.kind, mode::EVENT_FLIP_COMPLETE, "the event's type");
        Ok(event)
    }

    /// Checks that no event is there and none comes soon.
    ///
    /// # Errors
    /// Fails where one does.
    pub fn none(&mut self) -> Tested {
        let event = self.next(GLANCE)?;
        crate::check!(event.is_none(), "an event that nobody should have sent: {event:?}");
        Ok(())
    }

    fn readable(&self, timeout: Duration) -> Result<bool, Stop> {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.card.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, timeout).must("poll the card")?;
        Ok(fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLIN)))
    }

    fn fill(&mut self) -> Tested {
        let mut bytes = [0; 1024];
        let len = read(self.card.as_fd(), &mut bytes).must("read the card's events")?;
        let mut rest = &bytes[..len];
        while !rest.is_empty() {
            let (event, length) = Event::parse(rest)
                .ok_or_else(|| Stop::fail(format!("{} bytes that are no vblank event", rest.len())))?;
            self.queue.push_back(event);
            rest = &rest[length..];
        }
        Ok(())
    }
}
