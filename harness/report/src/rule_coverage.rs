//! Contract coverage by rules: which of them this run's cases showed to hold, and on which devices.

use std::collections::{BTreeMap, BTreeSet};

use fencelab_events::Verdict;
use fencelab_events::coverage::needs_section;
use fencelab_rules::{RULES, Rule};

use crate::view::{Case, View};

/// The rules that a run's cases claim, in the contract's order; those of another version's contract behind them.
pub(crate) struct RuleCoverage<'v> {
    claims: BTreeMap<(usize, &'v str), Vec<Claim<'v>>>,
}

/// A case that claims a rule.
struct Claim<'v> {
    devices: &'v [String],
    told: Told,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The case passed, and what the rule is about was exercised.
    Held,
    /// The case has a finding, of this rule or another.
    Found,
    /// It has one, and a list of known fails says so.
    Known,
    /// Nothing: it was skipped, did not run, or passed where nobody could have seen the rule broken.
    Nothing,
}

/// What the cases of a rule told of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Cases in which it held.
    pub(crate) held: usize,
    /// Cases with a finding.
    pub(crate) found: usize,
    /// Cases with a finding that is known.
    pub(crate) known: usize,
    /// Cases that told nothing.
    pub(crate) nothing: usize,
}

/// In how many places rules held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// Rules that held in some case.
    pub(crate) rules: usize,
    /// Pairs of such a rule and a device.
    pub(crate) devices: usize,
    /// Pairs of such a rule and all devices that a case drove together.
    pub(crate) together: usize,
}

impl<'v> RuleCoverage<'v> {
    /// What a run's verdicts say of the rules.
    pub(crate) fn of(view: &'v View<'_>) -> RuleCoverage<'v> {
        let mut claims: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for case in &view.cases {
            let plan = &case.record.plan;
            for rule in &plan.rules {
                let place = RULES.iter().position(|known| known.id == rule).unwrap_or(RULES.len());
                let claim = Claim { devices: &plan.devices, told: Told::of(case, rule) };
                claims.entry((place, rule.as_str())).or_default().push(claim);
            }
        }
        RuleCoverage { claims }
    }

    /// No case claims any.
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The claimed rules.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&'v str, Option<&'static Rule>)> {
        self.claims.keys().map(|(place, id)| (*id, RULES.get(*place)))
    }

    /// What the cases of a rule told of a device; with none, those that drive none.
    pub(crate) fn at(&self, rule: &str, device: Option<&str>) -> Tally {
        let mut tally = Tally::default();
        for claim in self.claims_of(rule).filter(|claim| claim.drives(device)) {
            match claim.told {
                Told::Held => tally.held += 1,
                Told::Found => tally.found += 1,
                Told::Known => tally.known += 1,
                Told::Nothing => tally.nothing += 1,
            }
        }
        tally
    }

    /// The claimed rules that held in no case.
    pub(crate) fn not_shown(&self) -> Vec<&'v str> {
        self.rules().map(|(id, _)| id).filter(|id| self.held(id).next().is_none()).collect()
    }

    /// In how many places rules held.
    pub(crate) fn reach(&self) -> Reach {
        let mut reach = Reach::default();
        for (rule, _) in self.rules() {
            let together: BTreeSet<&[String]> = self.held(rule).map(|claim| claim.devices).collect();
            let devices: BTreeSet<&String> = together.iter().copied().flatten().collect();
            reach.rules += usize::from(!together.is_empty());
            reach.devices += devices.len();
            reach.together += together.len();
        }
        reach
    }

    fn held<'s>(&'s self, rule: &'s str) -> impl Iterator<Item = &'s Claim<'v>> {
        self.claims_of(rule).filter(|claim| claim.told == Told::Held)
    }

    fn claims_of<'s>(&'s self, rule: &'s str) -> impl Iterator<Item = &'s Claim<'v>> {
        self.claims.iter().filter(move |((_, id), _)| *id == rule).flat_map(|(_, claims)| claims)
    }
}

impl Claim<'_> {
    fn drives(&self, device: Option<&str>) -> bool {
        match device {
            Some(device) => self.devices.iter().any(|driven| driven == device),
            None => self.devices.is_empty(),
        }
    }
}

impl Told {
    fn of(case: &Case<'_>, rule: &str) -> Told {
        let coverage = case.finished().and_then(|finished| finished.coverage.as_ref());
        let idle = needs_section(rule) && coverage.is_some_and(|seen| !seen.signalling_exercised());
        match case.verdict {
            Verdict::Pass if !idle => Told::Held,
            verdict if verdict.is_finding() && case.standing.is_excused() => Told::Known,
            verdict if verdict.is_finding() => Told::Found,
            _ => Told::Nothing,
        }
    }
}
