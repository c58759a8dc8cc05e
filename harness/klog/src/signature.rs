//! Signatures: the same text for every sighting of the same bug. `docs/signatures.md` is the same for users.
//!
//! A signature is `k3:KIND:BODY`. `k3` is the version of these rules; signatures of different versions do not compare.
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
//! | others | the message without its numbers, addresses and the task's name, and the function if there is one |
//! | an oops without its first line | `unknown (no first line) @ function` |
//! | any, too much of it cut | `unknown (no backtrace)`, or what else is missing: it compares with nothing ([`is_unknown`]) |

use crate::banner::CUT_HERE;
use crate::blame::{culprit, place_frame};
use crate::kind::Kind;
use crate::lock::LockClass;
use crate::report::{Report, Section};

/// Version of the rules above.
pub const VERSION: &str = "k3";

/// How the body begins that says only what the log lacks.
const UNKNOWN: &str = "unknown (no ";

/// What stands between it and the function, where that is known, so that the signature compares.
const PLACE: &str = " @ ";

/// Was too little of the report there to tell its bug from others? Such a signature names what is missing, and must not be
/// compared.
pub fn is_unknown(signature: &str) -> bool {
    let body = signature.splitn(3, ':').nth(2);
    body.is_some_and(|body| body.starts_with(UNKNOWN) && !body.contains(PLACE))
}

/// The signature of a report.
pub(crate) fn signature(report: &Report) -> String {
    let body = body(report).unwrap_or_else(|lacking| format!("{UNKNOWN}{})", lacking.join(", no ")));
    format!("{VERSION}:{}:{body}", report.kind)
}

/// A body, or which of its parts the log lacks.
type Body = Result<String, Vec<&'static str>>;

fn body(report: &Report) -> Body {
    let class = |class: Option<&LockClass>| class.map(LockClass::stable_name).unwrap_or_default();
    let acquiring = ("lock acquired", class(report.acquiring.as_ref()));
    let holding = ("lock held", class(report.details.holding.as_ref().map(|lock| &lock.class)));
    let function = culprit(report).map(|frame| frame.function.as_str());
    match report.kind {
        // There may be none: a compiler's `ud2` is a BUG() of which nobody says where.
        Kind::Oops if report.missing.contains(&Section::Banner) => no_first_line(report),
        _ if report.missing.contains(&Section::Banner) => Err(vec!["first line"]),
        Kind::Circular if report.chain.len() >= 2 && !report.details.cut_chain => {
            Ok(rotated(&report.chain).join(" > "))
        }
        Kind::Circular => Ok(known([acquiring, holding])?.join(" > ... > ")),
        Kind::Recursive => with_function(report, &known([acquiring, holding])?.join(" > "), function),
        Kind::Inconsistent => Ok(known([acquiring, ("usages", usages(report))])?.join(" ")),
        Kind::IrqOrder => {
            let [locks, held, acquired] =
                known([("safe and unsafe lock", irq_locks(report)), holding, acquiring])?;
            Ok(format!("{locks} {held} > {acquired}"))
        }
        Kind::IrqInversion => Ok(known([acquiring, holding])?.join(" > ")),
        Kind::WaitContext | Kind::NestedNotHeld | Kind::BadUnlock | Kind::BadContention | Kind::HeldFreed => {
            with_function(report, &known([acquiring])?.join(""), function)
        }
        Kind::StillHeld | Kind::HeldAtReturn => Ok(known([("locks held", held(report))])?.join("")),
        Kind::Limit => Ok(known([("limit", report.details.limit.clone().unwrap_or_default())])?.join("")),
        Kind::NonStaticKey | Kind::ChainCollision => {
            Ok(known([(where_lacking(report), function.unwrap_or_default().to_owned())])?.join(""))
        }
        Kind::AtomicSchedule => {
            Ok(known([(where_lacking(report), place_function(report).to_owned())])?.join(""))
        }
        Kind::Sleeping | Kind::Rcu | Kind::Warn | Kind::LockWarn | Kind::Bug | Kind::Ubsan => place(report),
        Kind::HungTask | Kind::SoftLockup | Kind::HardLockup | Kind::RcuStall => stuck(report),
        // Its message names both functions, in an order of their own.
        Kind::Kcsan => Ok(message(report)),
        // Its message names the function.
        Kind::Kasan if place_frame(report).is_none() && message(report).contains(" in ") => {
            Ok(message(report))
        }
        Kind::List => with_place(report, message(report).split('.').next().unwrap_or("")),
        _ => with_place(report, &message(report)),
    }
}

/// The parts, if all of them are there.
fn known<const N: usize>(parts: [(&'static str, String); N]) -> Result<[String; N], Vec<&'static str>> {
    let lacking: Vec<_> = parts.iter().filter(|(_, part)| part.is_empty()).map(|(name, _)| *name).collect();
    if lacking.is_empty() { Ok(parts.map(|(_, part)| part)) } else { Err(lacking) }
}

/// Why there is no function: the backtrace is cut, or has none that tells anything.
fn where_lacking(report: &Report) -> &'static str {
    if report.missing.contains(&Section::Backtrace) { "backtrace" } else { "telling function" }
}

/// Says in which function; one that is not known is a gap only where the report should have a backtrace.
fn with_function(report: &Report, what: &str, function: Option<&str>) -> Body {
    match function {
        Some(function) => Ok(format!("{what} @ {function}")),
        None if report.missing.contains(&Section::Backtrace) => Err(vec!["backtrace"]),
        None => Ok(what.to_owned()),
    }
}

/// An oops that does not say what happened is told from others by where it did.
fn no_first_line(report: &Report) -> Body {
    let lacking = "first line";
    match place_frame(report) {
        Some(frame) => Ok(format!("{UNKNOWN}{lacking}){PLACE}{}", frame.function)),
        None => Err(vec![lacking]),
    }
}

fn with_place(report: &Report, what: &str) -> Body {
    with_function(report, what, place_frame(report).map(|frame| frame.function.as_str()))
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
        let function = lock.at.as_ref().map(|at| format!(" @ {}", at.function)).unwrap_or_default();
        lock.class.stable_name() + &function
    };
    own.locks.iter().map(lock).collect::<Vec<_>>().join(", ")
}

fn place(report: &Report) -> Body {
    let file = report.place.as_deref().and_then(|place| place.split(':').next()).unwrap_or("");
    let words = if file.is_empty() { message(report) } else { file.to_owned() };
    // A check in core code says little without the driver that failed it.
    let place = place_frame(report).and_then(|frame| frame.module.as_ref());
    let driver =
        report.blame.as_ref().and_then(|blame| blame.module.as_ref()).filter(|driver| Some(*driver) != place);
    let behind = driver.map(|driver| format!(" < {driver}")).unwrap_or_default();
    Ok(with_place(report, &words)? + &behind)
}

fn place_function(report: &Report) -> &str {
    place_frame(report).map(|frame| frame.function.as_str()).unwrap_or_default()
}

fn stuck(report: &Report) -> Body {
    let [function] = known([(where_lacking(report), place_function(report).to_owned())])?;
    let blame = report.blame.as_ref().map(|frame| format!(" < {}", frame.function)).unwrap_or_default();
    Ok(function + &blame)
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
    // `in glxgears [501]`, as i915 and xe name whose job hung
    let named = [format!(" in {comm} ["), format!("process {comm} "), format!("{comm}/"), format!("{comm}[")];
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
