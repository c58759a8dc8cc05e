//! Whose a thread is, as far as the trace knows what the case itself did not tell.

use fencelab_trace::{ProcessId, Session};

/// The pids from a thread's process up to the first that the recorder saw, for the thread of that tid that made a call
/// last before a moment of CLOCK_MONOTONIC.
pub(crate) fn pids(session: &Session, tid: i32, at_us: u64) -> Vec<i32> {
    let find = || {
        let tid = u32::try_from(tid).ok()?;
        let call = session.last_call_before(tid, at_us.saturating_mul(1000))?;
        session.thread(call.thread)
    };
    find().map_or_else(Vec::new, |thread| lineage(session, thread.pid, thread.process))
}

/// The pids of a case's process and of all that descended from it, as far as they were first seen between two moments of
/// CLOCK_MONOTONIC, in microseconds.
pub fn pids_of_case(session: &Session, pid: i32, between_us: (u64, u64)) -> Vec<u32> {
    let is_of_it = |process: &&fencelab_trace::Process| {
        let seen = session.clock().ns(process.seen) / 1000;
        (between_us.0..=between_us.1).contains(&seen)
            && lineage(session, process.pid, Some(process.id)).contains(&pid)
    };
    let mut pids: Vec<u32> = session.processes().iter().filter(is_of_it).map(|process| process.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// A process and its parents, as they were when they were first seen.
pub(crate) fn lineage(session: &Session, pid: u32, process: Option<ProcessId>) -> Vec<i32> {
    /// Generations that are gone back over.
    const MOST: usize = 64;
    let mut pids = vec![pid.cast_signed()];
    let mut next = process.and_then(|id| session.process(id));
    while let Some(process) = next.filter(|_| pids.len() < MOST) {
        let parent = process.parent;
        pids.push(parent.cast_signed());
        let earlier = |p: &&fencelab_trace::Process| p.pid == parent && p.seen <= process.seen;
        next = session.processes().iter().rev().find(earlier);
    }
    pids
}
