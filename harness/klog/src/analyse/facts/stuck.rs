//! Tasks and CPUs that do not get on: sleeping where nobody may, blocked, in a lockup, in an RCU stall.

use super::leading_number;
use crate::report::{Report, Task};
use crate::shape::is_owner;

pub(super) fn sleeping(report: &mut Report, text: &str) {
    if let Some((_, place)) = text.split_once("invalid context at ") {
        report.place.get_or_insert_with(|| place.trim().to_owned());
    } else if let Some((pid, comm)) =
        text.split_once(", pid: ").and_then(|(_, rest)| rest.split_once(", name: "))
    {
        report.task = pid.parse().ok().map(|pid| Task { comm: comm.trim().to_owned(), pid });
    }
}

/// `BUG: scheduling while atomic: comm/pid/0x00000002`.
pub(super) fn atomic(report: &mut Report, text: &str) {
    if let Some((_, rest)) = text.split_once("while atomic: ") {
        report.task = rest.rsplit_once('/').and_then(|(task, _)| Task::parse(task));
    }
}

/// `INFO: task comm:pid blocked for more than 120 seconds.`
pub(super) fn hung(report: &mut Report, text: &str) {
    let Some(rest) = text.strip_prefix("INFO: task ") else { return };
    if is_owner(text) {
        report.details.message = Some(rest.trim_end_matches('.').to_owned());
        return;
    }
    let Some((task, more)) = rest.split_once(" blocked ").or_else(|| rest.split_once(" can't die ")) else {
        return;
    };
    if let Some((comm, pid)) = task.rsplit_once(':') {
        report.task = pid.parse().ok().map(|pid| Task { comm: comm.to_owned(), pid });
    }
    report.details.seconds = more.split_ascii_whitespace().find_map(|word| word.parse().ok());
}

/// `BUG: soft lockup - CPU#1 stuck for 26s! [comm:pid]`, `Watchdog detected hard LOCKUP on cpu 1`.
pub(super) fn lockup(report: &mut Report, text: &str) {
    if let Some((_, rest)) = text.split_once("- CPU#") {
        report.cpu = leading_number(rest);
        report.details.seconds =
            rest.split_once("stuck for ").and_then(|(_, rest)| leading_number(rest)).map(u64::from);
        let task = rest.rsplit_once('[').and_then(|(_, task)| task.trim_end_matches(']').rsplit_once(':'));
        report.task =
            task.and_then(|(comm, pid)| Some(Task { comm: comm.to_owned(), pid: pid.parse().ok()? }));
    } else if let Some((_, rest)) = text.split_once("hard LOCKUP on cpu ") {
        report.cpu = leading_number(rest);
    }
}

/// `(t=10500 jiffies g=2314 q=216)`, `(detected by 1, t=10502 jiffies, ...)`.
pub(super) fn stall(report: &mut Report, text: &str) {
    if report.details.message.is_none() && text.contains(" jiffies") && text.contains("t=") {
        report.details.message = Some(text.trim_start_matches("rcu:").trim().to_owned());
    }
}
