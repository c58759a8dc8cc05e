//! What belongs to no case.

use fencelab_events::SessionEnd;
use junit_report::{TestCase, TestResult};

use crate::view::View;
use crate::why::reported;

use super::body::{self, Budget};
use super::case::{message, named};
use super::coverage;
use super::names::Names;

pub(super) fn testcases(view: &View<'_>, names: &mut Names, budget: &mut Budget) -> Vec<TestCase> {
    let mut run = named(names.unique("session/run"), "session", end(view, budget));
    run.system_out = coverage::of_run(view);
    let mut cases = vec![run];
    for finding in view.orphans() {
        let name = format!("session/outside-any-case: {}, boot {}", finding.kind, finding.boot);
        let result = TestResult::Failure {
            type_: "splat".into(),
            message: message(&reported(finding)),
            cause: Some(budget.fit(&body::of_finding(view, finding), &view.path(&finding.file))),
        };
        let mut case = named(names.unique(&name), "session", result);
        let attachment = format!("[[ATTACHMENT|{}]]", view.path(&finding.file));
        case.system_out = Some(budget.fit(&attachment, ""));
        cases.push(case);
    }
    cases
}

/// A run that was killed leaves this as an error: nobody takes a cut report for a whole one.
fn end(view: &View<'_>, budget: &mut Budget) -> TestResult {
    let (type_, why) = match &view.session.end {
        Some(SessionEnd::Complete) => return TestResult::Success,
        Some(SessionEnd::Interrupted) => ("interrupted", "the run was interrupted".to_owned()),
        Some(SessionEnd::Aborted { why }) => ("infrastructure", format!("the run was given up: {why}")),
        None => ("unfinished", "the run has not ended, or was killed".to_owned()),
    };
    TestResult::Error { type_: type_.into(), message: message(&why), cause: Some(budget.fit(&why, "")) }
}
