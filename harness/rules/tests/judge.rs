//! The judge on made-up sessions: what is caught, what is missed, and everything in between.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use fencelab_events::event::CaseFinished;
use fencelab_events::{
    Captured, Entry, Event, Finding, How, Lockdep, Outcome, PlannedCase, RuleHit, Session,
};
use fencelab_rules::{Expected, Judgement, Knob, Proof, Proofs, Subject, judge, judge_controls};

const CASE: &str = "submit/tour@amdgpu-twin";

fn expected(kind: &str) -> Expected {
    let line = format!("runjob\tamdgpu\tSCHED-RUNJOB,SIG-RECLAIM\t08\t{kind}\tcs\tallocates in run_job");
    let knob = Knob::parse_list(&line).unwrap().remove(0);
    Expected {
        name: "runjob".into(),
        subject: Subject::Knob(knob),
        kernel: "stock".into(),
        case: CASE.into(),
    }
}

fn finding(kind: &str, rule: &str, how: How) -> Finding {
    let mut finding = template();
    finding.kind = kind.into();
    finding.rules = vec![RuleHit { id: rule.into(), evidence: String::new(), sentence: String::new() }];
    finding.attribution.case = Some(CASE.into());
    finding.attribution.how = how;
    finding
}

/// A finding read from JSON, so that fields that others add need no change here.
fn template() -> Finding {
    serde_json::from_value(serde_json::json!({
        "boot": 1, "kind": "", "title": "fs_reclaim under dma_fence_map", "signature": "", "rules": [], "annotation": null, "blame": null,
        "evidence": [], "file": "splats/1.txt", "first_seq": 0, "last_seq": 0, "at_us": 0, "complete": true,
        "attribution": {
            "case": null, "how": "outside", "reason": "a reason", "thread": "kworker/0:1/9", "entry": "drm_sched_run_job_work",
        },
    }))
    .unwrap()
}

fn session(outcome: Outcome, reason: &str, findings: Vec<Finding>) -> Session {
    let plan = PlannedCase {
        id: CASE.into(),
        suite: "submit".into(),
        name: "tour".into(),
        devices: vec!["amdgpu-twin".into()],
        limit_ms: 1000,
        rules: vec!["FENCE-TIME".into(), "SCHED-RUNJOB".into()],
        about: String::new(),
        env: vec![],
        program: None,
    };
    let lockdep = Lockdep::Armed;
    let finished = CaseFinished {
        case: CASE.into(),
        attempt: 1,
        boot: 1,
        outcome,
        reason: reason.into(),
        pid: Some(7),
        exit: None,
        at_us: 0,
        took_us: 0,
        klog: (0, 9),
        lockdep,
        coverage: None,
        subtests: vec![],
        notes: vec![],
        stdout: Captured::default(),
        stderr: Captured::default(),
        memory_peak: None,
    };
    let mut events = vec![
        Event::Planned { cases: vec![plan], devices: vec![] },
        Event::CaseStarted { case: CASE.into(), attempt: 1, boot: 1, lockdep },
    ];
    events.extend(findings.into_iter().map(|finding| Event::Found(Box::new(finding))));
    events.push(Event::CaseFinished(Box::new(finished)));
    let entries: Vec<Entry> = events.into_iter().map(|event| Entry { at_ms: 1, event }).collect();
    Session::fold(&entries)
}

fn judged(kind: &str, outcome: Outcome, findings: Vec<Finding>) -> Proof {
    judge(&expected(kind), &session(outcome, "it said so", findings), "stock/runjob")
}

#[test]
fn a_report_with_the_right_rule_thread_and_call_is_attributed() {
    let proof = judged("circular", Outcome::Pass, vec![finding("circular", "SCHED-RUNJOB", How::Worker)]);
    assert_eq!((proof.judgement, proof.why.as_str()), (Judgement::Attributed, ""));
    assert_eq!(proof.seen.unwrap().file, "stock/runjob/splats/1.txt");
}

#[test]
fn silence_is_a_miss_and_another_kind_is_told() {
    let missed = judged("circular", Outcome::Pass, vec![]);
    assert_eq!(missed.judgement, Judgement::Missed);
    let other = judged("circular", Outcome::Pass, vec![finding("warn", "SCHED-RUNJOB", How::Caller)]);
    assert_eq!(
        (other.judgement, other.why.as_str()),
        (Judgement::WrongKind, "a warn report, expected circular")
    );
}

#[test]
fn another_rule_is_told() {
    let proof = judged("circular", Outcome::Pass, vec![finding("circular", "RESV-CTX", How::Caller)]);
    assert_eq!(proof.judgement, Judgement::WrongRule);
    assert!(proof.why.contains("RESV-CTX"), "{}", proof.why);
    // Of the rules that the knob breaks, the first one must be among those that the report was given.
    let second = judged("circular", Outcome::Pass, vec![finding("circular", "SIG-RECLAIM", How::Caller)]);
    assert_eq!(second.judgement, Judgement::WrongRule);
}

#[test]
fn another_case_no_thread_no_call_and_the_time_alone_are_no_attribution() {
    let mut elsewhere = finding("circular", "SCHED-RUNJOB", How::Caller);
    elsewhere.attribution.case = Some("another".into());
    let mut nobody = finding("circular", "SCHED-RUNJOB", How::Caller);
    nobody.attribution.thread = None;
    let mut nowhere = finding("circular", "SCHED-RUNJOB", How::Caller);
    nowhere.attribution.entry = None;
    let by_time = finding("circular", "SCHED-RUNJOB", How::Window);
    for wrong in [elsewhere, nobody, nowhere, by_time] {
        let proof = judged("circular", Outcome::Pass, vec![wrong.clone()]);
        assert_eq!(proof.judgement, Judgement::Misattributed, "{wrong:?}");
    }
}

#[test]
fn a_case_that_must_fail_is_caught_when_it_names_the_rule() {
    let proof = judged("fail", Outcome::Fail, vec![]);
    assert_eq!(proof.judgement, Judgement::Attributed);
    assert_eq!(judged("fail", Outcome::Pass, vec![]).judgement, Judgement::Missed);
    let mut other = expected("fail");
    if let Subject::Knob(knob) = &mut other.subject {
        knob.rules = vec!["BUF-WAIT".into()];
    }
    let proof = judge(&other, &session(Outcome::Fail, "x", vec![]), "f");
    assert_eq!(proof.judgement, Judgement::WrongRule);
}

#[test]
fn a_case_that_was_skipped_or_is_not_there_was_not_run() {
    assert_eq!(judged("circular", Outcome::Skip, vec![]).judgement, Judgement::NotRun);
    let nothing = judge(&expected("circular"), &Session::default(), "f");
    assert_eq!(nothing.judgement, Judgement::NotRun);
}

#[test]
fn a_control_is_silent_or_says_what_it_was_not() {
    let all = [expected("circular")];
    let silent = judge_controls(&all, &session(Outcome::Pass, "", vec![]), "stock");
    assert!(silent.iter().all(|control| control.silent));
    let noisy = session(Outcome::Pass, "", vec![finding("circular", "SCHED-RUNJOB", How::Caller)]);
    let noisy = judge_controls(&all, &noisy, "stock");
    assert_eq!((noisy[0].silent, noisy[0].false_reports), (false, 1));
    let failed = judge_controls(&all, &session(Outcome::Fail, "it broke", vec![]), "stock");
    assert_eq!((failed[0].silent, failed[0].why.as_str()), (false, "fail: it broke"));
    let mut orphan = finding("warn", "RESV-CTX", How::Outside);
    orphan.attribution.case = None;
    let orphans = judge_controls(&all, &session(Outcome::Pass, "", vec![orphan]), "stock");
    assert!(orphans.iter().any(|control| control.case == "outside any case" && !control.silent));
}

#[test]
fn proofs_are_good_only_when_everything_is() {
    let good = judged("circular", Outcome::Pass, vec![finding("circular", "SCHED-RUNJOB", How::Caller)]);
    let control = judge_controls(&[expected("circular")], &session(Outcome::Pass, "", vec![]), "stock");
    let proofs =
        Proofs { complete: true, proofs: vec![good], controls: control, whole: true, ..Proofs::default() };
    assert!(proofs.is_good());
    let read = Proofs::from_json(&proofs.to_json().unwrap()).unwrap();
    assert_eq!(read, proofs);
    let mut missed = proofs.clone();
    missed.proofs[0].judgement = Judgement::Missed;
    let mut noisy = proofs.clone();
    noisy.controls[0].silent = false;
    let cut = Proofs { complete: false, ..proofs.clone() };
    let empty = Proofs { proofs: vec![], ..proofs.clone() };
    for bad in [missed, noisy, cut, empty] {
        assert!(!bad.is_good());
    }
    let row = proofs.of_row(8);
    assert_eq!((row.planted, row.detected, row.attributed, row.falsely), (1, 1, 1, 0));
    assert!(proofs.by_rule().iter().any(|t| t.rule == "SIG-RECLAIM" && t.tally.is_good()));
}
