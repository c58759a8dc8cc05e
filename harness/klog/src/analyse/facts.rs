//! What the reports of each kind say besides locks and frames.

use super::gpu;
use super::header::Header;
use super::rows::Row;
use crate::banner;
use crate::die_line;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::lock::Lock;
use crate::lockdep_state::limit_name;
use crate::report::{HeldLocks, Report, Task, Trace};
use crate::shape::{Shape, is_owner};

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
        named_traces(report, rows);
        held_locks(report, rows);
    }
    if report.kind == Kind::GpuReset {
        report.details.message = gpu::outcome(rows);
    }
    if report.kind == Kind::Rcu {
        report.place = own().find_map(|row| place_at_start(row.text.trim()));
    }
    if matches!(report.kind, Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List) {
        report.details.message = report.details.message.take().or_else(|| message(rows));
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
        Kind::Sleeping => sleeping(report, text),
        Kind::AtomicSchedule => atomic(report, text),
        Kind::HungTask => hung(report, text),
        Kind::SoftLockup | Kind::HardLockup => lockup(report, text),
        Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List | Kind::Bug => warning(report, text),
        Kind::Kasan | Kind::Kcsan => sanitizer(report, text),
        Kind::Ubsan => ubsan(report, text),
        Kind::Oops => fault(report, text),
        Kind::RcuStall => stall(report, text),
        Kind::GpuHang | Kind::GpuReset => report.task = report.task.take().or_else(|| gpu::client(text)),
        Kind::Kmemleak => leak(report, text),
        _ => {}
    }
}

fn sleeping(report: &mut Report, text: &str) {
    if let Some((_, place)) = text.split_once("invalid context at ") {
        report.place.get_or_insert_with(|| place.trim().to_owned());
    } else if let Some((pid, comm)) =
        text.split_once(", pid: ").and_then(|(_, rest)| rest.split_once(", name: "))
    {
        report.task = pid.parse().ok().map(|pid| Task { comm: comm.trim().to_owned(), pid });
    }
}

/// `BUG: scheduling while atomic: comm/pid/0x00000002`.
fn atomic(report: &mut Report, text: &str) {
    if let Some((_, rest)) = text.split_once("while atomic: ") {
        report.task = rest.rsplit_once('/').and_then(|(task, _)| Task::parse(task));
    }
}

/// `INFO: task comm:pid blocked for more than 120 seconds.`
fn hung(report: &mut Report, text: &str) {
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
fn lockup(report: &mut Report, text: &str) {
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

/// `unreferenced object 0xffff888012345678 (size 64):` and `comm "cat", pid 812, jiffies 4294937318 (age 31.080s)`.
fn leak(report: &mut Report, text: &str) {
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

/// `(t=10500 jiffies g=2314 q=216)`, `(detected by 1, t=10502 jiffies, ...)`.
fn stall(report: &mut Report, text: &str) {
    if report.details.message.is_none() && text.contains(" jiffies") && text.contains("t=") {
        report.details.message = Some(text.trim_start_matches("rcu:").trim().to_owned());
    }
}

/// `WARNING: CPU: 0 PID: 10 at kernel/locking/mutex.c:582 __mutex_lock+0x468/0x77c`, `kernel BUG at lib/list_debug.c:62!`,
/// and the newer `WARNING: kernel/foo.c:12 at foo+0x1/0x2, CPU#0: comm/10`.
fn warning(report: &mut Report, text: &str) {
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

/// `BUG: KASAN: slab-use-after-free in foo+0x1/0x2`, `Read of size 8 at addr ffff888 by task cat/3`.
fn sanitizer(report: &mut Report, text: &str) {
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
fn ubsan(report: &mut Report, text: &str) {
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

/// `BUG: unable to handle page fault for address: ffff`, `general protection fault, ...: 0000 [#1]`.
fn fault(report: &mut Report, text: &str) {
    let says_what = || banner::find(text) == Some(Kind::Oops) && die_line::above(text).is_none();
    if report.details.message.is_none() && says_what() {
        // Older KASAN prints its remark without a line end.
        let text = text.find("general protection fault").map_or(text, |at| &text[at..]);
        report.details.message = Some(what_died(text).to_owned());
        let address = text.split_once("address").map(|(_, rest)| rest.trim_start_matches([':', ' ']));
        report.details.address = address
            .and_then(|rest| rest.split([' ', ':']).next())
            .filter(|a| !a.is_empty())
            .map(str::to_owned);
    } else if report.details.access.is_none() && text.starts_with("#PF: ") {
        report.details.access = Some(text.trim_start_matches("#PF: ").to_owned());
    }
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

/// `file:line`, or nothing.
fn is_place(text: &str) -> bool {
    let Some((file, line)) = text.split_once(':') else { return false };
    file.contains('.') && !file.contains(' ') && line.starts_with(|c: char| c.is_ascii_digit())
}

/// `net/ipv4/foo.c:12 suspicious rcu_dereference_check() usage!`
fn place_at_start(text: &str) -> Option<String> {
    text.split_once(' ').map(|(place, _)| place).filter(|place| is_place(place)).map(str::to_owned)
}

/// The text that a WARN was given, on whichever side of the line "WARNING:" it stands.
fn message(rows: &[Row]) -> Option<String> {
    // `WARNING: at file:line function()`: before 3.11 the hardware stood above the text.
    let old = rows.iter().take(3).any(|row| row.text.contains("WARNING: at "));
    rows.iter()
        .take(8)
        .map(|row| row.text.trim())
        .filter(|text| !(old && text.starts_with("Hardware name")))
        .take_while(|text| !is_header(text))
        .find(|text| !text.is_empty() && !text.contains("[ cut here ]") && !text.starts_with("WARNING: "))
        .map(str::to_owned)
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

/// Backtraces that have a name: "Allocated by task 7:", "Freed by task 7:".
fn named_traces(report: &mut Report, rows: &[Row]) {
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
pub(super) fn is_trace_name(text: &str) -> bool {
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
fn held_locks(report: &mut Report, rows: &[Row]) {
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

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}
