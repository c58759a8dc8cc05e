//! A session for ui.perfetto.dev: a track for each thread, one for each sync object, timeline and sync_file with the life of
//! its fences, and arrows from what signals to what waits.
//!
//! The format is JSON Trace Events, which ui.perfetto.dev and chrome://tracing read alike: it needs no generated code, can
//! be searched with grep, and has all that is used here, slices, tracks and flows.

mod events;
mod fences;
mod lanes;

use std::io::{self, Write};

use serde_json::json;

use crate::Session;
use crate::model::{Model, Moment};
use crate::view::kind_name;
use events::{Events, Place};
use fences::Fences;

/// Writes a session's trace.
///
/// # Errors
///
/// When the pool can no longer be read, or `out` not be written.
pub fn write(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    let mut events = Events::begin(out)?;
    names(session, &mut events)?;
    let mut fences = Fences::default();
    let mut model = Model::new(session);
    while let Some(event) = model.next(session)? {
        let ns = session.clock().ns(event.ticks);
        let pid = session.thread(event.call.id.thread).map_or(0, |thread| thread.pid);
        let ended = event.ended().and_then(|id| session.process(id));
        let place = Place { pid: ended.map_or(pid, |process| process.pid), tid: event.call.tid };
        if let Some(end) = ended.and_then(|process| process.ended()) {
            events.instant(place, &end.to_string(), ns)?;
        }
        if event.moment == Moment::Begin {
            let over = || session.over_ns(event.call.id.thread);
            let end = event.call.exit.map_or_else(over, |exit| session.clock().ns(exit));
            let name = event.ioctl.map_or_else(
                || event.call.kind.map_or("unknown", kind_name),
                |ioctl| ioctl.name.strip_prefix("DRM_IOCTL_").unwrap_or(ioctl.name),
            );
            let unfinished = if event.call.exit.is_none() { " (unfinished)" } else { "" };
            let arguments = json!({ "call": event.text() });
            events.slice(place, &format!("{name}{unfinished}"), ns, end.saturating_sub(ns), arguments)?;
        }
        fences.step(&event, ns, place, &mut events)?;
    }
    fences.finish(session.last_ns(), &mut events)?;
    events.end()
}

/// The names of processes and threads.
fn names(session: &Session, events: &mut Events<'_>) -> io::Result<()> {
    for process in session.processes() {
        events.process(process.pid, process.name())?;
    }
    for thread in session.threads() {
        events.thread(Place { pid: thread.pid, tid: thread.tid }, &format!("thread {}", thread.tid), None)?;
    }
    Ok(())
}
