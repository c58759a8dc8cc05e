//! `fencelab rules`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fencelab_rules::{Broken, Judgement, Knob, Plan, Proof, Proofs, RULES, Rule, Way};
use fencelab_suites::{Case, catalogue};

use super::prove::plan;
use crate::args::RulesArgs;
use crate::outcome::Outcome;

pub(crate) fn run(args: &RulesArgs) -> Result<Outcome> {
    let known = Known::read(args.results.as_deref())?;
    let text = match &args.id {
        Some(id) => known.one(find(id)?),
        None => known.all(),
    };
    print!("{text}");
    Ok(Outcome::CLEAN)
}

fn find(id: &str) -> Result<&'static Rule> {
    let wanted = id.to_ascii_uppercase();
    if let Some(rule) = fencelab_rules::rule_of(&wanted) {
        return Ok(rule);
    }
    let near = RULES.iter().map(|rule| (strsim::jaro_winkler(&wanted, rule.id), rule.id));
    match near.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, near)) => bail!("find the rule `{id}`; did you mean `{near}`?"),
        None => bail!("find the rule `{id}` (`fencelab rules` lists them)"),
    }
}

/// All that is known of the rules.
struct Known {
    plan: Plan,
    knobs: Vec<Knob>,
    cases: BTreeMap<&'static str, Vec<&'static Case>>,
    results: Option<(PathBuf, Proofs)>,
}

impl Known {
    fn read(results: Option<&Path>) -> Result<Known> {
        let results = match results {
            Some(folder) => Some(folder.to_owned()),
            None => newest()?,
        };
        let results = results.map(|folder| read(&folder).map(|proofs| (folder, proofs))).transpose()?;
        Ok(Known { plan: plan::plan()?, knobs: plan::knobs()?, cases: cases(), results })
    }

    /// Who checks a rule: a count each for klog's matchers, cases, knobs.
    fn all(&self) -> String {
        let mut text = String::new();
        let mut group = None;
        for rule in RULES {
            if group != Some(rule.group) {
                let _ = writeln!(text, "{}{}", if group.is_some() { "\n" } else { "" }, rule.group);
                group = Some(rule.group);
            }
            let _ = writeln!(text, "  {:<18} {:<4} {}", rule.id, rule.ways, rule.sentence);
            let proven = self.proven(rule).map(|proven| format!("; {proven}")).unwrap_or_default();
            let _ = writeln!(text, "  {:<18} {:<4} {}{proven}", "", "", self.checkers(rule));
        }
        if let Some((folder, proofs)) = &self.results {
            let when = if proofs.complete { "" } else { ", which were stopped" };
            let _ = writeln!(text, "\nresults: {}{when}", folder.display());
        }
        text
    }

    fn checkers(&self, rule: &Rule) -> String {
        let mut parts = Vec::new();
        if matched(rule) {
            parts.push("kernel log".to_owned());
        }
        let cases = self.cases.get(rule.id).map_or(&[][..], Vec::as_slice);
        let knobs = self.knobs_of(rule).count();
        let metal = cases.iter().all(|case| case.metal().is_some());
        let where_ = if metal { " on metal alone" } else { "" };
        parts.extend((!cases.is_empty()).then(|| plural(cases.len(), "case") + where_));
        parts.extend((knobs > 0).then(|| plural(knobs, "knob")));
        if parts.is_empty() {
            self.excuse(rule).unwrap_or("nobody checks it").to_owned()
        } else {
            parts.join(", ")
        }
    }

    fn knobs_of<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Knob> {
        self.knobs.iter().filter(|knob| knob.rules.iter().any(|id| id == rule.id))
    }

    fn excuse(&self, rule: &Rule) -> Option<&str> {
        let lists = [&self.plan.metal, &self.plan.untested, &self.plan.unplanted, &self.plan.unmatched];
        lists.iter().find_map(|list| list.get(rule.id)).map(String::as_str)
    }

    fn proofs_of<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Proof> {
        let all = self.results.iter().flat_map(|(_, proofs)| &proofs.proofs);
        all.filter(|proof| proof.subject.rules().iter().any(|id| id == rule.id))
    }

    /// The cases that were seen to fail where a library breaks the rule, or a part of it.
    fn broken<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Broken> {
        self.plan.broken.iter().filter(|broken| broken.rule == rule.id)
    }

    /// What came of the faults that were planted for it last; for a rule without a knob, the case that sees it broken.
    fn proven(&self, rule: &Rule) -> Option<String> {
        let faults = self.knobs_of(rule).count();
        if faults == 0 {
            return self.broken(rule).next().map(|broken| format!("{} sees it broken", broken.case));
        }
        let (all, caught) = self.proofs_of(rule).fold((0, 0), |(all, caught), proof| {
            (all + 1, caught + usize::from(proof.judgement == Judgement::Attributed))
        });
        Some(match all {
            0 => "not proven here".into(),
            _ => format!("{caught} of {} caught", plural(all, "planted fault")),
        })
    }

    fn one(&self, rule: &Rule) -> String {
        let mut text = format!("{}: {}\n\n", rule.id, rule.sentence);
        let mut say = |what: &str, fact: &str| {
            let _ = writeln!(text, "{what:<14} {fact}");
        };
        say("source", rule.source);
        let words = [
            (Way::Log, "a report of the kernel"),
            (Way::Test, "a test"),
            (Way::Graph, "the wait-for graph"),
            (Way::Fault, "a planted fault"),
        ];
        let ways: Vec<&str> =
            words.iter().filter(|(way, _)| rule.shows(*way)).map(|(_, word)| *word).collect();
        say("shown by", &ways.join(", "));
        if matched(rule) {
            say("kernel log", "harness/klog knows reports that show it broken");
        }
        if let Some(excuse) = self.excuse(rule) {
            say("not shown", excuse);
        }
        for (n, case) in self.cases.get(rule.id).into_iter().flatten().enumerate() {
            say(if n == 0 { "cases" } else { "" }, &told(case));
        }
        for (n, knob) in self.knobs_of(rule).enumerate() {
            say(
                if n == 0 { "knobs" } else { "" },
                &format!("{} ({}): {}", knob.name, knob.device, knob.what),
            );
        }
        for (n, Broken { case, says, .. }) in self.broken(rule).enumerate() {
            let what = if n == 0 { "seen broken" } else { "" };
            say(what, &format!("{case} fails: {says} (ci/test breaks it and runs the case)"));
        }
        for (n, proof) in self.proofs_of(rule).enumerate() {
            let why = if proof.why.is_empty() { String::new() } else { format!(": {}", proof.why) };
            let line = format!("{} on {}: {}{why}", proof.name, proof.kernel, proof.judgement.word());
            say(if n == 0 { "last proven" } else { "" }, &line);
        }
        if let Some((folder, _)) = &self.results {
            say("results", &folder.display().to_string());
        }
        text
    }
}

fn plural(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether the kernel log's parser has a matcher for it.
fn matched(rule: &Rule) -> bool {
    fencelab_klog::known_rules().any(|(id, _)| id == rule.id)
}

/// A case in a line, with the hardware that it needs.
fn told(case: &Case) -> String {
    let metal = case.metal().map(|driver| format!(" (metal: {driver})")).unwrap_or_default();
    format!("{}: {}{metal}", case.id(), case.about)
}

fn cases() -> BTreeMap<&'static str, Vec<&'static Case>> {
    let mut cases: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in catalogue::suites().iter().flat_map(|(_, cases)| *cases) {
        for rule in case.rules {
            cases.entry(rule).or_default().push(case);
        }
    }
    cases
}

fn read(folder: &Path) -> Result<Proofs> {
    let path = folder.join("proofs.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Proofs::from_json(&text).with_context(|| format!("understand {}", path.display()))
}

/// The newest folder of proofs here: `fencelab prove` names them by the time.
fn newest() -> Result<Option<PathBuf>> {
    let entries = std::fs::read_dir(".").context("look for proofs in the working directory")?;
    let named = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("proofs-");
    let folders = entries.flatten().filter(named).map(|entry| entry.path());
    Ok(folders.filter(|folder| folder.join("proofs.json").exists()).max())
}
