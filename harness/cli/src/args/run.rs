//! Runs of cases, and what is left of them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fencelab_bench::vm::Accel;

use super::BenchArgs;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Selections (smoke), suites (atomic), cases (atomic/flip), cases on devices (atomic/flip@vkms), with * and ?.
    #[arg(default_value = "smoke")]
    pub(crate) selection: Vec<String>,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// How long the suites `stress` and `fuzz` go on: 30s, 45m, 2h.
    #[arg(long, value_parser = crate::duration::parse, value_name = "TIME")]
    pub(crate) duration: Option<std::time::Duration>,
    /// The seed of every random choice; each case that makes some names its own otherwise.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// The session's folder; a new one named by the time if not given.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

/// How cases are run, and what is known of them beforehand.
#[derive(Debug, Args)]
pub(crate) struct DriveArgs {
    /// Guests side by side, which share the cases; one if not given. Each has the bench's memory (2 GiB) and keeps a
    /// processor busy.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=32), value_name = "N")]
    pub(crate) jobs: Option<u16>,
    /// Run the cases without the recorder: no splat and no hang is then tied to its ioctl. A run that was begun so goes on so.
    #[arg(long)]
    pub(crate) no_record: bool,
    /// When to read from lockdep which locks were taken inside signalling sections and held over waits: after each case
    /// where that is cheap, else after those that claim a rule which it shows; always; never.
    #[arg(long, value_enum, default_value_t = Coverage::Auto)]
    pub(crate) coverage: Coverage,
    /// A list of known fails, flakes or skips in drm-ci's form (NAME-fails.txt, NAME-flakes.txt, NAME-skips.txt).
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The session's folder.
    pub(crate) session: PathBuf,
    /// How QEMU runs the guest.
    #[arg(long, default_value = "auto", value_name = "auto|kvm|tcg")]
    pub(crate) accel: Accel,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Coverage {
    /// After each case where a reading takes less than 0.1 s, else after those that claim a rule which it shows.
    Auto,
    /// After each case.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// As for `run`; everything if not given.
    pub(crate) selection: Vec<String>,
    /// `vm`, `local`, or a bench's YAML file.
    #[arg(long, short, default_value = "vm")]
    pub(crate) bench: String,
    /// What to list.
    #[arg(long, value_enum, default_value_t = What::Cases)]
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// A line for each case on each tuple of devices, as `run` takes them.
    Cases,
    /// A line for each case, with what must hold and the rules.
    About,
    /// The suites and the named selections.
    Suites,
    /// The bench's devices.
    Devices,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The session's folder.
    pub(crate) session: PathBuf,
    /// Only this report, to standard output: summary, junit, csv, html.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// A list of known fails, flakes or skips in drm-ci's form.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Vec<PathBuf>,
}
