//! What the threads of some processes did between two moments, for a picture that can be zoomed.

use std::io;

use fencelab_abi::Kind;
use fencelab_trace::model::{Model, Moment};
use fencelab_trace::{CallId, Session};
use serde::Serialize;

use crate::finding::Finding;

/// A call, drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// CLOCK_MONOTONIC when it was made, in nanoseconds.
    pub from_ns: u64,
    /// The same when it returned; `None`: it has not.
    pub to_ns: Option<u64>,
    /// Its name.
    pub name: String,
    /// The whole call.
    pub text: String,
    /// Whether a witness rests on it.
    pub marked: bool,
}

/// A thread's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The thread.
    pub name: String,
    /// Its calls, in order.
    pub slices: Vec<Slice>,
}

/// Rows of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// One for each thread.
    pub rows: Vec<Row>,
    /// CLOCK_MONOTONIC of both ends, in nanoseconds.
    pub between_ns: (u64, u64),
    /// Calls that are not in it, as there are too many.
    pub left_out: u64,
}

/// The timeline around a finding: from a second before its first wait to a second after its end.
///
/// # Errors
///
/// When the trace can no longer be read.
pub fn timeline(session: &Session, finding: &Finding) -> io::Result<Timeline> {
    /// Slices of a page, which should stay below a few MiB.
    const MOST: u64 = 4000;
    const AROUND: u64 = 1_000_000_000;
    let first = finding.calls.iter().map(|call| call.entered_ns).chain([finding.since_ns]).min().unwrap_or(0);
    let last = finding.ended.as_ref().map_or(finding.seen_ns, |ended| ended.at_ns);
    let between_ns = (first.saturating_sub(AROUND), last.saturating_add(AROUND));
    let mut pids: Vec<u32> = finding.calls.iter().map(|call| call.pid).collect();
    pids.sort_unstable();
    let marked = |id: CallId| finding.calls.iter().any(|call| call.id == (id.thread.0, id.index));
    let mut rows: Vec<(u32, Row)> = Vec::new();
    let (mut count, mut left_out) = (0, 0);
    let mut model = Model::new(session);
    while let Some(event) = model.next(session)? {
        let id = event.call.id;
        let pid = session.thread(id.thread).map_or(0, |thread| thread.pid);
        let returned = event.moment == Moment::End;
        let (from_ns, now) = (event.entered_ns(), session.clock().ns(event.ticks));
        if pids.binary_search(&pid).is_err() || !(returned || event.call.exit.is_none()) {
            continue;
        }
        if now < between_ns.0 || from_ns > between_ns.1 {
            continue;
        }
        if count >= MOST && !marked(id) {
            left_out += 1;
            continue;
        }
        count += 1;
        let name = event.ioctl.map_or_else(|| event.call.kind.map_or("?", kind_name), |ioctl| ioctl.name);
        let name = name.trim_start_matches("DRM_IOCTL_").to_owned();
        let text = event.text();
        let slice = Slice { from_ns, to_ns: returned.then_some(now), name, text, marked: marked(id) };
        match rows.iter_mut().find(|(thread, _)| *thread == id.thread.0) {
            Some((_, row)) => row.slices.push(slice),
            None => rows.push((id.thread.0, Row { name: thread_name(session, id), slices: vec![slice] })),
        }
    }
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Timeline { rows, between_ns, left_out })
}

/// A call's name, which is that of its beginning.
fn kind_name(kind: Kind) -> &'static str {
    if kind == Kind::PollEnter { "poll" } else { kind.name() }
}

fn thread_name(session: &Session, id: CallId) -> String {
    let Some(thread) = session.thread(id.thread) else { return "?".into() };
    let process = thread.process.and_then(|process| session.process(process));
    let name = process.map_or("", |process| process.name());
    if thread.pid == thread.tid {
        format!("{name}[{}]", thread.tid)
    } else {
        format!("{name}[{}/{}]", thread.pid, thread.tid)
    }
}
