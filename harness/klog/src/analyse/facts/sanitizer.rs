//! KASAN, KCSAN, UBSAN and kmemleak.

use super::is_place;
use crate::report::{Report, Task};

/// `BUG: KASAN: slab-use-after-free in foo+0x1/0x2`, `Read of size 8 at addr ffff888 by task cat/3`.
pub(super) fn sanitizer(report: &mut Report, text: &str) {
    let banner =
        ["BUG: KASAN: ", "BUG: KASan: ", "BUG: KCSAN: "].iter().find_map(|start| text.split_once(start));
    if let Some((_, rest)) = banner {
        // Before 4.8 the address stood here.
        let (what, address) =
            rest.split_once(" at addr ").map_or((rest, None), |(what, at)| (what, Some(at)));
        report.details.message = Some(what.to_owned());
        report.details.address = address.map(str::to_owned);
    }
    let access = ["Read of size", "Write of size", "read to ", "write to ", "read-write to ", "Free of addr"];
    if report.details.access.is_none() && access.iter().any(|start| text.starts_with(start)) {
        report.details.access = Some(text.trim_end_matches(':').to_owned());
        if report.details.address.is_some() {
        } else if let Some((_, rest)) = text.split_once("addr ").or_else(|| text.split_once(" to ")) {
            report.details.address = rest.split(' ').next().map(str::to_owned);
        }
        let task = text.split_once(" by task ").map(|(_, task)| task.trim_end_matches(':'));
        report.task = task.and_then(Task::parse);
    }
}

/// `UBSAN: array-index-out-of-bounds in drivers/foo.c:12:3` and the sentence below it.
pub(super) fn ubsan(report: &mut Report, text: &str) {
    if let Some(rest) = text.strip_prefix("UBSAN: ") {
        let (what, place) = rest.split_once(" in ").unwrap_or((rest, ""));
        report.place = Some(place.to_owned()).filter(|place| is_place(place));
        report.details.message = Some(what.to_owned());
    } else if report.details.access.is_none() && report.details.message.is_some() && report.frames.is_empty()
    {
        let known = [
            "index ",
            "shift exponent",
            "load of",
            "division by",
            "member access",
            "left shift",
            "signed integer",
            "negation",
        ];
        if known.iter().any(|start| text.starts_with(start)) {
            report.details.access = Some(text.to_owned());
        }
    }
}

/// `unreferenced object 0xffff888012345678 (size 64):` and `comm "cat", pid 812, jiffies 4294937318 (age 31.080s)`.
pub(super) fn leak(report: &mut Report, text: &str) {
    if let Some(rest) = text.strip_prefix("unreferenced object ") {
        report.details.message = Some("memory leak".to_owned());
        report.details.address = rest.split(' ').next().map(str::to_owned);
    } else if let Some((comm, rest)) =
        text.strip_prefix("comm \"").and_then(|rest| rest.split_once("\", pid "))
    {
        let pid = rest.split([',', ' ']).next().and_then(|pid| pid.parse().ok());
        report.task = pid.map(|pid| Task { comm: comm.to_owned(), pid });
    }
}
