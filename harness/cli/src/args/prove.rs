//! The contract's rules, and what proves them.

use std::path::PathBuf;

use clap::Args;
use fencelab_bench::vm::Accel;

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// Knobs (runjob-gfp-kernel), rules (SIG-RECLAIM) or patches of the series (08); everything if not given.
    pub(crate) knobs: Vec<String>,
    /// `vm`, or a bench's YAML file; `local` plants in this machine's kernel and needs --i-know.
    #[arg(long, short, visible_alias = "on", default_value = "vm")]
    pub(crate) bench: String,
    /// The kernel in which knobs are planted: `stock`, `annotated`, `kasan`, or a folder with a bzImage and lib/modules.
    #[arg(long, short, default_value = "stock")]
    pub(crate) kernel: String,
    /// How QEMU runs the guests.
    #[arg(long, default_value = "auto", value_name = "auto|kvm|tcg")]
    pub(crate) accel: Accel,
    /// The folder of the proofs; a new one named by the time if not given.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
    /// Guests at a time; one a processor if not given.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=64), value_name = "N")]
    pub(crate) jobs: Option<u16>,
    /// List what would be planted, what must be seen, and the case that provokes it; boot nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Plant in the kernel of this machine all the same.
    #[arg(long)]
    pub(crate) i_know: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// One rule, in full: SIG-RECLAIM.
    pub(crate) id: Option<String>,
    /// The folder of a `fencelab prove`; the newest proofs-* of the working directory if not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) results: Option<PathBuf>,
}
