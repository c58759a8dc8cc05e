//! A scenario as a case of a run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_events::{Adapter, PlannedCase, Program};
use fencelab_scenario::Scenario;

use super::build;
use super::exec::COMMAND;

/// The suite that scenarios make.
const SUITE: &str = "scenario";

/// A scenario with the name that it has as a case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Without folder and ending.
    pub(crate) name: String,
    /// The scenario.
    pub(crate) scenario: Scenario,
    /// How often it is run, one after the other.
    pub(crate) tries: u32,
}

/// Takes from a selection's words the files that are scenarios, and reads those; the rest is left.
pub(crate) fn split(words: &[String]) -> Result<(Vec<Case>, Vec<String>)> {
    let (mut cases, mut rest): (Vec<Case>, _) = (Vec::new(), Vec::new());
    for word in words {
        if !word.ends_with(".yaml") && !word.ends_with(".yml") {
            rest.push(word.clone());
            continue;
        }
        let text = fs::read_to_string(word).with_context(|| format!("read {word}"))?;
        if !Scenario::is_one(&text) {
            rest.push(word.clone());
            continue;
        }
        let name = name_of(word);
        if cases.iter().any(|case| case.name == name) {
            bail!("choose cases: two scenarios are called {name}");
        }
        cases.push(Case { name, scenario: Scenario::read(word, &text)?, tries: 1 });
    }
    Ok((cases, rest))
}

/// A file's name as a case's.
fn name_of(path: &str) -> String {
    plain(&Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default())
}

/// A text in the letters that a case's name may have.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

/// Compiles scenarios into a session's folder and plans them.
pub(crate) fn planned(cases: &[Case], folder: &Path) -> Result<Vec<PlannedCase>> {
    cases.iter().map(|case| plan(case, &folder.join("scenarios"))).collect()
}

fn plan(case: &Case, folder: &Path) -> Result<PlannedCase> {
    let program = build(&case.scenario, &case.name, folder)?;
    let limit_ms = case.scenario.limit.0.saturating_add(case.scenario.rests().0) / 1_000_000;
    let argv = [
        // A case's process is this same program, wherever it lies there.
        "/proc/self/exe",
        COMMAND,
        case.scenario.expect.word(),
        &case.tries.to_string(),
        &program.display().to_string(),
    ];
    Ok(PlannedCase {
        id: format!("{SUITE}/{}", case.name),
        suite: SUITE.into(),
        name: case.name.clone(),
        devices: Vec::new(),
        // What a try takes beyond its limit: to start, to be let go, to be analysed; on a loaded machine more than once.
        limit_ms: limit_ms
            .saturating_add(20_000)
            .saturating_mul(u64::from(case.tries))
            .saturating_add(20_000),
        rules: Vec::new(),
        about: case.scenario.about.clone(),
        env: Vec::new(),
        program: Some(Program { adapter: Adapter::Command, argv: argv.map(ToOwned::to_owned).to_vec() }),
    })
}
