//! Reading: each mistake with its place.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::object::Object;
use super::scenario::Scenario;
use super::scope::{self, Scope};
use crate::Error;

/// What the steps may name, read first and loosely: what is wrong with the rest is told by the second reading.
#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    objects: IndexMap<String, Object>,
    #[serde(default)]
    processes: IndexMap<String, IgnoredAny>,
}

impl Scenario {
    /// Reads a scenario. `file` is what errors call it.
    ///
    /// # Errors
    /// Whatever is not in the language, an unknown operation, object, process or label: with file, line and column.
    pub fn read(file: &str, text: &str) -> Result<Scenario, Error> {
        let at = |error: serde_yaml::Error| placed(file, &error);
        let declared: Declared = serde_yaml::from_str(text).map_err(at)?;
        let objects: std::collections::BTreeMap<_, _> = declared.objects.into_iter().collect();
        let processes: Vec<String> = declared.processes.into_keys().collect();
        let read = |labels: Option<Vec<String>>| {
            let scope = Scope { objects: Some(objects.clone()), processes: Some(processes.clone()), labels };
            scope::with(scope, || serde_yaml::from_str::<Scenario>(text)).map_err(at)
        };
        // Labels may be used above where they stand.
        let first = read(None)?;
        let labels = first.steps().filter_map(|(_, step)| step.label.as_ref());
        let labels: Vec<String> = labels.map(ToString::to_string).collect();
        let scenario = read(Some(labels))?;
        scenario.check().map_err(|what| Error::Whole { file: file.into(), what })?;
        Ok(scenario)
    }

    /// Whether a YAML text is meant as a scenario: it has processes.
    pub fn is_one(text: &str) -> bool {
        text.lines().any(|line| line.starts_with("processes:"))
    }
}

fn placed(file: &str, error: &serde_yaml::Error) -> Error {
    let text = error.to_string();
    match error.location() {
        Some(at) => {
            // The place stands in front; behind the text it would stand twice.
            let behind = format!(" at line {} column {}", at.line(), at.column());
            let what = text.strip_suffix(&behind).unwrap_or(&text).to_owned();
            Error::At { file: file.into(), line: at.line(), column: at.column(), what }
        }
        None => Error::Whole { file: file.into(), what: text },
    }
}
