//! Where things run: benches, guests and their kernels.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fencelab_bench::vm::Accel;

/// Where cases run.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// `vm`, `local`, or a bench's YAML file.
    #[arg(long, short, default_value = "vm")]
    pub(crate) bench: String,
    /// The guest's kernel: `stock`, `annotated`, `kasan`, or a folder with a bzImage and lib/modules.
    #[arg(long, short, default_value = "stock")]
    pub(crate) kernel: String,
    /// How QEMU runs the guest; `auto` tries KVM and falls back to emulation.
    #[arg(long, default_value = "auto", value_name = "auto|kvm|tcg")]
    pub(crate) accel: Accel,
}

/// Ends with 0 where nothing is missing, 1 where something is, 3 where the bench does not come up.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VmArgs {
    /// The guest's kernel: `stock`, `annotated`, `kasan`, or a folder with a bzImage and lib/modules.
    #[arg(long, short, default_value = "stock")]
    pub(crate) kernel: String,
    /// `vm`, or a bench's YAML file.
    #[arg(long, short, default_value = "vm")]
    pub(crate) bench: String,
    /// How QEMU runs the guest.
    #[arg(long, default_value = "auto", value_name = "auto|kvm|tcg")]
    pub(crate) accel: Accel,
    /// Print the guest's kernel log to standard error as it comes.
    #[arg(long)]
    pub(crate) log: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KernelArgs {
    #[command(subcommand)]
    pub(crate) command: KernelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KernelCommand {
    /// Build a guest kernel with the lock checkers on, or find it in the cache.
    Build(KernelBuildArgs),
    /// Print where the cached kernels are.
    List,
}

#[derive(Debug, Args)]
pub(crate) struct KernelBuildArgs {
    /// `stock`, `annotated`: with dma-fence annotations where the series of 2020 had them, or `kasan`. The first two if not
    /// given.
    #[arg(long, value_parser = ["stock", "annotated", "kasan"])]
    pub(crate) variant: Option<String>,
    /// Your own kernel tree, instead of Debian's linux-source package; it is not changed.
    #[arg(long, value_name = "PATH")]
    pub(crate) tree: Option<PathBuf>,
}
