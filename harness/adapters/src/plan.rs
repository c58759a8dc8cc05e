//! From a configuration to cases.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fencelab_events::{Adapter, PlannedCase, Program};

use crate::{Config, Error, command, deqp, igt, kselftest, piglit};

/// One case of an adapter, before it is a case of the plan.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) program: Program,
}

/// The cases of a suite of foreign programs. `base` is the folder of the selection's file, from which lists are found.
///
/// # Errors
/// Whatever is not as the configuration says: a folder without tests, a list with unknown names, a selftest that prints
/// no KTAP.
pub fn plan(config: &Config, base: &Path) -> Result<Vec<PlannedCase>, Error> {
    check(config)?;
    let planned = match config.adapter {
        Adapter::Igt => igt::plan(config, base),
        Adapter::Deqp => deqp::plan(config, base),
        Adapter::Piglit => piglit::plan(config, base),
        Adapter::Kselftest => kselftest::plan(config, base),
        Adapter::Command => command::plan(config),
    }?;
    if planned.is_empty() {
        return Err(Error::Nothing { suite: config.suite.clone() });
    }
    // A list may name a case twice; a session has each once.
    let mut seen = HashSet::new();
    Ok(planned
        .into_iter()
        .filter(|case| seen.insert(case.name.clone()))
        .map(|case| in_plan(config, case))
        .collect())
}

fn check(config: &Config) -> Result<(), Error> {
    let error = |what: String| Err(Error::Config { suite: config.suite.clone(), what });
    if config.suite.is_empty() || config.suite.contains(['/', '@', '*', '?', '[']) {
        return error("`suite` must be a name without / @ * ? [".into());
    }
    if fencelab_suites::catalogue::suites().iter().any(|(name, _)| *name == config.suite) {
        return error("a suite of fencelab's own has this name".into());
    }
    if config.limit_s == 0 {
        return error("`limit_s` must be at least 1".into());
    }
    Ok(())
}

fn in_plan(config: &Config, case: Planned) -> PlannedCase {
    PlannedCase {
        id: format!("{}/{}", config.suite, case.name),
        suite: config.suite.clone(),
        name: case.name,
        devices: Vec::new(),
        limit_ms: config.limit_s.saturating_mul(1000),
        rules: Vec::new(),
        about: case.about,
        env: config.env.clone().into_iter().collect(),
        program: Some(case.program),
    }
}

/// The programs in a folder, by name.
pub(crate) fn executables(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::read(folder))?;
    let runs = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(runs).collect();
    found.sort();
    Ok(found)
}
