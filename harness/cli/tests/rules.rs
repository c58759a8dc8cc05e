//! The rules are in one place, and everything that speaks of them speaks of those.

use std::collections::BTreeSet;

use fencelab_rules::{Knob, Plan, RULES, Way, rule_of};
use fencelab_suites::catalogue;

const PLAN: &str = include_str!("../../../configs/proofs/plan.yaml");
const KNOBS: &str = include_str!("../../../configs/proofs/knobs.tsv");

fn plan() -> Plan {
    serde_yaml::from_str(PLAN).expect("the plan")
}

fn knobs() -> Vec<Knob> {
    Knob::parse_list(KNOBS).expect("the knobs")
}

fn of_cases() -> BTreeSet<&'static str> {
    catalogue::suites().iter().flat_map(|(_, cases)| *cases).flat_map(|case| case.rules).copied().collect()
}

fn of_klog() -> BTreeSet<&'static str> {
    fencelab_klog::known_rules().map(|(id, _)| id).collect()
}

#[test]
fn nobody_speaks_of_a_rule_that_is_none() {
    for id in of_cases().into_iter().chain(of_klog()) {
        assert!(rule_of(id).is_some(), "there is no rule {id}");
    }
    let plan = plan();
    let of_plan = plan.drivers.iter().flat_map(|proof| &proof.rules);
    let of_plan = of_plan.chain(plan.broken.iter().map(|broken| &broken.rule)).chain(plan.metal.keys());
    let excused = plan.untested.keys().chain(plan.unplanted.keys()).chain(plan.unmatched.keys());
    for id in of_plan.chain(excused) {
        assert!(rule_of(id).is_some(), "there is no rule {id}");
    }
}

/// Rules with this letter that nobody shows in that way, and that have no excuse; and excuses that are stale.
fn unshown(
    way: Way,
    shown: &BTreeSet<&str>,
    excused: &std::collections::BTreeMap<String, String>,
) -> Vec<String> {
    let missing = RULES
        .iter()
        .filter(|rule| rule.shows(way) && !shown.contains(rule.id) && !excused.contains_key(rule.id))
        .map(|rule| format!("{} is shown by nobody", rule.id));
    let stale =
        excused.keys().filter(|id| shown.contains(id.as_str())).map(|id| format!("{id} needs no excuse"));
    missing.chain(stale).collect()
}

#[test]
fn every_rule_that_can_be_tested_has_a_case() {
    assert_eq!(unshown(Way::Test, &of_cases(), &plan().untested), Vec::<String>::new());
}

#[test]
fn every_rule_that_the_kernel_reports_has_a_matcher() {
    assert_eq!(unshown(Way::Log, &of_klog(), &plan().unmatched), Vec::<String>::new());
}

#[test]
fn every_rule_that_can_be_planted_has_a_knob() {
    let knobs = knobs();
    let planted = knobs.iter().flat_map(|knob| &knob.rules).map(String::as_str).collect();
    assert_eq!(unshown(Way::Fault, &planted, &plan().unplanted), Vec::<String>::new());
}

#[test]
fn every_patch_of_the_series_is_shown_or_explained() {
    let (plan, knobs) = (plan(), knobs());
    for row in fencelab_rules::ROWS {
        let planted = knobs.iter().any(|knob| knob.row == Some(row.number));
        let shown = plan.drivers.iter().any(|proof| proof.row == row.number);
        let explained = plan.explained.iter().any(|one| one.row == row.number);
        assert!(planted || shown || explained, "patch {:02} has no proof and no reason", row.number);
    }
}
