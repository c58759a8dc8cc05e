//! Which code a session comes to, where several could be meant.

mod common;

use std::collections::BTreeMap;

use fencelab_events::{BootEnd, How, Outcome, SessionEnd};
use fencelab_report::expect::{Kind, List};
use fencelab_report::{Expectations, Input, View, exit};

use common::{Journal, RECLAIM_TEXT, case, reclaim_in_commit, subtest};

/// Two cases on a booted bench; none has run.
fn begun() -> Journal {
    let plan = ["one", "two"].map(|name| case("self", name, &["vkms"], &[], "it holds"));
    let mut journal = Journal::begin("stock", plan.into());
    journal.boot(&[]);
    journal
}

fn code(journal: &Journal, fails: &str) -> u8 {
    let (session, splats) = (journal.session(), BTreeMap::new());
    let mut lists = Expectations::default();
    lists.add(List::parse("vm-fails.txt", Kind::Fails, fails).expect("a list"));
    exit::of(&View::of(&Input { session: &session, expectations: &lists, splats: &splats, dir: "" })).code()
}

/// Both cases with these outcomes, then the end.
fn ran(one: Outcome, two: Outcome, end: SessionEnd) -> Journal {
    let mut journal = begun();
    journal.runs("self/one@vkms", one, "");
    journal.runs("self/two@vkms", two, "");
    journal.end(end);
    journal
}

fn aborted() -> SessionEnd {
    SessionEnd::Aborted { why: "no space is left on the disk".into() }
}

#[test]
fn a_run_that_did_not_end_is_never_clean() {
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Pass, SessionEnd::Complete), ""), 0);
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Pass, SessionEnd::Interrupted), ""), 3);
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Pass, aborted()), ""), 3);
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Cancelled, SessionEnd::Complete), ""), 3);
    assert_eq!(code(&begun(), ""), 3);
}

#[test]
fn a_finding_counts_however_the_run_ended() {
    for end in [SessionEnd::Complete, SessionEnd::Interrupted, aborted()] {
        assert_eq!(code(&ran(Outcome::Pass, Outcome::Crash, end), ""), 1);
    }
}

#[test]
fn a_case_lost_with_the_bench_is_a_finding_unless_the_run_was_given_up() {
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Lost, SessionEnd::Complete), ""), 1);
    assert_eq!(code(&ran(Outcome::Pass, Outcome::Lost, aborted()), ""), 3);
}

#[test]
fn what_ran_with_lockdep_off_is_101_and_a_finding_beats_it() {
    for (one, expected) in [(Outcome::Pass, 101), (Outcome::Fail, 1)] {
        let mut journal = begun();
        journal.runs("self/one@vkms", one, "");
        journal.lockdep_off(
            fencelab_events::LockdepCause::Taint,
            "Disabling lock debugging",
            "self/one@vkms",
        );
        journal.runs("self/two@vkms", Outcome::Pass, "");
        journal.boot_ends(BootEnd::Done);
        journal.end(SessionEnd::Complete);
        assert_eq!(code(&journal, ""), expected);
    }
}

#[test]
fn a_report_outside_any_case_is_a_finding() {
    let mut journal = begun();
    let mut finding = reclaim_in_commit(&journal, "", None, How::Outside);
    finding.attribution.case = None;
    journal.found(finding, RECLAIM_TEXT);
    journal.runs("self/one@vkms", Outcome::Pass, "");
    journal.runs("self/two@vkms", Outcome::Pass, "");
    journal.end(SessionEnd::Complete);
    assert_eq!(code(&journal, ""), 1);
}

#[test]
fn a_list_excuses_the_parts_that_it_names_and_no_others() {
    let mut journal = begun();
    journal.ends("self/one@vkms", Outcome::Fail, "2 parts failed", |end| {
        end.subtests = vec![subtest("a", Outcome::Fail, "x"), subtest("b", Outcome::Fail, "x")];
    });
    journal.runs("self/two@vkms", Outcome::Pass, "");
    journal.end(SessionEnd::Complete);
    assert_eq!(code(&journal, "self/one@vkms/a,Fail\nself/one@vkms/b,Fail"), 0);
    assert_eq!(code(&journal, "self/one@vkms/a,Fail"), 1);
    assert_eq!(code(&journal, "self/one@vkms,Fail"), 1);
    assert_eq!(code(&journal, "self/one@vkms.*"), 0);
    assert_eq!(code(&journal, "self/one@vkms.*\nself/two@vkms,Fail"), 2);
}
