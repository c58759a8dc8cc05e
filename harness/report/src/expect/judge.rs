//! The judge: a verdict against what is known.

use fencelab_events::Verdict;

use super::list::{Line, Status};

/// How a verdict stands to what is known of its case.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    /// Nothing is known of it, or what is known says nothing of this verdict: it counts as it is.
    New,
    /// It fails as the line says.
    ExpectedFail(&'a Line),
    /// It fails, and the line says that it does so now and then.
    KnownFlake(&'a Line),
    /// The line says that it fails, and it does not, or less badly: the line should go.
    Improvement(&'a Line),
}

impl<'a> Standing<'a> {
    /// The line that is known, if it decides.
    pub fn line(self) -> Option<&'a Line> {
        match self {
            Standing::New => None,
            Standing::ExpectedFail(line) | Standing::KnownFlake(line) | Standing::Improvement(line) => {
                Some(line)
            }
        }
    }

    /// Whether the verdict is excused.
    pub fn is_excused(self) -> bool {
        matches!(self, Standing::ExpectedFail(_) | Standing::KnownFlake(_))
    }

    /// Whether a line should go.
    pub fn is_improvement(self) -> bool {
        matches!(self, Standing::Improvement(_))
    }
}

/// How bad a verdict is, in the lists' words; none where it says nothing of the case's faults.
fn severity(verdict: Verdict) -> Option<Status> {
    match verdict {
        Verdict::Pass | Verdict::Unexercised | Verdict::Skip | Verdict::NotRun => None,
        Verdict::Unarmed => Some(Status::Warn),
        Verdict::Splat | Verdict::Fail => Some(Status::Fail),
        Verdict::Timeout => Some(Status::Timeout),
        Verdict::Crash | Verdict::Stuck | Verdict::Lost => Some(Status::Crash),
    }
}

pub(super) fn judge<'a>(
    verdict: Verdict,
    flake: impl FnOnce() -> Option<&'a Line>,
    fail: impl FnOnce() -> Option<&'a Line>,
) -> Standing<'a> {
    let found = severity(verdict);
    // A case that did not run, or does not apply here, has not improved.
    if found.is_none() && verdict != Verdict::Pass {
        return Standing::New;
    }
    if let Some(line) = flake() {
        return found.map_or(Standing::New, |_| Standing::KnownFlake(line));
    }
    let Some(line) = fail() else { return Standing::New };
    match (found, line.status) {
        (None, _) => Standing::Improvement(line),
        (Some(_), None) => Standing::ExpectedFail(line),
        // With lockdep off, a pass or a milder fail proves nothing.
        (Some(Status::Warn), Some(known)) if known > Status::Warn => Standing::New,
        (Some(found), Some(known)) if found < known => Standing::Improvement(line),
        (Some(found), Some(known)) if found == known => Standing::ExpectedFail(line),
        (Some(_), Some(_)) => Standing::New,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Expectations, Kind, List};
    use super::*;

    fn lists() -> Expectations {
        let mut lists = Expectations::default();
        for (kind, text) in [
            (Kind::Fails, "a/any\na/fail,Fail\na/crash,Crash\na/flaky"),
            (Kind::Flakes, "a/flaky"),
            (Kind::Skips, "a/hangs.*"),
        ] {
            lists.add(List::parse("list", kind, text).unwrap());
        }
        lists
    }

    fn word(id: &str, verdict: Verdict) -> &'static str {
        match lists().judge(id, verdict, &[]) {
            Standing::New => "new",
            Standing::ExpectedFail(_) => "expected",
            Standing::KnownFlake(_) => "flake",
            Standing::Improvement(_) => "improvement",
        }
    }

    #[test]
    fn a_known_fail_that_passes_has_improved() {
        assert_eq!(word("a/any", Verdict::Pass), "improvement");
        assert_eq!(word("a/fail", Verdict::Pass), "improvement");
        assert_eq!(word("a/crash", Verdict::Fail), "improvement");
    }

    #[test]
    fn a_known_fail_that_fails_is_expected_and_a_worse_one_is_new() {
        assert_eq!(word("a/any", Verdict::Stuck), "expected");
        assert_eq!(word("a/fail", Verdict::Splat), "expected");
        assert_eq!(word("a/fail", Verdict::Crash), "new");
        assert_eq!(word("a/unknown", Verdict::Fail), "new");
    }

    #[test]
    fn a_flake_may_do_either() {
        assert_eq!(word("a/flaky", Verdict::Fail), "flake");
        assert_eq!(word("a/flaky", Verdict::Pass), "new");
    }

    #[test]
    fn what_did_not_run_armed_has_not_improved() {
        for verdict in [Verdict::Skip, Verdict::NotRun] {
            assert_eq!(word("a/any", verdict), "new");
        }
        assert_eq!(word("a/fail", Verdict::Unarmed), "new");
    }

    #[test]
    fn skips_are_found_for_the_plan() {
        assert_eq!(lists().skips("a/hangs-forever@qxl").unwrap().place(), "list:1");
        assert!(lists().skips("a/any").is_none());
    }
}
