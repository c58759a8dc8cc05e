//! Recordings, and how they are read.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
