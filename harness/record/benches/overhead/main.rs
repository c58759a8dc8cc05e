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

/// What is measured: with the shim, or without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Bare,
    Floor,
    Forward,
    Preload,
    Audit,
}

/// The ways that are compared by nanoseconds, as their rows are called.
const WAYS: [(&str, Way); 5] = [
    ("bare", Way::Bare),
    ("rdtsc twice, one line", Way::Floor),
    ("forward only", Way::Forward),
    ("recorded", Way::Preload),
    ("recorded by audit", Way::Audit),
];

struct Bench {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder =
            tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/programs/loop.c");
        let build = |name: &str, define: &str| {
            let program = folder.path().join(name);
            let mut cc = Command::new("cc");
            cc.args(["-O2", "-w", "-pthread", define, "-o"]).arg(&program).arg(&source);
            assert!(cc.status().unwrap().success());
            program
        };
        let program = build("loop", "-DPLAIN");
        build("floor", "-DFLOOR");
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

    /// The program with the least that a recorder must do compiled into it.
    fn floor(&self) -> Command {
        Command::new(self.folder.path().join("floor"))
    }

    /// Measured under the shim, in a session of its own: one that fills up drops records, which costs less.
    fn shimmed(&self, way: Way, kind: &str, threads: u32, runs: u32) -> Option<f64> {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let session =
            Session::create(&folder.path().join("session"), Geometry::default(), Faults::default()).unwrap();
        let mut run = self.bare();
        run.env(if way == Way::Audit { "LD_AUDIT" } else { "LD_PRELOAD" }, session.shim());
        // Without a session the shim is there and forwards.
        if way != Way::Forward {
            run.env("FENCELAB_SESSION", session.folder());
        }
        let cost = self.measure(run, kind, threads, runs);
        assert_eq!(session.chunks_used() > 0, way != Way::Forward);
        assert!(!session.is_full());
        cost
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

/// The least nanoseconds that each kind of call took by one way; nothing where it gave no result.
#[derive(Default)]
struct Costs([Option<f64>; KINDS.len()]);

impl Costs {
    /// Measures each kind once more.
    fn take(&mut self, measure: impl Fn(&str) -> Option<f64>) {
        for (least, (kind, _)) in self.0.iter_mut().zip(KINDS) {
            *least = [*least, measure(kind)].into_iter().flatten().reduce(f64::min);
        }
    }
}

/// A row of the table beside what the bare calls cost.
fn cells(floor: &Costs, costs: &Costs) -> String {
    let cell = |(bare, cost): (&Option<f64>, &Option<f64>)| match (bare, cost) {
        (Some(bare), Some(cost)) => {
            format!("{:>26}", format!("{cost:.0} ({:+.1}, x{:.2})", cost - bare, cost / bare))
        }
        _ => format!("{:>26}", "no result"),
    };
    floor.0.iter().zip(&costs.0).map(cell).collect()
}

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == RAW) {
        return record_raw(&arguments[1..]);
    }
    /// Short runs of which the least counts; fewer where a call costs microseconds.
    const RUNS: u32 = 500;
    const SLOW_RUNS: u32 = 5;
    /// The ways that are compared by nanoseconds take turns, so that a processor which changes its pace does so for all.
    const ROUNDS: u32 = 40;
    let bench = Bench::new();
    println!(
        "ns per call (added, times the bare call), the least of {} runs in {ROUNDS} rounds\n",
        ROUNDS * RUNS
    );
    let heads = KINDS.map(|(_, what)| format!("{what:>26}"));
    println!("{:28}{}", "", heads.concat());
    for threads in [1, 2] {
        let label = |name: &str| format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
        let row =
            |name: &str, floor: &Costs, costs: &Costs| println!("{:28}{}", label(name), cells(floor, costs));
        let or_why = |name: &str, why: &str| println!("{:28}  {why}", label(name));
        let mut costs = WAYS.map(|_| Costs::default());
        for _ in 0..ROUNDS {
            for ((_, way), costs) in WAYS.into_iter().zip(&mut costs) {
                costs.take(|kind| match way {
                    Way::Bare => bench.measure(bench.bare(), kind, threads, RUNS),
                    Way::Floor => bench.measure(bench.floor(), kind, threads, RUNS),
                    _ => bench.shimmed(way, kind, threads, RUNS),
                });
            }
        }
        let floor = &costs[0];
        for ((name, _), costs) in WAYS.into_iter().zip(&costs) {
            row(name, floor, costs);
        }
        let once = |name: &str, run: &Command, runs: u32| {
            let mut costs = Costs::default();
            costs.take(|kind| bench.measure(again(run), kind, threads, runs));
            row(name, floor, &costs);
        };
        once("recorded raw", &bench.raw(), RUNS);
        match others::is_installed("strace") {
            true => once("strace", &bench.strace(), SLOW_RUNS),
            false => or_why("strace", others::MISSING),
        }
        match others::Bpftrace::start(bench.folder.path()) {
            Ok(_tracer) => once("bpftrace", &bench.bare(), RUNS),
            Err(why) => or_why("bpftrace", &why),
        }
        match others::Lttng::start(bench.folder.path()) {
            Ok(lttng) => once("LTTng-UST", &Command::new(&lttng.program), RUNS),
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
