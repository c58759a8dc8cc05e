//! Hangs recorded in a guest become scenarios that hang in the same way, and small ones.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::path::Path;

use fencelab_fences::{analyse, graph::Nobody};
use fencelab_replay::{Converted, Devices, Options, Timing, convert, minimize};
use fencelab_scenario::{Expect, Verdict, simulate};
use fencelab_trace::Session;

fn converted(name: &str, expect: Expect) -> Converted {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fences/tests/sessions").join(name);
    let session = Session::open(&folder).unwrap();
    // What ended the hang is no part of it.
    let findings = analyse(&session, fencelab_fences::Options::default(), &Nobody).unwrap().findings;
    let ended = findings.iter().find_map(|finding| finding.ended.as_ref()).map(|ended| (0, ended.at_ns - 1));
    let options = Options {
        pids: Vec::new(),
        between_ns: ended,
        timing: Timing::Fast,
        syncobjs_on: None,
        jobs_on: "software".into(),
        lasted: HashMap::new(),
        order: None,
        expect,
    };
    convert(&session, &options).unwrap()
}

/// The replay comes to that verdict, and so does a smaller one of at most so many steps.
fn shows(name: &str, verdict: Verdict, steps: usize) {
    let converted = converted(name, verdict.expect());
    let text = converted.scenario.to_string();
    let outcome = simulate(&converted.scenario);
    assert_eq!(outcome.verdict, verdict, "{name}: {outcome:#?}\n{text}\n{}", converted.fidelity);
    let shrunk = minimize(&converted.scenario, Devices::Kept, &mut |candidate| {
        let found = simulate(candidate);
        found.verdict == verdict && found.told >= outcome.told
    });
    assert!(shrunk.scenario.len() <= steps, "{name}:\n{}", shrunk.scenario);
}

#[test]
fn a_circle_over_two_devices_is_one_of_a_few_steps() {
    shows("H7", Verdict::D1, 5);
}

#[test]
fn two_threads_that_should_submit_for_each_other_are_one() {
    shows("H9", Verdict::D1, 4);
}

#[test]
fn a_point_that_nobody_submits_is_one_step() {
    shows("H12", Verdict::D2, 2);
}

#[test]
fn what_became_of_the_calls_is_told() {
    let Converted { fidelity, .. } = converted("H7", Expect::D1);
    let kept: usize = fidelity.kept.values().sum();
    assert!(kept > 0 && fidelity.other > 0, "{fidelity}");
    assert!(fidelity.replaced.contains_key("commits by jobs of 1 ms"), "{fidelity}");
}
