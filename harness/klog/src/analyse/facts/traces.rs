//! Backtraces that have a name, and lists of held locks.

use super::super::rows::Row;
use crate::frame::Frame;
use crate::lock::Lock;
use crate::report::{HeldLocks, Report, Task, Trace};
use crate::shape::Shape;

/// Backtraces that have a name: "Allocated by task 7:", "Freed by task 7:".
pub(super) fn named_traces(report: &mut Report, rows: &[Row]) {
    let mut name: Option<String> = None;
    for row in rows {
        let text = row.text.trim();
        match row.shape {
            Shape::Frame => {
                let frame = Frame::parse_line(text);
                if let (Some(trace), Some(frame), true) =
                    (report.details.traces.last_mut(), frame, name.is_some())
                {
                    trace.frames.push(frame);
                }
            }
            _ if is_trace_name(text) => {
                name = Some(text.to_owned());
                let name = text.trim_end_matches(':').to_owned();
                report.details.traces.push(Trace { name, frames: Vec::new() });
            }
            // Others may print between two frames.
            Shape::Blank | Shape::Other => {}
            _ => name = None,
        }
    }
    report.details.traces.retain(|trace| !trace.frames.is_empty());
}

/// Does the line name a backtrace of another time or task?
pub(in crate::analyse) fn is_trace_name(text: &str) -> bool {
    let starts = [
        "Allocated by task",
        "Freed by task",
        "Last potentially related",
        "read to 0x",
        "write to 0x",
        "backtrace",
    ];
    starts.iter().any(|start| text.starts_with(start)) && text.ends_with(':')
}

/// "Showing all locks held in the system", and the lists that a hung task or a sleeping function prints.
pub(super) fn held_locks(report: &mut Report, rows: &[Row]) {
    for row in rows {
        let text = row.text.trim();
        if let Shape::HeldCount(count) = row.shape {
            let task = text.split_once(" held by ").map_or("", |(_, task)| task).trim_end_matches([':', '.']);
            let task = Task::parse(task).unwrap_or_default();
            report.details.held.push(HeldLocks { task, count, locks: Vec::new() });
            continue;
        }
        let lock = Lock::parse(text).filter(|_| row.shape == Shape::Lock && text.starts_with('#'));
        if let (Some(held), Some(lock)) = (report.details.held.last_mut(), lock) {
            held.list(lock, text);
        }
    }
    let own = report.details.held.iter().find(|held| Some(&held.task) == report.task.as_ref());
    report.held =
        own.map(|held| held.locks.iter().map(|lock| lock.class.clone()).collect()).unwrap_or_default();
}
