//! The nightly selection on the stock kernel in a guest, each case a test of its own: none may be found wanting.
//!
//! Runs where `FENCELAB_TEST_GUEST` is set, as `ci/test` does: it boots a guest and takes minutes.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use fencelab_events::{CaseRecord, Session, Verdict, journal, verdict};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    if std::env::var_os("FENCELAB_TEST_GUEST").is_none() {
        println!("the guest's cases are not run: FENCELAB_TEST_GUEST is not set, as ci/test sets it");
        libtest_mimic::run(&arguments, vec![]).exit();
    }
    let dir = tempfile::tempdir().expect("a folder for the session");
    let folder = dir.path().join("session");
    let status = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .args(["run", "nightly", "--bench", "vm", "--kernel", "stock", "-o"])
        .arg(&folder)
        .stdin(Stdio::null())
        .status()
        .expect("run fencelab");
    let session = read(&folder);
    let mut trials: Vec<Trial> = session.cases.iter().map(|record| trial(&session, record)).collect();
    let orphans: Vec<String> = verdict::orphans(&session).map(|finding| finding.title.clone()).collect();
    trials
        .push(Trial::test("no-finding-outside-a-case", move || none("findings outside any case", &orphans)));
    let code = status.code();
    trials.push(Trial::test("exit-code", move || {
        if code == Some(0) { Ok(()) } else { Err(format!("fencelab run ended with {code:?}").into()) }
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() {
        println!("the session is kept in {}", dir.keep().display());
    }
    conclusion.exit();
}

fn read(folder: &Path) -> Session {
    let file = File::open(folder.join("events.jsonl")).expect("the session's journal");
    Session::fold(&journal::read(BufReader::new(file)).expect("a journal that can be read").entries)
}

/// A case as a test: skipped where it does not apply, failed by anything that somebody must look at.
fn trial(session: &Session, record: &CaseRecord) -> Trial {
    let verdict = Verdict::of(session, record);
    let mut words = vec![verdict.word().to_owned()];
    words.extend(record.finished().map(|finished| finished.reason.clone()));
    words.extend(session.findings_of(&record.plan.id).map(|finding| finding.title.clone()));
    let message = words.join(": ");
    let test = move || if verdict == Verdict::Pass { Ok(()) } else { Err(Failed::from(message)) };
    Trial::test(record.plan.id.clone(), test).with_ignored_flag(verdict == Verdict::Skip)
}

fn none(what: &str, found: &[String]) -> Result<(), Failed> {
    if found.is_empty() { Ok(()) } else { Err(format!("{what}: {found:?}").into()) }
}
