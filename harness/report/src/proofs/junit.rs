//! JUnit XML of proofs: a testcase a fault, a control and a patch of the series.

use std::io::Write;

use fencelab_rules::{Control, Judgement, Proof, Proofs, ROWS, Row};
use junit_report::{Duration, Report, TestCase, TestResult, TestSuite};

use super::{laid_to, wanted};
use crate::Error;
use crate::junit::{sanitise, short};
use crate::text::moment;

pub(super) fn write(proofs: &Proofs, out: &mut dyn Write) -> Result<(), Error> {
    let mut report = Report::new();
    report.add_testsuite(suite(proofs, "faults", proofs.proofs.iter().map(fault).collect()));
    report.add_testsuite(suite(proofs, "controls", proofs.controls.iter().map(control).collect()));
    if proofs.whole {
        report.add_testsuite(suite(proofs, "patches", ROWS.iter().map(|row| patch(proofs, row)).collect()));
    }
    if !proofs.complete {
        let result = bad(true, "unfinished", "the run was stopped, or was killed, before its end", "");
        report.add_testsuite(suite(proofs, "session", vec![case("session/prove", 0, result)]));
    }
    report.write_xml(&mut *out)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn suite(proofs: &Proofs, name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.package = "fencelab prove".into();
    suite.set_timestamp(moment(proofs.began_ms));
    suite.add_testcases(cases);
    sanitise::suite(suite)
}

fn case(name: &str, took_ms: u64, result: TestResult) -> TestCase {
    let mut case =
        TestCase::success(name, Duration::milliseconds(i64::try_from(took_ms).unwrap_or(i64::MAX)));
    case.set_classname("prove");
    case.result = result;
    case
}

fn bad(is_error: bool, type_: &str, message: &str, body: &str) -> TestResult {
    let (type_, message, cause) = (type_.to_owned(), short(message), Some(format!("{message}\n{body}")));
    match is_error {
        true => TestResult::Error { type_, message, cause },
        false => TestResult::Failure { type_, message, cause },
    }
}

fn fault(proof: &Proof) -> TestCase {
    let name = format!("faults/{}@{}", proof.name, proof.kernel);
    let seen = proof.seen.as_ref().map(|seen| {
        format!(
            "seen: {}, {}\nits rules: {}\nfile: {}\n",
            seen.kind,
            seen.title,
            seen.rules.join(", "),
            seen.file
        )
    });
    let body = format!(
        "planted: {}\nexpected: {}\ncase: {}\nsession: {}\n{}{}",
        proof.subject.what(),
        wanted(proof),
        proof.case,
        proof.session,
        seen.unwrap_or_default(),
        laid_to(proof).map(|to| format!("laid to: {to}\n")).unwrap_or_default(),
    );
    let result = match proof.judgement {
        Judgement::Attributed => TestResult::Success,
        Judgement::NotRun => bad(true, "not run", &proof.why, &body),
        judgement => bad(false, judgement.word(), &proof.why, &body),
    };
    let mut case = case(&name, proof.took_ms, result);
    case.system_out = Some(body);
    case
}

fn control(control: &Control) -> TestCase {
    let name = format!("controls/{}@{}", control.case, control.kernel);
    let body = format!("with the lawful variants of {}", control.knobs.join(", "));
    let result = match control.silent {
        true => TestResult::Success,
        false => bad(false, "not silent", &control.why, &body),
    };
    case(&name, 0, result)
}

fn patch(proofs: &Proofs, row: &Row) -> TestCase {
    let tally = proofs.of_row(row.number);
    let result = match proofs.explanation(row.number) {
        _ if tally.planted > 0 && tally.is_good() => TestResult::Success,
        Some(reason) if tally.planted == 0 => TestResult::SkippedWithCause {
            type_: "not shown".into(),
            message: short(reason),
            cause: Some(reason.into()),
        },
        _ => {
            let text = format!(
                "{} of {} faults were caught; a violation looks like: {}",
                tally.attributed, tally.planted, row.violation
            );
            bad(false, "not shown", &text, row.patch)
        }
    };
    case(&format!("patches/{:02} {}", row.number, row.patch), 0, result)
}
