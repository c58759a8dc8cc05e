//! Recordings done again.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::BenchArgs;

/// What a replay is made of, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayedArgs {
    /// The session's folder, a pool file without one, or a run's folder.
    pub(crate) session: PathBuf,
    /// Only what that case of a run did.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// Who does jobs and commits: `software`, or a GPU's name (i915-twin, i915).
    #[arg(long, value_name = "DEVICE", default_value = "software")]
    pub(crate) jobs_on: String,
    /// The device of sync objects; the recorded one on `local`, else virtio-gpu.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) syncobjs_on: Option<String>,
    /// On `local`: use that device though it is no software one.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) allow: Vec<String>,
    /// How often to run it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) tries: Option<u32>,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// The folder for all that comes of it; a new one named by the time if not given.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) of: ReplayedArgs,
    /// When calls are made: as soon as those are through that they follow, or at their recorded times.
    #[arg(long, value_enum, default_value_t = ReplayTiming::Fast)]
    pub(crate) timing: ReplayTiming,
    /// Follow predicted orders, each in a case of its own: what `analyze --json` printed, or one finding's `order`.
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
    /// Predict hangs of the session, of a run's every case if --case names none, and follow each, in a case of its own.
    #[arg(long, conflicts_with_all = ["order", "yaml", "c"])]
    pub(crate) predicted: bool,
    /// Print the scenario and do not run it.
    #[arg(long, conflicts_with = "c")]
    pub(crate) yaml: bool,
    /// Print it as a C program and do not run it.
    #[arg(long)]
    pub(crate) c: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayTiming {
    /// As fast as the order lets.
    Fast,
    /// Not before the recorded times.
    Original,
}

#[derive(Debug, Args)]
pub(crate) struct MinimizeArgs {
    #[command(flatten)]
    pub(crate) of: ReplayedArgs,
    /// Follow the first predicted order in this file, as for `replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
    /// Keep what the kernel reports, not a hang: the first report that the case made, or that with this signature. Each
    /// candidate is run on a machine of its own, and devices stay as they are.
    #[arg(long, value_name = "SIGNATURE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["order", "no_run", "keep_devices"])]
    pub(crate) splat: Option<Option<String>>,
    /// With --splat: plant that fault of the twins on each machine first (`fencelab prove --list`).
    #[arg(long, value_name = "KNOB", requires = "splat")]
    pub(crate) plant: Vec<String>,
    /// Leave displays, GPUs and their buffers as they are: else software takes their place where that comes to the same.
    #[arg(long)]
    pub(crate) keep_devices: bool,
    /// Trust the model and do not run what comes of it.
    #[arg(long)]
    pub(crate) no_run: bool,
}
