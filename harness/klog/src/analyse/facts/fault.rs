//! Exceptions: what failed, and where to.

use super::super::first_line::first_line;
use super::super::rows::Row;
use crate::kind::Kind;
use crate::report::Report;

/// `BUG: unable to handle page fault for address: ffff`, `general protection fault, ...: 0000 [#1]`.
pub(super) fn fault(report: &mut Report, rows: &[Row]) {
    if let Some(row) = first_line(Kind::Oops, rows) {
        let text = row.text.trim();
        // Older KASAN prints its remark without a line end.
        let text = text.find("general protection fault").map_or(text, |at| &text[at..]);
        report.details.message = Some(what_died(text).to_owned());
        let address = text.split_once("address").map(|(_, rest)| rest.trim_start_matches([':', ' ']));
        report.details.address = address
            .and_then(|rest| rest.split([' ', ':']).next())
            .filter(|a| !a.is_empty())
            .map(str::to_owned);
    }
    let mut own = rows.iter().filter(|row| !row.foreign);
    let access = own.find_map(|row| row.text.trim().strip_prefix("#PF: "));
    report.details.access = access.map(str::to_owned);
}

/// What `die()` names in front of the error code, the count of oopses and the kernel's flavour:
/// `Oops: divide error: 0000 [#1] PREEMPT SMP`.
fn what_died(text: &str) -> &str {
    let text = text.trim_start_matches("BUG: ");
    let Some((before, _)) = text.split_once(" [#") else { return text };
    let what = before.strip_prefix("Oops: ").unwrap_or(before);
    let code = |code: &str| code.len() >= 4 && code.bytes().all(|b| b.is_ascii_hexdigit());
    what.rsplit_once(": ").filter(|(_, last)| code(last)).map_or(what, |(what, _)| what)
}
