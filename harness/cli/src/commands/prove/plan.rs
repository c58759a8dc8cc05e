//! What is to be proven: the built-in plan, and what the command line asks of it.

use anyhow::{Context, Result, bail};
use fencelab_rules::{Expected, Knob, Plan, RULES};

/// What provokes what.
const PLAN: &str = include_str!("../../../../../configs/proofs/plan.yaml");

/// The knobs that the twins of this tree have; the module is held against it in every run.
const KNOBS: &str = include_str!("../../../../../configs/proofs/knobs.tsv");

/// The plan.
pub(crate) fn plan() -> Result<Plan> {
    serde_yaml::from_str(PLAN).context("read configs/proofs/plan.yaml")
}

/// The knobs.
pub(crate) fn knobs() -> Result<Vec<Knob>> {
    Knob::parse_list(KNOBS).context("read configs/proofs/knobs.tsv")
}

/// What these words ask for, on this kernel: knobs, rules, patches by number; all of it where there is none.
pub(crate) fn choose(words: &[String], kernel: &str) -> Result<Vec<Expected>> {
    let (plan, knobs) = (plan()?, knobs()?);
    let mut all: Vec<Expected> = Vec::new();
    for knob in &knobs {
        let expected = plan.expected(knob, kernel).with_context(|| {
            format!(
                "find what provokes the knob {}: configs/proofs/plan.yaml has no `{}`",
                knob.name, knob.provoked_by
            )
        })?;
        all.push(expected);
    }
    all.extend(plan.expected_of_drivers());
    if words.is_empty() {
        return Ok(all);
    }
    for word in words {
        if !all.iter().any(|expected| answers(expected, word)) {
            bail!("find the knob `{word}`{}", suggestion(word, &all));
        }
    }
    all.retain(|expected| words.iter().any(|word| answers(expected, word)));
    Ok(all)
}

fn answers(expected: &Expected, word: &str) -> bool {
    let row = word.parse::<u8>().ok().filter(|_| word.len() <= 2);
    expected.name == word
        || expected.subject.rules().iter().any(|rule| rule == word)
        || row.is_some_and(|row| expected.subject.row() == Some(row))
}

/// The nearest names, if any is near.
fn suggestion(word: &str, all: &[Expected]) -> String {
    let names = all.iter().map(|expected| expected.name.as_str()).chain(RULES.iter().map(|rule| rule.id));
    let mut near: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup_by_key(|(_, name)| *name);
    let near: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    match near.is_empty() {
        true => " (`fencelab prove --list` shows them)".into(),
        false => format!("; did you mean {}?", near.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_has_a_case_on_the_bench() {
        let cases = crate::plan::everything(&crate::benches::devices("vm").unwrap(), &[]);
        for expected in choose(&[], "stock").unwrap() {
            let found = cases.iter().find(|case| case.id == expected.case);
            assert!(found.is_some(), "{}: no case {}", expected.name, expected.case);
            if expected.subject.kinds().iter().any(|kind| kind == "fail") {
                let rules = &found.unwrap().rules;
                let named = expected.subject.rules().iter().any(|rule| rules.contains(rule));
                assert!(named, "{}: {} names none of its rules", expected.name, expected.case);
            }
        }
    }

    #[test]
    fn kinds_are_those_of_klog() {
        let known = |kind: &str| fencelab_klog::Kind::ALL.iter().any(|k| k.as_str() == kind);
        for expected in choose(&[], "stock").unwrap() {
            for kind in expected.subject.kinds() {
                assert!(
                    known(kind) || ["fail", "graph"].contains(&kind.as_str()),
                    "{}: {kind}",
                    expected.name
                );
            }
        }
    }

    #[test]
    fn an_unknown_word_gets_the_nearest() {
        let error = choose(&["runjob-gfp-kernl".into()], "stock").unwrap_err().to_string();
        assert!(error.contains("`runjob-gfp-kernel`"), "{error}");
        assert_eq!(choose(&["runjob-gfp-kernel".into()], "stock").unwrap().len(), 1);
        assert!(choose(&["SIG-RESV".into()], "stock").unwrap().len() > 1);
        assert!(!choose(&["6".into()], "stock").unwrap().is_empty());
    }
}
