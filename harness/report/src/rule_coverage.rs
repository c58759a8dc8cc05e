//! Contract coverage by rules: which of them a case of this run passed with, and on which devices.

use std::collections::{BTreeMap, BTreeSet};

use fencelab_events::coverage::needs_section;
use fencelab_events::{Lockdep, Outcome, SessionEnd, Verdict};
use fencelab_rules::{RULES, Rule, Way, rule_of};

use crate::view::{Case, View};

/// The rules that a run's cases claim or break, in the contract's order; those that this contract lacks behind them.
pub(crate) struct RuleCoverage<'v> {
    claims: BTreeMap<(usize, &'v str), Vec<Claim<'v>>>,
}

/// A case that claims a rule, or broke it.
struct Claim<'v> {
    devices: &'v [String],
    told: Told,
}

/// What a case told of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing: it was skipped, did not run, failed otherwise, or passed where nobody could have seen the rule broken.
    Nothing,
    /// It passed.
    Passed,
    /// A list knows of its failure, or of what the kernel reported.
    Known,
    /// It failed, or the kernel reported that it broke the rule.
    Failed,
}

/// How many cases told what of a rule, of those that one device took part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// They passed.
    pub(crate) passed: usize,
    /// They failed, or the kernel reported.
    pub(crate) failed: usize,
    /// The same, and a list knows.
    pub(crate) known: usize,
    /// They told nothing.
    pub(crate) nothing: usize,
}

/// How far the contract's rules were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// Rules with a case that passed.
    pub(crate) rules: usize,
    /// Such a rule and a device that took part.
    pub(crate) with_device: usize,
    /// Such a rule and all devices of a case, in their order.
    pub(crate) with_devices: usize,
}

/// Rules of the contract with which no case passed.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// Some case failed.
    pub(crate) failed: Vec<&'static str>,
    /// Cases claim it, and told nothing.
    pub(crate) nothing: Vec<&'static str>,
    /// No case of the run claims it.
    pub(crate) unclaimed: Vec<&'static str>,
}

impl<'v> RuleCoverage<'v> {
    /// What a run's verdicts say of the rules.
    pub(crate) fn of(view: &'v View<'_>) -> RuleCoverage<'v> {
        let mut coverage = RuleCoverage { claims: BTreeMap::new() };
        let given_up = matches!(view.session.end, Some(SessionEnd::Aborted { .. }));
        for rule in view.orphans().flat_map(|finding| &finding.rules).map(|hit| hit.id.as_str()) {
            let claim = Claim { devices: &[], told: Told::Failed };
            coverage.claims.entry((place(rule), rule)).or_default().push(claim);
        }
        for case in &view.cases {
            let reported = case.findings.iter().flat_map(|finding| &finding.rules).map(|hit| hit.id.as_str());
            let rules: BTreeSet<&str> =
                case.record.plan.rules.iter().map(String::as_str).chain(reported).collect();
            for rule in rules {
                let claim =
                    Claim { devices: &case.record.plan.devices, told: Told::of(case, rule, given_up) };
                coverage.claims.entry((place(rule), rule)).or_default().push(claim);
            }
        }
        coverage
    }

    /// No case claims any.
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The claimed and the broken rules.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&'v str, Option<&'static Rule>)> {
        self.claims.keys().map(|(place, id)| (*id, RULES.get(*place)))
    }

    /// The devices of cases with rules, in no order, each once.
    pub(crate) fn devices(&self) -> BTreeSet<&'v str> {
        self.claims.values().flatten().flat_map(|claim| claim.devices).map(String::as_str).collect()
    }

    /// What the cases of a rule told that a device took part in; with none, those without devices.
    pub(crate) fn at(&self, rule: &str, device: Option<&str>) -> Tally {
        let mut tally = Tally::default();
        for claim in self.claims_of(rule).iter().filter(|claim| claim.has(device)) {
            match claim.told {
                Told::Nothing => tally.nothing += 1,
                Told::Passed => tally.passed += 1,
                Told::Known => tally.known += 1,
                Told::Failed => tally.failed += 1,
            }
        }
        tally
    }

    /// How far the contract's rules were tested.
    pub(crate) fn reach(&self) -> Reach {
        let mut reach = Reach::default();
        for rule in RULES {
            let passed: Vec<&Claim<'_>> =
                self.claims_of(rule.id).iter().filter(|claim| claim.told == Told::Passed).collect();
            let together: BTreeSet<&[String]> = passed.iter().map(|claim| claim.devices).collect();
            let devices: BTreeSet<&String> = together.iter().copied().flatten().collect();
            reach.rules += usize::from(!passed.is_empty());
            reach.with_device += devices.len();
            reach.with_devices += together.iter().filter(|devices| !devices.is_empty()).count();
        }
        reach
    }

    /// The contract's rules with which no case passed.
    pub(crate) fn missing(&self) -> Missing {
        let mut missing = Missing::default();
        for rule in RULES {
            let told = |told| self.claims_of(rule.id).iter().any(|claim| claim.told == told);
            match (told(Told::Passed), told(Told::Known) || told(Told::Failed), told(Told::Nothing)) {
                (true, ..) => {}
                (_, true, _) => missing.failed.push(rule.id),
                (_, _, true) => missing.nothing.push(rule.id),
                _ => missing.unclaimed.push(rule.id),
            }
        }
        missing
    }

    fn claims_of(&self, rule: &str) -> &[Claim<'v>] {
        self.claims.iter().find(|((_, id), _)| *id == rule).map_or(&[], |(_, claims)| claims)
    }
}

/// Where a rule stands in the contract.
fn place(rule: &str) -> usize {
    RULES.iter().position(|known| known.id == rule).unwrap_or(RULES.len())
}

impl Claim<'_> {
    fn has(&self, device: Option<&str>) -> bool {
        match device {
            Some(device) => self.devices.iter().any(|one| one == device),
            None => self.devices.is_empty(),
        }
    }
}

impl Told {
    fn of(case: &Case<'_>, rule: &str, given_up: bool) -> Told {
        let Some(finished) = case.finished() else { return Told::Nothing };
        // The run was given up with the machine: no finding of its own (exit.rs).
        let given_up = finished.outcome == Outcome::Lost && given_up;
        let reported = case.findings.iter().any(|finding| finding.rules.iter().any(|hit| hit.id == rule));
        let failed =
            !given_up && !matches!(finished.outcome, Outcome::Pass | Outcome::Skip | Outcome::Cancelled);
        match finished.outcome {
            _ if reported || failed => match case.standing.is_excused() {
                true => Told::Known,
                false => Told::Failed,
            },
            Outcome::Pass if could_have_failed(case, rule) => Told::Passed,
            _ => Told::Nothing,
        }
    }
}

/// Would a case that passed have been found wanting, had the rule been broken? What a case checks itself, it has seen; what
/// only the kernel can tell needs a lockdep that was armed to the end, and of signalling sections a lock that was taken in one.
fn could_have_failed(case: &Case<'_>, rule: &str) -> bool {
    if rule_of(rule).is_some_and(|known| known.shows(Way::Test)) {
        return true;
    }
    let Some(finished) = case.finished() else { return false };
    let read = finished.coverage.as_ref();
    let exercised = !needs_section(rule) || read.is_some_and(|coverage| coverage.signalling_exercised());
    case.verdict == Verdict::Pass && finished.lockdep == Lockdep::Armed && exercised
}
