//! Kernel logs.

use std::path::PathBuf;

use clap::Args;

/// Below the options.
const EXIT: &str = "\
Exit codes, the first that fits:
  1  with --fail: something is reported, even if other input could not be read
  3  an input could not be read, or with --fail no line of a log was found in any
  0  otherwise; with --fail: all was read, and nothing is reported in it
docs/klog.md describes what it reads and what it prints.";

#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct KlogArgs {
    /// Kernel logs in any form, or folders of them; `-` or none at all: standard input. The parts of a crash dump that
    /// pstore kept (dmesg-efi-*) are read as one log.
    pub(crate) files: Vec<PathBuf>,
    /// One JSON object a report; `source` names its log.
    #[arg(long, conflicts_with_all = ["dot", "svg"])]
    pub(crate) json: bool,
    /// Fold the reports of all logs into distinct bugs, with counts and where each was first and last seen: by the wall
    /// clock or the time since boot where all its reports have one, else in the order read.
    #[arg(long)]
    pub(crate) group: bool,
    /// The lock graph of all reports for Graphviz; the edge that closed each cycle is red.
    #[arg(long, conflicts_with_all = ["svg", "group"])]
    pub(crate) dot: bool,
    /// The same as an SVG picture.
    #[arg(long, conflicts_with = "group")]
    pub(crate) svg: bool,
    /// FILES are /proc/lockdep, /proc/lockdep_stats or /proc/lockdep_chains (this machine's if none is given): whether
    /// lockdep is armed, how full it is, and which locks it has seen inside signalling sections and over waits. With
    /// two readings of /proc/lockdep, what the second one added.
    #[arg(long, conflicts_with_all = ["group", "fail", "annotated"])]
    pub(crate) lockdep: bool,
    /// Print the JSON schema of a report and nothing else.
    #[arg(long)]
    pub(crate) schema: bool,
    /// The kernel carries the annotations of the 2020 series: label what only they show.
    #[arg(long)]
    pub(crate) annotated: bool,
    /// For scripts: exit with 1 if anything is reported (see below). It takes no value.
    #[arg(long)]
    pub(crate) fail: bool,
}
