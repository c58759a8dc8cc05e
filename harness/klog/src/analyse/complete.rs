//! Which sections of a report are not there.

use super::first_line::first_line;
use super::rows::Row;
use crate::kind::Kind;
use crate::report::{Report, Section};
use crate::shape::Shape;

/// The sections that reports of each kind always have, as the functions of the kernel that print them show.
fn required(kind: Kind) -> &'static [Section] {
    use Section::{
        Acquiring, Backtrace, Banner, Chain, Dependencies, HeldLocks, Holding, Place, Registered, Task,
    };
    match kind {
        Kind::Circular => &[Task, Acquiring, Holding, Chain, HeldLocks, Backtrace],
        Kind::Recursive => &[Task, Acquiring, Holding, HeldLocks, Backtrace],
        Kind::Inconsistent => &[Task, Acquiring, Registered, HeldLocks, Backtrace],
        Kind::IrqOrder => &[Task, Acquiring, Holding, Dependencies, HeldLocks, Backtrace],
        Kind::IrqInversion => &[Task, Acquiring, Holding, HeldLocks, Backtrace],
        Kind::WaitContext => &[Task, Acquiring, HeldLocks, Backtrace],
        Kind::NestedNotHeld => &[Task, Acquiring, Holding, HeldLocks, Backtrace],
        Kind::BadUnlock | Kind::BadContention | Kind::HeldFreed => &[Task, Acquiring, HeldLocks, Backtrace],
        Kind::StillHeld => &[HeldLocks, Backtrace],
        Kind::HeldAtReturn => &[Task, HeldLocks],
        Kind::Rcu => &[Place, HeldLocks, Backtrace],
        Kind::Sleeping => &[Task, Place, Backtrace],
        Kind::HungTask => &[Task, Backtrace],
        Kind::Warn | Kind::LockWarn | Kind::Refcount | Kind::List => &[Place, Backtrace],
        Kind::Oops | Kind::Kasan => &[Banner, Backtrace],
        Kind::Panic | Kind::Limit | Kind::GpuHang | Kind::GpuReset | Kind::FlipTimeout => &[],
        _ => &[Backtrace],
    }
}

/// The sections that are missing.
pub(super) fn missing(report: &Report, ended: bool, rows: &[Row]) -> Vec<Section> {
    let wanted = match report.kind {
        _ if is_one_line(report) => &[],
        Kind::FlipTimeout if is_vblank_warning(report) => required(Kind::Warn),
        kind => required(kind),
    };
    let mut missing: Vec<Section> =
        wanted.iter().copied().filter(|section| !has(report, *section, rows)).collect();
    if (cut_in_stack(rows)
        || cut_panic(report.kind, rows)
        || cut_warning(rows)
        || cut_race(report.kind, rows))
        && !ended
    {
        missing.push(Section::End);
    }
    missing
}

/// Reports that are a line and no more: kernel/fork.c (`check_mm`), mm/kmemleak.c.
fn is_one_line(report: &Report) -> bool {
    const LINES: [&str; 5] = [
        "Bad rss-counter state",
        "non-zero pgtables_bytes",
        "non-zero nr_ptes",
        "non-zero nr_pmds",
        "suspected memory leaks",
    ];
    report.text.first().is_some_and(|line| LINES.iter().any(|words| line.contains(words)))
}

/// The one timeout of KMS that is the text of a WARN (`drm_wait_one_vblank`, drm_vblank.c; `drm_atomic_helper_wait_for_vblanks`).
fn is_vblank_warning(report: &Report) -> bool {
    report.text.iter().take(3).any(|line| line.contains("vblank wait timed out"))
}

fn has(report: &Report, section: Section, rows: &[Row]) -> bool {
    let details = &report.details;
    match section {
        Section::Acquiring => details.acquiring.is_some(),
        Section::Holding => details.holding.is_some(),
        Section::Chain => whole_chain(report),
        Section::Registered => {
            details.traces.iter().any(|trace| trace.name.contains("registered") && !trace.frames.is_empty())
        }
        Section::Dependencies => details.irq_locks.is_some(),
        Section::HeldLocks => whole_held(report),
        // The instruction pointer alone is none.
        Section::Backtrace => !report.frames.is_empty() && rows.iter().any(|row| row.shape == Shape::Frame),
        Section::Task => report.task.is_some(),
        Section::Place => has_place(report, rows),
        Section::Banner => first_line(report.kind, rows).is_some(),
        Section::End | Section::Messages | Section::Interleaved => true,
    }
}

/// A line that says where: of a warning without CONFIG_DEBUG_BUGVERBOSE the function, and of a message that names its kind
/// better than that line both must be there (lib/refcount.c, lib/list_debug.c).
fn has_place(report: &Report, rows: &[Row]) -> bool {
    let places = ["WARNING: ", "Badness at ", "ernel BUG at "];
    let says = || rows.iter().any(|row| places.iter().any(|place| row.text.contains(place)));
    match report.kind {
        Kind::Refcount | Kind::List => says(),
        _ => report.place.is_some() || !report.frames.is_empty(),
    }
}

/// Every `-> #k` from the highest to 0, each with its trace.
fn whole_chain(report: &Report) -> bool {
    let links = &report.details.links;
    !report.details.cut_chain
        && links.len() >= 2
        && links
            .iter()
            .enumerate()
            .all(|(index, link)| link.number as usize == index && !link.frames.is_empty())
}

/// Every list of held locks is as long as it says. A task that runs on another CPU has its locks counted but not
/// listed (`lockdep_print_held_locks`).
fn whole_held(report: &Report) -> bool {
    let held = &report.details.held;
    !held.is_empty() && held.iter().take(1).all(|held| held.locks.len() == held.count as usize)
}

/// A panic ends with the kernel's place in memory, and the reboot if there is one (`panic`, kernel/panic.c).
fn cut_panic(kind: Kind, rows: &[Row]) -> bool {
    let ends = ["Kernel Offset", "Rebooting in", "---[ end Kernel panic"];
    kind == Kind::Panic && !rows.iter().any(|row| ends.iter().any(|end| row.text.trim().starts_with(end)))
}

/// What begins with "cut here" ends with "end trace", unless the machine panics first. Where the end of the stack is marked,
/// that is enough.
fn cut_warning(rows: &[Row]) -> bool {
    let has = |words: &str| rows.iter().any(|row| row.text.contains(words));
    let marked = rows.iter().any(|row| row.shape == Shape::StackEnd);
    !marked && has(crate::banner::CUT_HERE) && !has("---[ end trace") && !has("Kernel panic")
}

/// KCSAN, KMSAN and KFENCE end with who reports: kernel/kcsan/report.c, mm/kmsan/report.c, mm/kfence/report.c.
fn cut_race(kind: Kind, rows: &[Row]) -> bool {
    let named = |name: &str| rows.first().is_some_and(|row| row.text.contains(name));
    let tail = kind == Kind::Kcsan || named("KMSAN: ") || named("KFENCE: ");
    tail && !rows.iter().any(|row| row.text.trim_start().starts_with("CPU: "))
}

/// The kernel marks the beginning of the task's stack, and the end is not there.
fn cut_in_stack(rows: &[Row]) -> bool {
    let begins = rows.iter().filter(|row| row.text.trim() == "<TASK>").count();
    let ends = rows.iter().filter(|row| row.shape == Shape::StackEnd).count();
    begins > ends
}
