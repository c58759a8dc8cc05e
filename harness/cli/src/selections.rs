//! Named selections: `configs/suites/*.yaml`, built in, and files of the user's own.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_adapters::Config;
use fencelab_events::{Device, PlannedCase};
use fencelab_runner::select::{self, Selection};
use serde::Deserialize;

use crate::missing;

/// The selections that fencelab brings along: name and text.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[
    ("smoke", include_str!("../../../configs/suites/smoke.yaml")),
    ("nightly", include_str!("../../../configs/suites/nightly.yaml")),
    ("twins", include_str!("../../../configs/suites/twins.yaml")),
    ("hang", include_str!("../../../configs/suites/hang.yaml")),
    ("race", include_str!("../../../configs/suites/race.yaml")),
    ("unplug", include_str!("../../../configs/suites/unplug.yaml")),
    ("soak", include_str!("../../../configs/suites/soak.yaml")),
];

/// A selection's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// One sentence: what it is for.
    about: String,
    /// Patterns of fencelab's own cases that it takes.
    #[serde(default)]
    include: Vec<String>,
    /// Patterns of those that it leaves out again, adapters' cases among them.
    #[serde(default)]
    exclude: Vec<String>,
    /// Suites of other programs, all of whose cases it takes.
    #[serde(default)]
    adapters: Vec<Config>,
}

/// What there is to choose from.
pub(crate) struct Choice<'a> {
    /// Every case on the bench's devices.
    pub(crate) cases: &'a [PlannedCase],
    /// Every case on the devices of any bench: what a selection may name.
    pub(crate) known: &'a [PlannedCase],
    /// The bench's devices.
    pub(crate) devices: &'a [Device],
}

impl Choice<'_> {
    /// The cases that the words name, in the plan's order, each once: selections, YAML files, suites, cases, patterns. The
    /// cases of adapters come behind. No word at all takes every case.
    pub(crate) fn choose(&self, words: &[String]) -> Result<Vec<PlannedCase>> {
        if words.is_empty() {
            return Ok(self.cases.to_vec());
        }
        let mut taken = vec![false; self.cases.len()];
        let mut foreign: Vec<PlannedCase> = Vec::new();
        for word in words {
            let (found, others) = self.named(word)?;
            for (case, taken) in self.cases.iter().zip(&mut taken) {
                *taken |= found.iter().any(|f| f.id == case.id);
            }
            foreign.extend(others);
        }
        let own = self.cases.iter().zip(taken).filter(|(_, taken)| *taken).map(|(case, _)| case.clone());
        let mut chosen: Vec<PlannedCase> = own.collect();
        for case in foreign {
            if chosen.iter().any(|c| c.id == case.id) {
                bail!("choose cases: two suites have a case {}", case.id);
            }
            chosen.push(case);
        }
        if chosen.is_empty() {
            return Err(missing::nothing(words, self.devices));
        }
        Ok(chosen)
    }

    /// What one word takes: fencelab's own cases, and those of adapters.
    fn named(&self, word: &str) -> Result<(Vec<&PlannedCase>, Vec<PlannedCase>)> {
        if let Some((file, base)) = read(word)? {
            return self.take(&file, &base).with_context(|| format!("apply the selection `{word}`"));
        }
        let words = std::slice::from_ref(&word.to_owned()).to_vec();
        match select::select(self.cases, &words) {
            Ok(found) => Ok((found, Vec::new())),
            Err(_) if select::select(self.known, &words).is_ok() || missing::is_known(word) => {
                Err(missing::nothing(&words, self.devices))
            }
            Err(error) => Err(with_selections(error, word)),
        }
    }

    fn take(&self, file: &File, base: &Path) -> Result<(Vec<&PlannedCase>, Vec<PlannedCase>)> {
        let mut foreign = Vec::new();
        for config in &file.adapters {
            foreign.extend(fencelab_adapters::plan(config, base)?);
        }
        let known: Vec<PlannedCase> = self.known.iter().chain(&foreign).cloned().collect();
        let include = if file.include.is_empty() && !foreign.is_empty() {
            // Only the adapters' cases.
            Vec::new()
        } else {
            file.include.clone()
        };
        let selection = Selection { about: file.about.clone(), include, exclude: file.exclude.clone() };
        let found = select::select_named(self.cases, &known, &selection)?;
        let everything = Selection { include: vec!["*".into()], ..selection };
        let foreign = select::select_named(&foreign, &known, &everything)?.into_iter().cloned().collect();
        Ok((found, foreign))
    }
}

/// The selection of this name or in this file, and the folder from which it finds its lists; none if the word is a pattern.
fn read(word: &str) -> Result<Option<(File, std::path::PathBuf)>> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == word) {
        return Ok(Some((parse(name, text)?, ".".into())));
    }
    if !word.ends_with(".yaml") && !word.ends_with(".yml") {
        return Ok(None);
    }
    let text = std::fs::read_to_string(word).with_context(|| format!("read the selection {word}"))?;
    let base = Path::new(word).parent().unwrap_or(Path::new(".")).to_owned();
    Ok(Some((parse(word, &text)?, base)))
}

/// Reads a selection; an error names file, line and column and what was expected.
fn parse(name: &str, text: &str) -> Result<File> {
    serde_yaml::from_str(text).map_err(|error| match error.location() {
        Some(at) => anyhow::anyhow!("read the selection {name}:{}:{}: {error}", at.line(), at.column()),
        None => anyhow::anyhow!("read the selection {name}: {error}"),
    })
}

/// What a built-in selection is for.
pub(crate) fn about(name: &str, text: &str) -> String {
    parse(name, text).map(|file| file.about).unwrap_or_default()
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
        let devices = crate::benches::devices("vm").unwrap();
        let cases = crate::plan::everything(&devices, &[]);
        let known = crate::plan::known(&cases, &[]);
        let choice = Choice { cases: &cases, known: &known, devices: &devices };
        for (name, _) in BUILT_IN {
            assert!(!choice.choose(&[(*name).into()]).unwrap().is_empty(), "{name} selects nothing");
        }
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_place() {
        let error = parse("mine.yaml", "about: x\nincluding: [atomic]\n").unwrap_err().to_string();
        assert!(error.contains("mine.yaml:2:1") && error.contains("including"), "{error}");
    }

    #[test]
    fn a_bench_without_the_device_says_what_is_needed() {
        let known = crate::plan::everything(&crate::benches::devices("vm").unwrap(), &[]);
        let choice = Choice { cases: &[], known: &known, devices: &[] };
        for word in ["userptr", "atomic/flip", "atomic/flip@vkms"] {
            let error = choice.choose(&[word.into()]).unwrap_err().to_string();
            assert!(error.contains("no DRM device") && error.contains("doctor"), "{error}");
        }
        let error = choice.choose(&["userptr".into()]).unwrap_err().to_string();
        assert!(error.contains("takes pages of a process"), "{error}");
        let error = choice.choose(&["userprt".into()]).unwrap_err().to_string();
        assert!(!error.contains("doctor"), "{error}");
    }
}
