//! What the reports of each kind say besides locks and frames.

mod fault;
mod sanitizer;
mod stuck;
mod traces;
mod warning;

use super::gpu;
use super::header::Header;
use super::rows::Row;
use crate::kind::Kind;
use crate::lockdep_state::limit_name;
use crate::report::Report;
pub(super) use traces::is_trace_name;

/// Fills place, message and details.
pub(super) fn read(report: &mut Report, rows: &[Row], header: &Header) {
    let own = || rows.iter().filter(|row| !row.foreign);
    for row in own() {
        line(report, row.text.trim());
    }
    if report.task.is_none() {
        report.task = header.task.clone();
    }
    if !report.kind.is_lockdep() {
        traces::named_traces(report, rows);
        traces::held_locks(report, rows);
    }
    if report.kind == Kind::Oops {
        fault::fault(report, rows);
    }
    if report.kind == Kind::GpuReset {
        report.details.message = gpu::outcome(rows);
    }
    if report.kind == Kind::Rcu {
        report.place = own().find_map(|row| place_at_start(row.text.trim()));
    }
    if matches!(report.kind, Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List) {
        report.details.message = report.details.message.take().or_else(|| warning::message(rows));
    }
}

fn line(report: &mut Report, text: &str) {
    if let Some(reason) =
        text.strip_prefix("Kernel panic - not syncing: ").filter(|_| report.kind != Kind::Panic)
    {
        report.details.panic.get_or_insert_with(|| reason.trim_end_matches(['.', ' ']).to_owned());
    }
    match report.kind {
        Kind::Limit => {
            if let Some(limit) = Some(limit_name(text)).filter(|name| !name.is_empty()) {
                report.details.limit.get_or_insert_with(|| limit.to_owned());
            }
        }
        Kind::Sleeping => stuck::sleeping(report, text),
        Kind::AtomicSchedule => stuck::atomic(report, text),
        Kind::HungTask => stuck::hung(report, text),
        Kind::SoftLockup | Kind::HardLockup => stuck::lockup(report, text),
        Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List | Kind::Bug => {
            warning::warning(report, text)
        }
        Kind::Kasan | Kind::Kcsan => sanitizer::sanitizer(report, text),
        Kind::Ubsan => sanitizer::ubsan(report, text),
        Kind::RcuStall => stuck::stall(report, text),
        Kind::GpuHang | Kind::GpuReset => report.task = report.task.take().or_else(|| gpu::client(text)),
        Kind::Kmemleak => sanitizer::leak(report, text),
        _ => {}
    }
}

/// `file:line`, or nothing.
fn is_place(text: &str) -> bool {
    let Some((file, line)) = text.split_once(':') else { return false };
    file.contains('.') && !file.contains(' ') && line.starts_with(|c: char| c.is_ascii_digit())
}

/// `net/ipv4/foo.c:12 suspicious rcu_dereference_check() usage!`
fn place_at_start(text: &str) -> Option<String> {
    text.split_once(' ').map(|(place, _)| place).filter(|place| is_place(place)).map(str::to_owned)
}

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}
