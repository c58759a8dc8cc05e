//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fencelab_bench::vm::Accel;

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
    /// Run the cases without the recorder: no splat and no hang is then tied to its ioctl.
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

/// Ends with 0 where nothing is missing, 1 where something is, 3 where the bench does not come up.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The session's folder.
    pub(crate) session: PathBuf,
    /// How QEMU runs the guest.
    #[arg(long, default_value = "auto", value_name = "auto|kvm|tcg")]
    pub(crate) accel: Accel,
    /// Run the cases without the recorder: no splat and no hang is then tied to its ioctl. A run that was begun so goes on so.
    #[arg(long)]
    pub(crate) no_record: bool,
    /// As for `run`.
    #[arg(long, value_enum, default_value_t = Coverage::Auto)]
    pub(crate) coverage: Coverage,
    /// A list of known fails, flakes or skips in drm-ci's form.
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Vec<PathBuf>,
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
pub(crate) struct RecordArgs {
    /// The folder of the trace; a new one named by the time if not given. On tmpfs, recording disturbs least.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Catch every system call (Syscall User Dispatch): for static programs, Go, and raw system calls. About 1.5 us a call.
    #[arg(long, group = "way")]
    pub(crate) raw: bool,
    /// Come in by LD_AUDIT: sees RTLD_DEEPBIND, dlmopen and dlsym on handles too; needs glibc 2.35.
    #[arg(long, group = "way")]
    pub(crate) audit: bool,
    /// Come in by LD_PRELOAD; so it is anyway, unless the program is linked statically.
    #[arg(long, group = "way")]
    pub(crate) preload: bool,
    /// Size of the trace. It is taken at the start and never exceeded.
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub(crate) size: u64,
    /// What gives way when the trace is full.
    #[arg(long, value_enum, default_value_t = WhenFull::Flight)]
    pub(crate) mode: WhenFull,
    /// Do something wrong now and then, to reproduce races: delay=50us@1%, eintr@0.1%, etime@1%, drop@1%, seed=7.
    #[arg(long, value_name = "LIST")]
    pub(crate) fault: Option<String>,
    /// Draw the live line even where the command writes to the same terminal.
    #[arg(long)]
    pub(crate) live: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenFull {
    /// A thread's oldest records, as a flight recorder has it.
    Flight,
    /// The newest: what comes then is counted and dropped.
    Stop,
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
    /// Exit with 1 if anything is reported.
    #[arg(long)]
    pub(crate) fail: bool,
}

/// Seconds, more than none.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && (0.01..1e6).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds between 0.01 and 1000000".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// The session's folder, a pool file without one, or a run's folder.
    pub(crate) session: PathBuf,
    /// Only what concerns that case of a run.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// One JSON object with everything.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only verdicts, no mere waits.
    #[arg(long)]
    pub(crate) verdicts: bool,
    /// Also what is merely worth a look: fences left unsignalled, slow wakes, what the trace cannot show.
    #[arg(long)]
    pub(crate) hints: bool,
    /// Do not look for hangs that other orders of the same calls would come to.
    #[arg(long)]
    pub(crate) no_predict: bool,
    /// Look who waits when nothing has moved for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) quiet: f64,
    /// Write the graphs for Graphviz.
    #[arg(long, value_name = "FILE")]
    pub(crate) dot: Option<PathBuf>,
    /// Write the first finding's graph as a picture.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the first finding's threads for ui.perfetto.dev, what it rests on marked.
    #[arg(long, value_name = "FILE")]
    pub(crate) perfetto: Option<PathBuf>,
    /// Write a page with graph, timeline and calls, which needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the order of calls of the first hang that is predicted, for `fencelab replay --order`.
    #[arg(long, value_name = "FILE", conflicts_with = "no_predict")]
    pub(crate) order: Option<PathBuf>,
    /// A program or scenario that shows it again, to be put on the page.
    #[arg(long, value_name = "FILE", requires = "html")]
    pub(crate) reproducer: Option<PathBuf>,
}

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
    /// candidate is run on a machine of its own.
    #[arg(long, value_name = "SIGNATURE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["order", "no_run"])]
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

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The session's folder, or a recorded process's id.
    #[arg(value_name = "DIR|PID")]
    pub(crate) session: PathBuf,
    /// Look who waits when nothing has moved for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) quiet: f64,
    /// End after the first look.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The session's folder, a pool file without one, or the folder of a `fencelab run`.
    pub(crate) session: PathBuf,
    /// In the folder of a run: only what this case did, on its boot.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// One JSON object a line: the session, then its calls.
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on with what is recorded from now on, until the recorder ends or Ctrl-C.
    #[arg(long, short, conflicts_with_all = ["perfetto", "tail"])]
    pub(crate) follow: bool,
    /// Only calls of this process: a pid, or the program's name.
    #[arg(long, short, value_name = "PID|NAME")]
    pub(crate) process: Vec<String>,
    /// Only calls of this thread.
    #[arg(long, short, value_name = "TID")]
    pub(crate) thread: Vec<u32>,
    /// Only calls that are made on this fd, name it or bring it.
    #[arg(long, value_name = "N")]
    pub(crate) fd: Vec<i32>,
    /// The life of an object, such as syncobj:7: who made, shared, waited for, signalled and ended it.
    #[arg(long, short, value_name = "KIND:N")]
    pub(crate) object: Vec<String>,
    /// Only calls of these kinds: ioctl, close, send-fds, ...; or wait, signal, submit for what they do.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kind: Vec<String>,
    /// The first N lines only.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// The last N lines only.
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    pub(crate) tail: Option<usize>,
    /// Write a trace for ui.perfetto.dev to this file, and no lines.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) perfetto: Option<PathBuf>,
    /// Colour: `auto` colours a terminal.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
