//! Signatures: the same text for every sighting of the same bug. `docs/signatures.md` is the same for users.
//!
//! A signature is `k1:KIND:BODY`. `k1` is the version of these rules; signatures of different versions do not compare.
//! Left out are addresses, offsets, thread ids, CPUs, line numbers, wait types and the `#N` of a class, which depends on
//! the order of initialisation. The `/subclass` stays. The body is
//!
//! | kind | body |
//! | --- | --- |
//! | circular | the classes of the cycle in order, rotated so that the least stands first: the same whichever edge closed it |
//! | recursive | the class acquired, the class held, and the function that acquires |
//! | inconsistent | the class, and the two usages in alphabetical order |
//! | irq-order | the safe and the unsafe class, and the new edge |
//! | other lock kinds | the classes, and the function |
//! | sleeping, rcu, warn, lock-warn, bug, ubsan | the file (without line), the function, and for core code the driver behind it |
//! | atomic-schedule | the function |
//! | kcsan | the message, which names both functions |
//! | hung-task and lockups | the first function that is no plumbing, and the first that is not core code |
//! | others | the message without its numbers, addresses and the task's name, and the function |

use crate::banner::CUT_HERE;
use crate::blame::{culprit, place_frame};
use crate::kind::Kind;
use crate::lock::LockClass;
use crate::report::Report;

/// Version of the rules above.
pub const VERSION: &str = "k1";

/// The signature of a report.
pub(crate) fn signature(report: &Report) -> String {
    format!("{VERSION}:{}:{}", report.kind, body(report))
}

fn body(report: &Report) -> String {
    let acquiring = report.acquiring.as_ref().map(LockClass::stable_name).unwrap_or_default();
    let holding = report.details.holding.as_ref().map(|lock| lock.class.stable_name()).unwrap_or_default();
    let function = || culprit(report).map(|frame| frame.function.clone()).unwrap_or_default();
    match report.kind {
        Kind::Circular if report.chain.len() >= 2 && !report.details.cut_chain => {
            rotated(&report.chain).join(" > ")
        }
        Kind::Circular => format!("{acquiring} > ... > {holding}"),
        Kind::Recursive => format!("{acquiring} > {holding} @ {}", function()),
        Kind::Inconsistent => format!("{acquiring} {}", usages(report)),
        Kind::IrqOrder => format!("{} {holding} > {acquiring}", irq_locks(report)),
        Kind::IrqInversion => format!("{acquiring} > {holding}"),
        Kind::WaitContext | Kind::NestedNotHeld | Kind::BadUnlock | Kind::BadContention | Kind::HeldFreed => {
            format!("{acquiring} @ {}", function())
        }
        Kind::StillHeld | Kind::HeldAtReturn => held(report),
        Kind::Limit => report.details.limit.clone().unwrap_or_default(),
        Kind::NonStaticKey | Kind::ChainCollision => function(),
        Kind::AtomicSchedule => place_function(report),
        Kind::Sleeping | Kind::Rcu | Kind::Warn | Kind::LockWarn | Kind::Bug | Kind::Ubsan => place(report),
        Kind::HungTask | Kind::SoftLockup | Kind::HardLockup | Kind::RcuStall => stuck(report),
        // Its message names both functions, in an order of their own.
        Kind::Kcsan => message(report),
        Kind::List => {
            format!("{} @ {}", message(report).split('.').next().unwrap_or(""), place_function(report))
        }
        _ => format!("{} @ {}", message(report), place_function(report)),
    }
}

/// The cycle, from its least class on. Of several rotations that begin with the least class, the least as a whole.
fn rotated(chain: &[LockClass]) -> Vec<String> {
    let names: Vec<String> = chain.iter().map(LockClass::stable_name).collect();
    let rotation = |start: usize| names[start..].iter().chain(&names[..start]);
    let least = (0..names.len()).min_by(|a, b| rotation(*a).cmp(rotation(*b))).unwrap_or(0);
    rotation(least).cloned().collect()
}

fn usages(report: &Report) -> String {
    let Some((old, new)) = &report.details.usage_change else { return String::new() };
    if old <= new { format!("{old} {new}") } else { format!("{new} {old}") }
}

fn irq_locks(report: &Report) -> String {
    let Some((safe, unsafe_lock)) = &report.details.irq_locks else { return String::new() };
    format!("{} | {}:", safe.stable_name(), unsafe_lock.stable_name())
}

fn held(report: &Report) -> String {
    let Some(own) = report.details.held.first() else { return String::new() };
    let lock = |lock: &crate::lock::Lock| {
        let function = lock.at.as_ref().map(|at| at.function.as_str()).unwrap_or("");
        format!("{} @ {function}", lock.class.stable_name())
    };
    own.locks.iter().map(lock).collect::<Vec<_>>().join(", ")
}

fn place(report: &Report) -> String {
    let file = report.place.as_deref().and_then(|place| place.split(':').next()).unwrap_or("");
    let words = if file.is_empty() { message(report) } else { file.to_owned() };
    // A check in core code says little without the driver that failed it.
    let place = place_frame(report).and_then(|frame| frame.module.as_ref());
    let driver =
        report.blame.as_ref().and_then(|blame| blame.module.as_ref()).filter(|driver| Some(*driver) != place);
    let behind = driver.map(|driver| format!(" < {driver}")).unwrap_or_default();
    format!("{words} @ {}{behind}", place_function(report))
}

fn place_function(report: &Report) -> String {
    place_frame(report).map(|frame| frame.function.clone()).unwrap_or_default()
}

fn stuck(report: &Report) -> String {
    let blame = report.blame.as_ref().map(|frame| frame.function.as_str()).unwrap_or("");
    format!("{} < {blame}", place_function(report))
}

/// The message, or the first line, without numbers, addresses, symbols' offsets and the task's name. Digits inside a word
/// become `N`.
fn message(report: &Report) -> String {
    let first = report.text.iter().map(String::as_str).find(|line| !line.contains(CUT_HERE));
    let text = report.details.message.as_deref().or(first).unwrap_or("");
    let comm = report.task.as_ref().map(|task| task.comm.as_str()).filter(|comm| !comm.is_empty());
    // `process cat`, `code: cat/812`, `kworker/1:1[812]`
    let text = comm.map_or_else(|| text.to_owned(), |comm| without_task(text, comm));
    let mut out = String::new();
    for word in text.split_ascii_whitespace().filter(|word| !is_number(word)) {
        out.push_str(if out.is_empty() { "" } else { " " });
        push_without_digits(&mut out, word.split("+0x").next().unwrap_or(word));
    }
    out
}

/// Drops a task's name where its id stands behind it, or the word "process" in front.
fn without_task(text: &str, comm: &str) -> String {
    let named = [format!("process {comm} "), format!("{comm}/"), format!("{comm}[")];
    let Some((start, name)) = named.iter().find_map(|name| Some((text.find(name.as_str())?, name))) else {
        return text.to_owned();
    };
    let rest = &text[start + name.len()..];
    let end = if name.ends_with(' ') { 0 } else { rest.find(' ').unwrap_or(rest.len()) };
    format!("{}{}", &text[..start], &rest[end..])
}

/// Is it a number, an address or a range of them?
fn is_number(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        && word.trim_start_matches("0x").bytes().all(|b| b.is_ascii_hexdigit() || b",.:;()[]-#".contains(&b))
}

/// `new=ffff8880a1,` becomes `new=N,`, `fence12` becomes `fenceN`.
fn push_without_digits(out: &mut String, word: &str) {
    for run in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (run, end) = match run.strip_suffix(|c: char| !c.is_ascii_alphanumeric()) {
            Some(inner) => (inner, &run[inner.len()..]),
            None => (run, ""),
        };
        if is_address(run) {
            out.push('N');
        } else {
            push_digits_as_n(out, run);
        }
        out.push_str(end);
    }
}

fn is_address(run: &str) -> bool {
    let digits = run.trim_start_matches("0x");
    digits.len() >= 8
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && digits.bytes().any(|b| b.is_ascii_digit())
}

fn push_digits_as_n(out: &mut String, run: &str) {
    let mut in_number = false;
    for c in run.chars() {
        let digit = c.is_ascii_digit();
        if !digit {
            out.push(c);
        } else if !in_number {
            out.push('N');
        }
        in_number = digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_documented() {
        let doc = include_str!("../../../docs/signatures.md");
        assert!(doc.contains(&format!("## Version {VERSION}\n")));
        for kind in crate::kind::Kind::ALL.iter().filter(|kind| kind.is_lockdep()) {
            assert!(doc.contains(kind.as_str()), "{kind}");
        }
    }

    fn classes(names: &[&str]) -> Vec<LockClass> {
        names.iter().map(|name| LockClass::parse(name)).collect()
    }

    #[test]
    fn a_cycle_is_the_same_from_every_edge() {
        let names = ["fs_reclaim", "dma_fence_map", "&x->lock#3/1"];
        let mut seen = Vec::new();
        for start in 0..names.len() {
            let turned: Vec<&str> = names[start..].iter().chain(&names[..start]).copied().collect();
            seen.push(rotated(&classes(&turned)).join(" > "));
        }
        seen.dedup();
        assert_eq!(seen, ["&x->lock/1 > fs_reclaim > dma_fence_map"]);
    }
}
