//! What a session is, before its lines.

use std::fmt::Write;

use super::line::{Clock, Length};
use crate::{Loss, Lost, Session};

/// Processes that are listed one by one.
const MOST: usize = 40;

/// Times that are less exact are remarked upon, in nanoseconds.
const EXACT_NS: u64 = 1_000;

/// A session in some lines: its span, its processes and how the recorder came into them, what they cannot show, and what
/// is missing.
pub fn summary(session: &Session) -> String {
    let mut text = String::new();
    let (head, clock) = (session.head(), session.clock());
    let (first, last) = (session.first_ns(), session.last_ns());
    let _ = writeln!(
        text,
        "# {} calls of {} threads in {} processes, CLOCK_MONOTONIC {} to {}",
        session.len(),
        session.threads().len(),
        session.processes().len(),
        Clock(first),
        Clock(last)
    );
    if head.clock.is_none() {
        text.push_str("# the clock is newer than this reader: times are in its ticks\n");
    } else if head.clock == Some(fencelab_abi::Clock::Tsc) && !clock.is_mapped() {
        text.push_str("# the trace has too few looks at the clock: times are in ticks of the processor\n");
    }
    if let Some(error) = session.clock_error_ns().filter(|error| *error > EXACT_NS) {
        let _ = writeln!(
            text,
            "# times are exact to {} only: the recorder looked at the clock too rarely",
            Length(error)
        );
    }
    if head.minor > fencelab_abi::VERSION.1 {
        text.push_str("# the trace is newer than this reader: what it does not know is shown as unknown\n");
    }
    processes(session, &mut text);
    let losses = session.losses();
    if losses.iter().any(|loss| loss.what != Lost::Overwritten) {
        let _ = writeln!(text, "# INCOMPLETE: this is a partial read");
    } else if !losses.is_empty() {
        text.push_str("# newer records took the place of older ones, as is a flight recorder's way:\n");
    }
    for loss in losses.iter().take(MOST) {
        let _ = writeln!(text, "#   {}", loss_line(session, loss));
    }
    if losses.len() > MOST {
        let _ = writeln!(text, "#   and {} more", losses.len() - MOST);
    }
    text
}

fn processes(session: &Session, text: &mut String) {
    for process in session.processes().iter().take(MOST) {
        let _ = write!(text, "#   {}[{}]: {}", process.name(), process.pid, process.exe);
        let _ = write!(text, ", seen through {}", process.entry_name());
        if let Some(parent) = process.forked_from.and_then(|id| session.process(id)) {
            let _ = write!(text, " of {}", parent.pid);
        }
        if let Some(end) = process.ended() {
            let _ = write!(text, ", {end}");
        }
        text.push('\n');
        for spot in process.blind_spots() {
            let _ = writeln!(text, "#     blind: {spot}");
        }
        if process.unrecorded > 0 {
            let _ = writeln!(text, "#     {} calls went by unrecorded", process.unrecorded);
        }
    }
    if session.processes().len() > MOST {
        let _ = writeln!(text, "#   and {} more processes", session.processes().len() - MOST);
    }
}

/// Something missing, with whose it is and where.
pub fn loss_line(session: &Session, loss: &Loss) -> String {
    let mut text = loss.to_string();
    if let Some(thread) = loss.thread.and_then(|id| session.thread(id)) {
        let _ = write!(text, ", of thread {}", thread.tid);
        if thread.pid != thread.tid {
            let _ = write!(text, " in process {}", thread.pid);
        }
    }
    let ns = |ticks: u64| Clock(session.clock().ns(ticks));
    let _ = match loss.between {
        (Some(since), Some(until)) => write!(text, ", between {} and {}", ns(since), ns(until)),
        (Some(since), None) => write!(text, ", after {}", ns(since)),
        (None, Some(until)) => write!(text, ", before {}", ns(until)),
        (None, None) => Ok(()),
    };
    text
}
