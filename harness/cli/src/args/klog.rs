//! Kernel logs.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct KlogArgs {
    /// Kernel logs in any form, or folders of them; `-` or none at all: standard input.
    pub(crate) files: Vec<PathBuf>,
    /// One JSON object a report.
    #[arg(long, conflicts_with_all = ["dot", "svg"])]
    pub(crate) json: bool,
    /// Fold the reports of all logs into distinct bugs, with counts and where each was first and last seen.
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
    /// Exit with 1 if anything is reported, and with 3 if something could not be read or no line of a log was found.
    #[arg(long)]
    pub(crate) fail: bool,
}
