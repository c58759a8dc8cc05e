//! The command line.

mod analyze;
mod bench;
mod klog;
mod prove;
mod record;
mod replay;
mod run;

use clap::{Parser, Subcommand};

pub(crate) use analyze::{AnalyzeArgs, WatchArgs};
pub(crate) use bench::{BenchArgs, DoctorArgs, KernelArgs, KernelBuildArgs, KernelCommand, VmArgs};
pub(crate) use klog::KlogArgs;
pub(crate) use prove::{ProveArgs, RulesArgs};
pub(crate) use record::{Colour, RecordArgs, TraceArgs, WhenFull};
pub(crate) use replay::{MinimizeArgs, ReplayArgs, ReplayTiming, ReplayedArgs};
pub(crate) use run::{Coverage, DriveArgs, ListArgs, ReportArgs, ResumeArgs, RunArgs, What};

/// A lab bench for DMA fences: makes GPU drivers prove that they keep the dma-fence contract.
#[derive(Debug, Parser)]
#[command(name = "fencelab", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run cases on a bench and report what they and the kernel said.
    Run(RunArgs),
    /// Take up a session whose run was killed or stopped; finished cases are not run again.
    Resume(ResumeArgs),
    /// List suites, cases and the devices they would run on, without bringing the bench up.
    List(ListArgs),
    /// Say what a bench lacks (kernel options, firmware, permissions, devices) and what is not covered for that reason.
    Doctor(DoctorArgs),
    /// Run any command in a guest and return its exit status.
    Vm(VmArgs),
    /// Run a command and record what it and its children do with their fences.
    Record(RecordArgs),
    /// Build and find guest kernels.
    Kernel(KernelArgs),
    /// Write a session's reports again from its journal.
    Report(ReportArgs),
    /// Plant faults in guests, each in one of its own, and check that they are caught and nothing else is.
    Prove(ProveArgs),
    /// The rules of the dma-fence contract: who checks each, and what proved it last.
    Rules(RulesArgs),
    /// Read a kernel log and say what it reports, which rules that breaks, and where.
    Klog(KlogArgs),
    /// Show what a recorded session holds: each call in the manner of strace, with names for numbers.
    Trace(TraceArgs),
    /// Say of a recorded session who waits for whom, and prove what can never happen.
    Analyze(AnalyzeArgs),
    /// Do what a recorded session did with its fences again, as a scenario on a bench.
    Replay(ReplayArgs),
    /// Make a hang small: a scenario and a C program of a few calls that come to the same verdict.
    Minimize(MinimizeArgs),
    /// Watch a session as it is recorded: who waits for whom is said as soon as nothing moves.
    Watch(WatchArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
