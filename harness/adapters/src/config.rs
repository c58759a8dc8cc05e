//! What a selection's YAML says of an adapter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fencelab_events::Adapter;
use serde::Deserialize;

/// One suite of somebody else's programs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The suite's name in the plan and in reports.
    pub suite: String,
    /// What sort of programs they are.
    pub adapter: Adapter,
    /// The folder of the programs (igt, kselftest), the program (deqp), or the profile (piglit), on the machine under
    /// test and at the same place here, where the plan is made.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The cases to take, one a line; all of them where no list is given. Relative to the selection's file.
    #[serde(default)]
    pub list: Option<PathBuf>,
    /// Regular expressions of the cases to leave out, one a line.
    #[serde(default)]
    pub blocklist: Option<PathBuf>,
    /// The command line of a `command`, and what every program of the others gets behind its own arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables to set.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How long each case may take, in seconds.
    #[serde(default = "limit")]
    pub limit_s: u64,
}

/// The limit that igt_runner gives by default is none; a minute is what most tests of all of them end in.
fn limit() -> u64 {
    60
}
