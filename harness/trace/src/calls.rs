//! All calls of a session in one order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::Session;
use crate::id::{CallId, ThreadId};

/// The calls of a session in the order in which they were made; where that does not tell, in the order of their threads.
/// One step costs the logarithm of the number of threads.
pub struct Calls<'s> {
    session: &'s Session,
    /// Each thread's next call: when it was made, and which it is.
    next: BinaryHeap<Reverse<(u64, ThreadId, u32)>>,
}

impl<'s> Calls<'s> {
    pub(crate) fn new(session: &'s Session) -> Self {
        let first = |thread: &crate::Thread| Some(Reverse((thread.entries.first()?.enter, thread.id, 0)));
        Self { session, next: session.threads().iter().filter_map(first).collect() }
    }
}

impl Iterator for Calls<'_> {
    type Item = CallId;

    fn next(&mut self) -> Option<CallId> {
        let mut top = self.next.peek_mut()?;
        let Reverse((_, thread, index)) = *top;
        match self.session.entry(CallId { thread, index: index + 1 }) {
            Some(entry) => *top = Reverse((entry.enter, thread, index + 1)),
            None => _ = std::collections::binary_heap::PeekMut::pop(top),
        }
        Some(CallId { thread, index })
    }
}
