//! The nightly selection on the stock kernel, in two guests side by side, each case a test of its own: none may be found wanting.
//!
//! Runs where `FENCELAB_TEST_GUEST` is set, as `ci/test` does: it boots guests and takes minutes. A case keeps one processor busy,
//! so that two guests get through the night in little more than half the time; where there is no memory for two, one has it all.

#[path = "common/journal.rs"]
mod journal;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

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
    let dir = tempfile::tempdir().expect("a folder for the session");
    let (expectations, splats) = (known(), BTreeMap::new());
    let status = run(&dir.path().join("night"));
    let session = journal::session(&dir.path().join("night"));
    let view =
        View::of(&Input { session: &session, expectations: &expectations, splats: &splats, dir: "night" });
    let mut trials: Vec<Trial> = view.cases.iter().map(|case| trial(&session, case)).collect();
    let orphans: Vec<String> = verdict::orphans(&session).map(|finding| finding.title.clone()).collect();
    trials
        .push(Trial::test("no finding outside a case", move || none("findings outside any case", &orphans)));
    let code = status.code();
    trials.push(Trial::test("exit code", move || {
        if code == Some(0) { Ok(()) } else { Err(format!("fencelab run ended with {code:?}").into()) }
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() {
        println!("the session is kept in {}", dir.keep().display());
    }
    conclusion.exit();
}

/// What two guests and what runs beside them need, in bytes.
const ROOM: u64 = 6 << 30;

/// Runs the night; how `fencelab run` ended.
fn run(folder: &Path) -> ExitStatus {
    let jobs = if available_memory() < ROOM { "1" } else { "2" };
    Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .args(["run", "nightly", "--bench", "vm", "--kernel", "stock", "--jobs", jobs])
        .args(["--expect", FAILS, "--expect", FLAKES, "-o"])
        .arg(folder)
        .stdin(Stdio::null())
        .status()
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
