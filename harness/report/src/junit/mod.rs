//! JUnit XML, as GitLab and Jenkins read it.
//!
//! | verdict | element | why |
//! | --- | --- | --- |
//! | fail, splat | `failure` | a check did not hold, or the kernel reported something |
//! | crash, timeout, stuck, lost | `error` | the case could not come to its end |
//! | unarmed | `error` | it passed, but with lockdep off: green would be a lie, and no check failed |
//! | not exercised | `skipped` | it passed and tested nothing of the rule that it claims: green would be a lie |
//! | expected fail, known flake | `skipped` | as drm-ci's lists say; the message names the list's line |
//! | improvement | `failure` | a known fail that passed: the list is wrong now, and the run's exit code says so too |
//! | skip, not run | `skipped` | with the reason |
//!
//! Every suite is a `testsuite`; a case is a `testcase` with its devices in its name, its parts are testcases beside it.
//! The suite `session` holds what belongs to no case: how the run ended, and the kernel's reports outside any case.
//!
//! GitLab (lib/gitlab/ci/parsers/test/junit.rb) keeps the first of two cases with one name, shows the element's text and
//! not its message, takes the first `[[ATTACHMENT|path]]` of system-out, and reads files below 30 MB only.

mod body;
mod case;
mod coverage;
mod names;
pub(crate) mod sanitise;
mod session;

use std::io::Write;

use junit_report::{Report, TestCase, TestSuite};

use crate::Error;
use crate::text::moment;
use crate::view::View;

pub(crate) use case::message as short;

use body::Budget;
use names::Names;

/// Writes the report.
///
/// # Errors
/// The writer's.
pub(crate) fn write(view: &View<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let mut names = Names::default();
    let mut budget = Budget::of_file();
    let mut suites: Vec<(&str, Option<u64>, Vec<TestCase>)> = Vec::new();
    for case in &view.cases {
        let name = case.record.plan.suite.as_str();
        let began = case.record.attempts.first().map(|attempt| attempt.began_ms);
        let at = suites.iter().position(|suite| suite.0 == name).unwrap_or_else(|| {
            suites.push((name, began, Vec::new()));
            suites.len() - 1
        });
        // Guests side by side take cases in no order.
        suites[at].1 = [suites[at].1, began].into_iter().flatten().min();
        suites[at].2.push(case::testcase(view, case, &mut names, &mut budget));
        suites[at].2.extend(case.parts.iter().map(|part| case::of_part(case, part, &mut names, &mut budget)));
    }
    suites.push(("session", None, session::testcases(view, &mut names, &mut budget)));

    let mut report = Report::new();
    report.add_testsuites(suites.into_iter().map(|(name, began, cases)| suite(view, name, began, cases)));
    report.write_xml(&mut *out)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn suite(view: &View<'_>, name: &str, began_ms: Option<u64>, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.package = "fencelab".into();
    suite.hostname.clone_from(&view.session.host);
    suite.set_timestamp(moment(began_ms.unwrap_or(view.session.began_ms)));
    suite.add_testcases(cases);
    sanitise::suite(suite)
}
