//! Exceptions: what failed, and where to.

use super::super::first_line::first_line;
use super::super::rows::Row;
use crate::die_line;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::report::Report;

/// `BUG: unable to handle page fault for address: ffff`, `general protection fault, ...: 0000 [#1]`.
pub(super) fn fault(report: &mut Report, rows: &[Row]) {
    if let Some(row) = first_line(Kind::Oops, rows) {
        let text = row.text.trim();
        // Older KASAN prints its remark without a line end.
        let text = text.find("general protection fault").map_or(text, |at| &text[at..]);
        let unhandled = unhandled(text);
        let message = cfi_failure(text).or_else(|| unhandled.map(|(what, _)| what.to_owned()));
        report.details.message = Some(message.unwrap_or_else(|| what_died(text).to_owned()));
        let address = unhandled.map(|(_, address)| address).or_else(|| address(text));
        report.details.address = address.map(str::to_owned);
    }
    let mut own = rows.iter().filter(|row| !row.foreign);
    let access = own.find_map(|row| row.text.trim().strip_prefix("#PF: "));
    report.details.access = access.map(str::to_owned);
}

/// `BUG: unable to handle page fault for address: ffff`
fn address(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("address")?;
    rest.trim_start_matches([':', ' ']).split([' ', ':']).next().filter(|address| !address.is_empty())
}

/// What and where: `Unhandled fault: external abort on non-linefetch (0x1008) at 0xf0800000`.
fn unhandled(text: &str) -> Option<(&str, &str)> {
    let named = die_line::UNHANDLED.iter().any(|start| text.starts_with(start));
    let at = text.rfind(" at 0x").filter(|_| named)?;
    Some((&text[..at], &text[at + " at ".len()..]))
}

/// `CFI failure at foo+0x15/0x30 (target: bar+0x0/0xf0 [baz]; expected type: 0xc527b809)` without the place, which is the
/// report's, and the type, which is a hash.
pub(super) fn cfi_failure(text: &str) -> Option<String> {
    let (_, target) = text.strip_prefix(die_line::CFI)?.split_once(" (")?;
    let target = target.strip_prefix("target: ").and_then(|target| target.split([';', ')']).next());
    let target = target.and_then(Frame::parse_at).map(|target| format!(" (target: {})", target.function));
    Some(format!("CFI failure{}", target.unwrap_or_default()))
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
