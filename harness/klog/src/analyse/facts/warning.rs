//! WARN, BUG and what checks print with them.

use super::super::rows::Row;
use super::fault::cfi_failure;
use super::{is_place, leading_number};
use crate::frame::Frame;
use crate::report::{Report, Trace};

/// `WARNING: CPU: 0 PID: 10 at kernel/locking/mutex.c:582 __mutex_lock+0x468/0x77c`, `kernel BUG at lib/list_debug.c:62!`,
/// and the newer `WARNING: kernel/foo.c:12 at foo+0x1/0x2, CPU#0: comm/10`.
pub(super) fn warning(report: &mut Report, text: &str) {
    if let Some((_, rest)) = text.split_once("ernel BUG at ") {
        report.place = Some(rest.trim_end_matches('!').trim().to_owned());
    } else if let Some(rest) = text.strip_prefix("WARNING: ") {
        warning_line(report, rest);
    } else if let Some(rest) = text.strip_prefix("BUG: ") {
        report.details.message.get_or_insert_with(|| rest.to_owned());
    } else if let Some(rest) = text.strip_prefix("[ BUG: ").and_then(|rest| rest.strip_suffix(" ]")) {
        report.details.message.get_or_insert_with(|| rest.to_owned());
    } else if let Some((cache, what)) = text.strip_prefix("BUG ").and_then(|rest| rest.split_once("): ")) {
        // `BUG kmalloc-64 (Not tainted): Redzone overwritten` (mm/slub.c)
        let cache = cache.split(" (").next().unwrap_or(cache);
        report.details.message.get_or_insert_with(|| format!("{cache}: {what}"));
    }
}

fn warning_line(report: &mut Report, rest: &str) {
    // The condition stands in front since 6.19.
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((condition, rest)) => {
            report.details.message.get_or_insert_with(|| condition.to_owned());
            rest
        }
        None => rest,
    };
    let (before, after) = match rest.strip_prefix("at ") {
        Some(after) => ("", after),
        None => match rest.split_once(" at ") {
            Some(parts) => parts,
            None => {
                report.details.message.get_or_insert_with(|| rest.to_owned());
                return;
            }
        },
    };
    let (place, symbol) =
        if is_place(before) { (before, after) } else { after.split_once(' ').unwrap_or((after, "")) };
    if is_place(place) {
        report.place = Some(place.to_owned());
    } else if before.starts_with("CPU: ") || before.is_empty() {
        // Without CONFIG_DEBUG_BUGVERBOSE there is no file.
        report.frames.extend(Frame::parse_at(after).filter(|_| report.frames.is_empty()));
    } else {
        report.details.message.get_or_insert_with(|| rest.to_owned());
        return;
    }
    if let Some((_, cpu)) = before.split_once("CPU: ").or_else(|| after.split_once("CPU#")) {
        report.cpu = leading_number(cpu);
    }
    // A mailer may have broken the line behind the comma.
    let symbol = symbol.split(", CPU#").next().unwrap_or(symbol).trim_end_matches(',');
    if let Some(frame) = Frame::parse_at(symbol) {
        report.details.traces.push(Trace { name: "at".to_owned(), frames: vec![frame] });
    }
}

/// The text that a WARN was given, on whichever side of the line "WARNING:" it stands.
pub(super) fn message(rows: &[Row]) -> Option<String> {
    // `WARNING: at file:line function()`: before 3.11 the hardware stood above the text.
    let old = rows.iter().take(3).any(|row| row.text.contains("WARNING: at "));
    rows.iter()
        .take(8)
        .map(|row| row.text.trim())
        .filter(|text| !(old && text.starts_with("Hardware name")))
        .take_while(|text| !is_header(text))
        // A frame among them is of another report.
        .filter(|text| Frame::parse_line(text).is_none())
        .find(|text| !text.is_empty() && !text.contains("[ cut here ]") && !text.starts_with("WARNING: "))
        .map(|text| cfi_failure(text).unwrap_or_else(|| text.to_owned()))
}

fn is_header(text: &str) -> bool {
    [
        "Modules linked in",
        "CPU: ",
        "Pid: ",
        "Hardware name",
        "RIP: ",
        "pc :",
        "pstate",
        "Workqueue",
        "Tainted",
        "Call ",
        "kernel BUG at",
        "---[ end",
        "Kernel panic",
        "audit: ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}
