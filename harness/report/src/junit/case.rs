//! One case, or one part of a case.

use fencelab_events::{Outcome, Verdict};
use junit_report::{Duration, TestCase, TestResult};

use crate::expect::Standing;
use crate::text::{clip, line};
use crate::view::{Case, Part, View};
use crate::why::why;

use super::body::{self, Budget};
use super::coverage;
use super::names::Names;

/// Attributes are shown in one line.
const MESSAGE: usize = 500;

pub(super) fn testcase(view: &View<'_>, case: &Case<'_>, names: &mut Names, budget: &mut Budget) -> TestCase {
    let why = why(view, case);
    let whole = view.path("events.jsonl");
    let result = match (case.standing, case.verdict) {
        (Standing::New, Verdict::Pass) => TestResult::Success,
        (Standing::New, Verdict::Skip) => skipped("skip", &why),
        (Standing::New, Verdict::Unexercised) => skipped("not exercised", &why),
        (Standing::New, Verdict::NotRun) => skipped("not run", &format!("not run: {why}")),
        (Standing::New, verdict) => {
            let body = budget.fit(&body::of_case(view, case, &why), &whole);
            bad(verdict, &why, body)
        }
        (standing, _) => known(standing, &why),
    };
    let mut testcase = named(names.unique(case.id()), &case.record.plan.suite, result);
    testcase.time = duration(case.took_us());
    if case.verdict == Verdict::Pass {
        testcase.system_out = coverage::of_case(case);
    } else {
        testcase.system_out = system_out(view, case, budget);
        let stderr = case.finished().map(|finished| finished.stderr.text.as_str()).unwrap_or_default();
        testcase.system_err = (!stderr.is_empty()).then(|| budget.fit(stderr, &whole));
    }
    testcase
}

/// A part's testcase. Its text is its reason alone: all else stands with the case.
pub(super) fn of_part(case: &Case<'_>, part: &Part<'_>, names: &mut Names, budget: &mut Budget) -> TestCase {
    let reason = &part.subtest.reason;
    let result = match (part.standing, part.subtest.outcome) {
        (Standing::New, Outcome::Pass) => TestResult::Success,
        (Standing::New, Outcome::Skip | Outcome::Cancelled) => skipped("skip", reason),
        (Standing::New, _) => {
            let text = budget.fit(&format!("{reason}\n\na part of {}", case.id()), "events.jsonl");
            bad(Verdict::Fail, reason, text)
        }
        (standing, _) => known(standing, reason),
    };
    named(names.unique(&part.id), &case.record.plan.suite, result)
}

/// A testcase of this name, in this suite.
pub(super) fn named(name: String, suite: &str, result: TestResult) -> TestCase {
    let mut testcase = TestCase::success(&name, Duration::ZERO);
    testcase.set_classname(suite);
    testcase.result = result;
    testcase
}

/// An attribute's text.
pub(crate) fn message(text: &str) -> String {
    let safe = line(text);
    clip(&safe, MESSAGE, "below").replace('\n', " ")
}

fn skipped(type_: &str, why: &str) -> TestResult {
    TestResult::SkippedWithCause { type_: type_.into(), message: message(why), cause: Some(message(why)) }
}

fn bad(verdict: Verdict, why: &str, body: String) -> TestResult {
    let (type_, message, cause) = (verdict.word().to_owned(), message(why), Some(body));
    match verdict {
        Verdict::Fail | Verdict::Splat => TestResult::Failure { type_, message, cause },
        _ => TestResult::Error { type_, message, cause },
    }
}

/// A case of which a list speaks.
fn known(standing: Standing<'_>, why: &str) -> TestResult {
    let place = standing.line().map(|line| line.place()).unwrap_or_default();
    match standing {
        Standing::Improvement(_) => {
            let text =
                format!("{place} says that it fails, and it does not, or less badly: take the line out");
            TestResult::Failure {
                type_: "improvement".into(),
                message: message(&text),
                cause: Some(message(&format!("{text}. {why}"))),
            }
        }
        Standing::KnownFlake(_) => skipped("known flake", &format!("known flake ({place}): {why}")),
        _ => skipped("expected fail", &format!("expected fail ({place}): {why}")),
    }
}

/// The splat files, as GitLab finds attachments; then what the case said.
fn system_out(view: &View<'_>, case: &Case<'_>, budget: &mut Budget) -> Option<String> {
    let mut out: String = case
        .findings
        .iter()
        .map(|finding| format!("[[ATTACHMENT|{}]]\n", view.path(&finding.file)))
        .collect();
    if let Some(finished) = case.finished() {
        out.extend(coverage::of_case(case));
        finished.notes.iter().for_each(|note| out.push_str(&format!("note: {note}\n")));
        out.push_str(&finished.stdout.text);
    }
    (!out.is_empty()).then(|| budget.fit(&out, &view.path("events.jsonl")))
}

fn duration(us: u64) -> Duration {
    Duration::microseconds(i64::try_from(us).unwrap_or(i64::MAX))
}
