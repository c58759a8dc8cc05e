//! The nightly selection on the stock kernel, in two guests side by side, each case a test of its own: none may be found wanting.
//!
//! Runs where `FENCELAB_TEST_GUEST` is set, as `ci/test` does: it boots guests and takes minutes. A case keeps one processor busy,
//! so that two guests get through the night in little more than half the time; where there is no memory for two, they come one
//! after the other.

#[path = "common/journal.rs"]
mod journal;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use fencelab_events::{Session, Verdict, verdict};
use fencelab_report::{Case, Expectations, Input, View, expect};
use libtest_mimic::{Arguments, Failed, Trial};

/// What the kernel under test is known to show always, and now and then.
const FAILS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/expectations/vm-fails.txt");
const FLAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/expectations/vm-flakes.txt");

fn main() {
    // A case that was skipped has no test to run, whoever asks for the ignored ones.
    let arguments = Arguments { include_ignored: false, ignored: false, ..Arguments::from_args() };
    if std::env::var_os("FENCELAB_TEST_GUEST").is_none() {
        println!("the guest's cases are not run: FENCELAB_TEST_GUEST is not set, as ci/test sets it");
        libtest_mimic::run(&arguments, vec![]).exit();
    }
    let dir = tempfile::tempdir().expect("a folder for the sessions");
    let (expectations, splats) = (known(), BTreeMap::new());
    let mut trials = Vec::new();
    for (name, status) in run(dir.path()) {
        let session = journal::session(&dir.path().join(name));
        let view =
            View::of(&Input { session: &session, expectations: &expectations, splats: &splats, dir: name });
        trials.extend(view.cases.iter().map(|case| trial(&session, case)));
        let orphans: Vec<String> = verdict::orphans(&session).map(|finding| finding.title.clone()).collect();
        trials.push(Trial::test(format!("{name}: no finding outside a case"), move || {
            none("findings outside any case", &orphans)
        }));
        let code = status.code();
        trials.push(Trial::test(format!("{name}: exit code"), move || {
            if code == Some(0) { Ok(()) } else { Err(format!("fencelab run ended with {code:?}").into()) }
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() {
        println!("the sessions are kept in {}", dir.keep().display());
    }
    conclusion.exit();
}

/// The suites of the first guest, which take about as long as all others together.
const FIRST: [&str; 3] = ["dma-buf", "i915-selftest", "kunit"];
/// What two guests and what runs beside them need, in bytes.
const ROOM: u64 = 6 << 30;

/// Runs the night, half of it in each of two guests. Each session's folder, and how `fencelab run` ended.
fn run(dir: &Path) -> [(&'static str, ExitStatus); 2] {
    let cases = planned();
    let suite = |case: &&String| FIRST.contains(&case.split('/').next().unwrap_or_default());
    let (first, second): (Vec<&String>, Vec<&String>) = cases.iter().partition(suite);
    assert!(!first.is_empty() && !second.is_empty(), "the night has cases for both guests");
    let ended = |mut child: Child| child.wait().expect("wait for fencelab");
    let first = start(dir, "first", &first);
    if available_memory() < ROOM {
        let first = ended(first);
        return [("first", first), ("second", ended(start(dir, "second", &second)))];
    }
    let second = start(dir, "second", &second);
    [("first", ended(first)), ("second", ended(second))]
}

/// Every case of the night on its devices.
fn planned() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .args(["list", "nightly"])
        .output()
        .expect("run fencelab list");
    assert!(output.status.success(), "fencelab list ended with {}", output.status);
    let text = String::from_utf8(output.stdout).expect("a list in UTF-8");
    text.lines().filter_map(|line| line.split_ascii_whitespace().next()).map(str::to_owned).collect()
}

/// Starts a guest with these cases.
fn start(dir: &Path, name: &str, cases: &[&String]) -> Child {
    let selection = dir.join(format!("{name}.yaml"));
    let lines: String = cases.iter().map(|case| format!("  - \"{case}\"\n")).collect();
    std::fs::write(&selection, format!("about: Half of a night.\ninclude:\n{lines}"))
        .expect("write a selection");
    Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .arg("run")
        .arg(&selection)
        .args(["--bench", "vm", "--kernel", "stock", "--expect", FAILS, "--expect", FLAKES, "-o"])
        .arg(dir.join(name))
        .stdin(Stdio::null())
        .spawn()
        .expect("run fencelab")
}

/// MemAvailable of /proc/meminfo, in bytes.
fn available_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// What the kernel under test is known to show.
fn known() -> Expectations {
    let mut expectations = Expectations::default();
    for (path, kind) in [(FAILS, expect::Kind::Fails), (FLAKES, expect::Kind::Flakes)] {
        let text = std::fs::read_to_string(path).expect("a list of expectations");
        expectations.add(expect::List::parse(path, kind, &text).expect("a list of expectations"));
    }
    expectations
}

/// A case as a test: skipped where it does not apply or is known to fail, failed by anything that somebody must look at.
fn trial(session: &Session, case: &Case) -> Trial {
    let id = case.id().to_owned();
    let mut words = vec![case.verdict.word().to_owned()];
    words.extend(case.record.finished().map(|finished| finished.reason.clone()));
    words.extend(session.findings_of(&id).map(|finding| finding.title.clone()));
    let message = words.join(": ");
    let passed = case.verdict == Verdict::Pass;
    let test = move || if passed { Ok(()) } else { Err(Failed::from(message)) };
    Trial::test(id, test).with_ignored_flag(case.verdict == Verdict::Skip || case.standing.is_excused())
}

fn none(what: &str, found: &[String]) -> Result<(), Failed> {
    if found.is_empty() { Ok(()) } else { Err(format!("{what}: {found:?}").into()) }
}
