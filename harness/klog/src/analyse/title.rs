//! One line for a person.

use crate::banner::CUT_HERE;
use crate::blame::{culprit, place_frame};
use crate::frame::Frame;
use crate::kind::Kind;
use crate::lock::LockClass;
use crate::report::Report;

/// The title: what happened, to which lock or thing, and in which function.
pub(super) fn title(report: &Report) -> String {
    let what = what(report);
    match function(report) {
        Some(function) => format!("{what} in {function}"),
        None => what,
    }
}

fn what(report: &Report) -> String {
    let name = |class: Option<&LockClass>| class.map_or_else(|| "?".to_owned(), LockClass::to_string);
    let acquiring = name(report.acquiring.as_ref());
    let holding = name(report.details.holding.as_ref().map(|lock| &lock.class));
    match report.kind {
        kind if kind.is_lockdep() && names_no_lock(report) => unnamed(kind).to_owned(),
        Kind::Circular => format!("possible circular locking: {}", chain(report, &acquiring, &holding)),
        Kind::Recursive => format!("possible recursive locking of {acquiring}"),
        Kind::Inconsistent => format!("inconsistent lock state of {acquiring}"),
        Kind::IrqOrder => format!("irq-unsafe lock order: {holding} --> {acquiring}"),
        Kind::IrqInversion => format!("possible irq lock inversion: {acquiring}, {holding}"),
        Kind::WaitContext => format!("invalid wait context: {acquiring}"),
        Kind::NestedNotHeld => format!("nested lock {acquiring} without {holding}"),
        Kind::BadUnlock => format!("bad unlock balance of {acquiring}"),
        Kind::BadContention => format!("bad contention of {acquiring}"),
        Kind::HeldFreed => format!("held lock freed: {acquiring}"),
        Kind::StillHeld => format!("task exits with locks held: {}", held(report)),
        Kind::HeldAtReturn => format!("return to user space with locks held: {}", held(report)),
        Kind::Rcu => "suspicious RCU usage".to_owned(),
        Kind::ChainCollision => "chain_key collision".to_owned(),
        Kind::Limit => {
            format!("lockdep table full: {} too low", report.details.limit.as_deref().unwrap_or("a limit"))
        }
        Kind::NonStaticKey => "lock without a registered key".to_owned(),
        Kind::Sleeping => "sleeping function called from invalid context".to_owned(),
        Kind::AtomicSchedule => "scheduling while atomic".to_owned(),
        Kind::HungTask => hung(report),
        Kind::SoftLockup => "soft lockup".to_owned(),
        Kind::HardLockup => "hard lockup".to_owned(),
        Kind::RcuStall => "RCU stall".to_owned(),
        Kind::Warn | Kind::LockWarn => with_message("WARNING", report),
        Kind::Bug => without_offset(with_message("BUG", report)),
        Kind::Kasan => kasan(report),
        Kind::Kcsan => with_message("KCSAN", report),
        Kind::Ubsan => with_message("UBSAN", report),
        Kind::Refcount | Kind::List => {
            let message = report.details.message.as_deref().unwrap_or(report.kind.as_str());
            message.trim_end_matches('.').to_owned()
        }
        Kind::Kmemleak => "memory leak".to_owned(),
        Kind::Oops => report.details.message.clone().unwrap_or_else(|| "oops".to_owned()),
        Kind::GpuReset => report.details.message.clone().unwrap_or_else(|| first_line(report)),
        Kind::Panic | Kind::GpuHang | Kind::FlipTimeout => first_line(report),
    }
}

/// Is the report about locks that the log does not name?
fn names_no_lock(report: &Report) -> bool {
    let named = report.acquiring.is_some() || report.details.holding.is_some() || report.chain.len() > 1;
    let lists = matches!(report.kind, Kind::StillHeld | Kind::HeldAtReturn);
    !unnamed(report.kind).is_empty() && if lists { report.held.is_empty() } else { !named }
}

/// What reports about named locks say without the names; nothing for all others.
fn unnamed(kind: Kind) -> &'static str {
    match kind {
        Kind::Circular => "possible circular locking",
        Kind::Recursive => "possible recursive locking",
        Kind::Inconsistent => "inconsistent lock state",
        Kind::IrqOrder => "irq-unsafe lock order",
        Kind::IrqInversion => "possible irq lock inversion",
        Kind::WaitContext => "invalid wait context",
        Kind::NestedNotHeld => "nested lock without the lock that must be held",
        Kind::BadUnlock => "bad unlock balance",
        Kind::BadContention => "bad contention",
        Kind::HeldFreed => "held lock freed",
        Kind::StillHeld => "task exits with locks held",
        Kind::HeldAtReturn => "return to user space with locks held",
        _ => "",
    }
}

/// The function behind "in", for the kinds whose text does not name it already.
fn function(report: &Report) -> Option<String> {
    let frame = match report.kind {
        Kind::Panic | Kind::GpuHang | Kind::GpuReset | Kind::FlipTimeout | Kind::Limit | Kind::Kcsan => {
            return None;
        }
        Kind::Kasan | Kind::Bug if names_function(report) => return None,
        kind if kind.is_lockdep() && kind != Kind::LockWarn => culprit(report),
        _ => place_frame(report),
    };
    frame.map(|frame| frame.function.clone())
}

/// Does the message say where, as those of KASAN and its relatives do?
fn names_function(report: &Report) -> bool {
    report.details.message.as_deref().is_some_and(|message| {
        message.split_once(" in ").is_some_and(|(_, symbol)| Frame::parse_at(symbol).is_some())
    })
}

fn chain(report: &Report, acquiring: &str, holding: &str) -> String {
    if report.chain.len() < 2 {
        return format!("{acquiring} --> {holding}");
    }
    report.chain.iter().map(LockClass::to_string).collect::<Vec<_>>().join(" --> ")
}

fn held(report: &Report) -> String {
    report.held.iter().map(LockClass::to_string).collect::<Vec<_>>().join(", ")
}

fn hung(report: &Report) -> String {
    let task = report.task.as_ref().map(|task| task.comm.as_str()).unwrap_or("?");
    match report.details.seconds {
        Some(seconds) => format!("task {task} blocked for more than {seconds} s"),
        None => format!("task {task} blocked"),
    }
}

fn with_message(lead: &str, report: &Report) -> String {
    match report.details.message.as_deref().or(report.place.as_deref()) {
        Some(message) => format!("{lead}: {message}"),
        None => lead.to_owned(),
    }
}

/// `... in foo_do+0x12/0x30 [foo]` without the place in the function, which differs from build to build.
fn without_offset(title: String) -> String {
    let symbol = title.rsplit_once(" in ").and_then(|(what, symbol)| Some((what, Frame::parse_at(symbol)?)));
    symbol.map(|(what, frame)| format!("{what} in {}", frame.function)).unwrap_or(title)
}

fn kasan(report: &Report) -> String {
    let message = report.details.message.as_deref().unwrap_or("?");
    let (what, symbol) = message.split_once(" in ").unwrap_or((message, ""));
    let function = symbol.split('+').next().unwrap_or("");
    let access = report.details.access.as_deref().and_then(|access| access.split(' ').next()).unwrap_or("");
    let words =
        ["KASAN:", what, &access.to_lowercase(), if function.is_empty() { "" } else { "in" }, function];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn first_line(report: &Report) -> String {
    let lines = || report.text.iter().map(|line| line.trim());
    lines().find(|line| !line.contains(CUT_HERE)).or(lines().next()).unwrap_or_default().to_owned()
}
