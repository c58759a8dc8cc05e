//! `fencelab prove` on the stock kernel, for one fault of each kind of report: each fault and each control a test of its own. The
//! whole table takes too long for every change; `fencelab prove` alone is all of it.
//!
//! Runs where `FENCELAB_TEST_GUEST` is set, as `ci/test` does: it boots a guest for each fault.

use std::process::{Command, Stdio};

use fencelab_rules::{Judgement, Proofs};
use libtest_mimic::{Arguments, Failed, Trial};

/// A report of each kind that these faults bring: an inconsistent lock state, a sleep in atomic context, and circles through
/// reclaim, a reservation and the mmap_lock.
const KNOBS: [&str; 5] =
    ["fence-irq-lock", "fence-atomic-wait", "runjob-gfp-kernel", "runjob-resv", "runjob-mmap-lock"];

fn main() {
    let arguments = Arguments { include_ignored: false, ignored: false, ..Arguments::from_args() };
    if std::env::var_os("FENCELAB_TEST_GUEST").is_none() {
        println!("nothing is proven: FENCELAB_TEST_GUEST is not set, as ci/test sets it");
        libtest_mimic::run(&arguments, vec![]).exit();
    }
    let dir = tempfile::tempdir().expect("a folder for the proofs");
    let folder = dir.path().join("proofs");
    let status = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .arg("prove")
        .args(KNOBS)
        .args(["--bench", "vm", "--kernel", "stock", "-o"])
        .arg(&folder)
        .stdin(Stdio::null())
        .status()
        .expect("run fencelab");
    let text = std::fs::read_to_string(folder.join("proofs.json")).expect("the proofs");
    let proofs = Proofs::from_json(&text).expect("proofs that can be read");
    let mut trials = trials(&proofs);
    let code = status.code();
    trials
        .push(Trial::test("exit-code", move || verdict(code == Some(0), format!("it ended with {code:?}"))));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.has_failed() {
        println!("the proofs are kept in {}", dir.keep().display());
    }
    conclusion.exit();
}

fn verdict(good: bool, why: String) -> Result<(), Failed> {
    if good { Ok(()) } else { Err(Failed::from(why)) }
}

fn trials(proofs: &Proofs) -> Vec<Trial> {
    let tried = proofs.proofs.len();
    let all = move || verdict(tried == KNOBS.len(), format!("{tried} faults were tried"));
    let mut trials = vec![Trial::test("every-fault-was-tried", all)];
    for proof in &proofs.proofs {
        let good = proof.judgement == Judgement::Attributed;
        let why = format!("{}: {}", proof.judgement.word(), proof.why);
        trials.push(Trial::test(format!("fault/{}", proof.name), move || verdict(good, why)));
    }
    for control in &proofs.controls {
        let (silent, why) = (control.silent, control.why.clone());
        trials.push(Trial::test(format!("control/{}", control.case), move || verdict(silent, why)));
    }
    trials
}
