//! `results.csv` in deqp-runner's form: `name,status,duration`, no head line, its own words for statuses.

use std::borrow::Cow;
use std::io::Write;

use fencelab_events::{Outcome, Verdict};

use crate::Error;
use crate::expect::Standing;
use crate::text::{line, seconds};
use crate::view::View;

/// Writes the report: every case, and behind it its parts, whose own durations are not known.
///
/// # Errors
/// The writer's.
pub(crate) fn write(view: &View<'_>, out: &mut dyn Write) -> Result<(), Error> {
    for case in &view.cases {
        let status = known(case.standing, of_verdict(case.verdict));
        writeln!(out, "{},{status},{}", quoted(case.id()), seconds(case.took_us()))?;
        for part in &case.parts {
            let status = known(part.standing, of_outcome(part.subtest.outcome));
            writeln!(out, "{},{status},{}", quoted(&part.id), seconds(0))?;
        }
    }
    Ok(())
}

fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Pass",
        Verdict::Skip => "Skip",
        Verdict::Unarmed | Verdict::Unexercised => "Warn",
        Verdict::Fail | Verdict::Splat => "Fail",
        Verdict::Timeout => "Timeout",
        Verdict::Crash | Verdict::Stuck | Verdict::Lost => "Crash",
        Verdict::NotRun => "Missing",
    }
}

fn of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "Pass",
        Outcome::Skip => "Skip",
        Outcome::Fail => "Fail",
        Outcome::Timeout => "Timeout",
        Outcome::Crash | Outcome::Stuck | Outcome::Lost => "Crash",
        Outcome::Cancelled => "Missing",
    }
}

fn known<'s>(standing: Standing<'_>, status: &'s str) -> Cow<'s, str> {
    match standing {
        Standing::New => Cow::Borrowed(status),
        Standing::ExpectedFail(_) => Cow::Borrowed("ExpectedFail"),
        Standing::KnownFlake(_) => Cow::Borrowed("KnownFlake"),
        Standing::Improvement(_) => Cow::Owned(format!("UnexpectedImprovement({status})")),
    }
}

/// A name with a comma or a quote stands in quotes, its quotes doubled (RFC 4180).
fn quoted(name: &str) -> Cow<'_, str> {
    let name = line(name);
    if name.contains([',', '"']) {
        return Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_stay_one_field() {
        assert_eq!(quoted("a/b@c+d"), "a/b@c+d");
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"␊\"");
    }
}
