//! What recording costs a call, beside what other tools cost: one table from one run.
//!
//! `cargo bench -p fencelab-record`. Every call fails with ENOTTY, the shortest way through the kernel, so that what is
//! added shows best. strace, bpftrace and LTTng-UST are measured where they are installed and work. Each cell: nanoseconds a
//! call, what that adds to the bare call, and how many times the bare call it is.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod others;

use fencelab_record::{Entry, Faults, Geometry, Options, Session, record};

/// Kinds of call, as the program knows them, with what is recorded of each.
const KINDS: [(&str, &str); 4] =
    [("other", "not ours"), ("create", "one slot"), ("array", "with an array"), ("wait", "enter and exit")];
/// As first argument: record what follows by Syscall User Dispatch.
const RAW: &str = "--raw-way";

struct Bench {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder =
            tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).unwrap();
        let program = folder.path().join("loop");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/programs/loop.c");
        let cc = Command::new("cc").args(["-O2", "-w", "-pthread", "-o"]).arg(&program).arg(source).status();
        assert!(cc.unwrap().success());
        Self { folder, program }
    }

    /// Nanoseconds per call, of the program alone or as another one's last words.
    fn measure(&self, mut run: Command, kind: &str, threads: u32, runs: u32) -> Option<f64> {
        run.arg(kind).arg(threads.to_string()).arg(runs.to_string());
        let output = run.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().last()?.trim().parse().ok()
    }

    fn bare(&self) -> Command {
        Command::new(&self.program)
    }

    fn recorded(&self, name: &str, variable: &str) -> (Command, Session) {
        let session =
            Session::create(&self.folder.path().join(name), Geometry::default(), Faults::default()).unwrap();
        let mut run = self.bare();
        run.env(variable, session.shim()).env("FENCELAB_SESSION", session.folder());
        (run, session)
    }

    /// Without a session the shim is there and forwards.
    fn forwarding(&self) -> (Command, Session) {
        let (mut run, session) = self.recorded("forward", "LD_PRELOAD");
        run.env_remove("FENCELAB_SESSION");
        (run, session)
    }

    /// Recorded from outside: this program again, which then runs the recorder.
    fn raw(&self) -> Command {
        let mut run = Command::new(std::env::current_exe().unwrap());
        run.arg(RAW).arg(self.folder.path()).arg(&self.program);
        run
    }

    fn strace(&self) -> Command {
        let mut run = Command::new("strace");
        run.args(["-f", "-o", "/dev/null", "-e", "trace=ioctl"]).arg(&self.program);
        run
    }
}

/// Runs a command under the recorder in raw mode.
fn record_raw(arguments: &[std::ffi::OsString]) {
    let folder = tempfile::tempdir_in(&arguments[0]).unwrap();
    let mut options = Options::new(folder.path());
    options.entry = Entry::Raw;
    record(options, &arguments[1..]).unwrap();
}

/// A cell of the table.
fn cell(bare: Option<f64>, cost: Option<f64>) -> String {
    match (bare, cost) {
        (Some(bare), Some(cost)) => format!("{cost:.0} ({:+.1}, x{:.2})", cost - bare, cost / bare),
        _ => "no result".to_owned(),
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == RAW) {
        return record_raw(&arguments[1..]);
    }
    /// Short runs of which the least counts; fewer where a call costs microseconds.
    const RUNS: u32 = 2000;
    const SLOW_RUNS: u32 = 5;
    let bench = Bench::new();
    let (forwarding, _forward) = bench.forwarding();
    let (preload, _preload) = bench.recorded("preload", "LD_PRELOAD");
    let (audit, _audit) = bench.recorded("audit", "LD_AUDIT");
    println!("ns per call (added, times the bare call), the least of {RUNS} runs\n");
    let heads = KINDS.map(|(_, what)| format!("{what:>26}"));
    println!("{:28}{}", "", heads.concat());
    for threads in [1, 2] {
        let label = |name: &str| format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
        let floor = KINDS.map(|(kind, _)| bench.measure(bench.bare(), kind, threads, 2 * RUNS));
        let row = |name: &str, run: &Command, runs: u32| {
            let cells = KINDS.iter().zip(floor).map(|((kind, _), bare)| {
                format!("{:>26}", cell(bare, bench.measure(again(run), kind, threads, runs)))
            });
            let cells: Vec<String> = cells.collect();
            println!("{:28}{}", label(name), cells.concat());
        };
        let or_why = |name: &str, why: &str| println!("{:28}  {why}", label(name));
        row("bare", &bench.bare(), RUNS);
        row("forward only", &forwarding, RUNS);
        row("recorded", &preload, RUNS);
        row("recorded by audit", &audit, RUNS);
        row("recorded raw", &bench.raw(), RUNS / 10);
        match others::is_installed("strace") {
            true => row("strace", &bench.strace(), SLOW_RUNS),
            false => or_why("strace", others::MISSING),
        }
        match others::Bpftrace::start(bench.folder.path()) {
            Ok(_tracer) => row("bpftrace", &bench.bare(), RUNS / 10),
            Err(why) => or_why("bpftrace", &why),
        }
        match others::Lttng::start(bench.folder.path()) {
            Ok(lttng) => row("LTTng-UST", &Command::new(&lttng.program), RUNS / 4),
            Err(why) => or_why("LTTng-UST", &why),
        }
    }
}

/// The same command once more: std's cannot be cloned.
fn again(run: &Command) -> Command {
    let mut copy = Command::new(run.get_program());
    copy.args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}
