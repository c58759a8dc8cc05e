//! From a scenario to a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use fencelab_scenario::{Scenario, c};

/// Writes a scenario's YAML and C into a folder and compiles it there; the program's path.
pub(crate) fn build(scenario: &Scenario, name: &str, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
    let (yaml, source) = (folder.join(format!("{name}.yaml")), folder.join(format!("{name}.c")));
    let write = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    };
    write(&yaml, scenario.to_string())?;
    write(&source, c::program(scenario, &format!("{name}.yaml")))?;
    let program = folder.join(name);
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut command = Command::new(&compiler);
    command.args(["-O1", "-pthread", "-o"]).arg(&program).arg(&source);
    let output = command.output().with_context(|| {
        format!("run the C compiler `{compiler}`, which turns scenarios into programs (CC names another)")
    })?;
    if !output.status.success() {
        bail!("compile {}: {}", source.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(program)
}
