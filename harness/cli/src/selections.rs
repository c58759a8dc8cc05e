//! Named selections: `configs/suites/*.yaml`, built in, and files of the user's own.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_events::PlannedCase;
use fencelab_runner::select::{self, Selection};

/// The selections that fencelab brings along: name and text.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[
    ("smoke", include_str!("../../../configs/suites/smoke.yaml")),
    ("nightly", include_str!("../../../configs/suites/nightly.yaml")),
    ("twins", include_str!("../../../configs/suites/twins.yaml")),
];

/// The cases that the words name, in the plan's order, each once: selections, YAML files, suites, cases, patterns.
/// No word at all takes every case.
pub(crate) fn choose(cases: &[PlannedCase], words: &[String]) -> Result<Vec<PlannedCase>> {
    if words.is_empty() {
        return Ok(cases.to_vec());
    }
    let mut taken = vec![false; cases.len()];
    for word in words {
        let found = match named(word)? {
            Some(selection) => select::select_named(cases, &selection)
                .with_context(|| format!("apply the selection `{word}`"))?,
            None => select::select(cases, std::slice::from_ref(word))
                .map_err(|error| with_selections(error, word))?,
        };
        for (case, taken) in cases.iter().zip(&mut taken) {
            *taken |= found.iter().any(|f| f.id == case.id);
        }
    }
    let chosen: Vec<_> =
        cases.iter().zip(taken).filter(|(_, taken)| *taken).map(|(case, _)| case.clone()).collect();
    if chosen.is_empty() {
        bail!("choose cases: the selection leaves none");
    }
    Ok(chosen)
}

/// The selection of this name or in this file; none if the word is a pattern.
fn named(word: &str) -> Result<Option<Selection>> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == word) {
        return parse(name, text).map(Some);
    }
    if !word.ends_with(".yaml") && !word.ends_with(".yml") {
        return Ok(None);
    }
    let text = std::fs::read_to_string(word).with_context(|| format!("read the selection {word}"))?;
    let name = Path::new(word).display().to_string();
    parse(&name, &text).map(Some)
}

/// Reads a selection; an error names file, line and column and what was expected.
pub(crate) fn parse(name: &str, text: &str) -> Result<Selection> {
    serde_yaml::from_str(text).map_err(|error| match error.location() {
        Some(at) => anyhow::anyhow!("read the selection {name}:{}:{}: {error}", at.line(), at.column()),
        None => anyhow::anyhow!("read the selection {name}: {error}"),
    })
}

/// A name that is nearly a selection's.
fn with_selections(error: select::Error, word: &str) -> anyhow::Error {
    let near = BUILT_IN.iter().find(|(name, _)| strsim::jaro_winkler(name, word) > 0.8);
    match near {
        Some((name, _)) => anyhow::anyhow!("find `{word}`: did you mean the selection `{name}`?"),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_selection_reads_and_selects() {
        let cases = crate::plan::everything(&crate::benches::devices("vm").unwrap(), &[]);
        for (name, _) in BUILT_IN {
            assert!(!choose(&cases, &[(*name).into()]).unwrap().is_empty(), "{name} selects nothing");
        }
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_place() {
        let error = parse("mine.yaml", "about: x\nincluding: [atomic]\n").unwrap_err().to_string();
        assert!(error.contains("mine.yaml:2:1") && error.contains("including"), "{error}");
    }
}
