//! `fencelab prove`, whole, on the stock kernel: each fault, each control and each patch of the series a test of its own.
//!
//! Runs where `FENCELAB_TEST_GUEST` is set, as `ci/test` does: it boots some fifty guests and takes minutes.

use std::process::{Command, Stdio};

use fencelab_rules::{Judgement, Proofs, ROWS};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments { include_ignored: false, ignored: false, ..Arguments::from_args() };
    if std::env::var_os("FENCELAB_TEST_GUEST").is_none() {
        println!("nothing is proven: FENCELAB_TEST_GUEST is not set, as ci/test sets it");
        libtest_mimic::run(&arguments, vec![]).exit();
    }
    let dir = tempfile::tempdir().expect("a folder for the proofs");
    let folder = dir.path().join("proofs");
    let status = Command::new(env!("CARGO_BIN_EXE_fencelab"))
        .args(["prove", "--bench", "vm", "--kernel", "stock", "-o"])
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
    let mut trials = Vec::new();
    for proof in &proofs.proofs {
        let good = proof.judgement == Judgement::Attributed;
        let why = format!("{}: {}", proof.judgement.word(), proof.why);
        trials.push(Trial::test(format!("fault/{}", proof.name), move || verdict(good, why)));
    }
    for control in &proofs.controls {
        let (silent, why) = (control.silent, control.why.clone());
        trials.push(Trial::test(format!("control/{}", control.case), move || verdict(silent, why)));
    }
    for row in ROWS {
        let tally = proofs.of_row(row.number);
        let good = (tally.planted > 0 && tally.is_good()) || proofs.explanation(row.number).is_some();
        let why = format!("{} of {} faults were caught", tally.attributed, tally.planted);
        trials.push(Trial::test(format!("patch/{:02}", row.number), move || verdict(good, why)));
    }
    trials
}
