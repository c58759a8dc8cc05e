//! The runner's overhead per case, beside a plain fork and exec of the same program in the same run: with the
//! journal, the log capture and everything else that a real run has.
//!
//! `cargo bench -p fencelab --bench overhead [CASES]`

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fencelab_bench::local::Local;
use fencelab_bench::{Bench, Program};
use fencelab_events::{Event, PlannedCase, Session, Verdict};
use fencelab_runner::{Evidence, Folder, Journal, Observer, Options, Runner, Stop, Sync, host_boot_id};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fencelab");
const DEFAULT_CASES: usize = 500;
const ROUNDS: usize = 5;

fn main() {
    let cases = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(DEFAULT_CASES);
    let dir = tempfile::tempdir().expect("a folder for sessions");
    let mut plain = Vec::new();
    let mut lazy = Vec::new();
    let mut eager = Vec::new();
    let mut recorded = Vec::new();
    // Interleaved, so that a noisy moment hits all of them.
    for round in 0..ROUNDS {
        plain.push(fork_and_exec(cases));
        let run = |name: &str, sync, record| {
            session(&dir.path().join(format!("{name}-{round}")), sync, record, cases)
        };
        lazy.push(run("lazy", Sync::Every(Duration::from_secs(1)), false));
        eager.push(run("eager", Sync::EachCase, false));
        recorded.push(run("recorded", Sync::EachCase, true));
    }
    println!("{cases} trivial cases, median of {ROUNDS} rounds, per case:");
    let base = median(&mut plain);
    row("plain fork and exec of the same program", base, base);
    row("fencelab, journal synced once a second (vm)", median(&mut lazy), base);
    row("fencelab, journal synced before each case (local)", median(&mut eager), base);
    row("the same, each case under the recorder", median(&mut recorded), base);
}

fn row(what: &str, per_case: Duration, base: Duration) {
    let ms = per_case.as_secs_f64() * 1e3;
    let over = ms - base.as_secs_f64() * 1e3;
    println!("{what:<52} {ms:>7.3} ms   {over:>+7.3} ms   x{:.2}", ms / (base.as_secs_f64() * 1e3));
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What the agent must do at the least: the case's own program, started and waited for.
fn fork_and_exec(cases: usize) -> Duration {
    let began = Instant::now();
    for _ in 0..cases {
        let status = Command::new(PROGRAM)
            .args(["case-exec", "mock", "pass", "[]"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("run a case's program");
    }
    began.elapsed() / u32::try_from(cases).unwrap_or(u32::MAX)
}

/// A whole session of trivial cases on this machine, booting and ending left out.
fn session(path: &Path, sync: Sync, record: bool, cases: usize) -> Duration {
    let folder = Folder::new(path);
    let mut journal = Journal::create(&folder, sync).expect("a session");
    let started = Event::SessionStarted {
        version: fencelab_events::VERSION,
        fencelab: env!("CARGO_PKG_VERSION").into(),
        bench: "local".into(),
        kernel: None,
        argv: vec![],
        host: String::new(),
        host_boot_id: host_boot_id(),
    };
    journal.write(started).expect("write the journal");
    journal
        .write(Event::Planned { cases: (0..cases).map(trivial).collect(), devices: vec![] })
        .expect("write the plan");
    let mut bench = Local::new(Program::new(PROGRAM)).without_drm();
    let mut clock = Clock::default();
    let options = Options {
        annotated: false,
        boot_tries: 1,
        record,
        coverage: fencelab_runner::CoveragePolicy::Never,
        evidence: Evidence {
            splat_name: fencelab_report::splat::file_name,
            splat_text: fencelab_report::splat::render,
            dossier_name: fencelab_report::dossier::file_name,
            dossier_text: fencelab_report::dossier::text,
        },
    };
    let bench: &mut dyn Bench = &mut bench;
    let runner = Runner::new([bench], folder, journal, &mut clock, Stop::default(), options);
    let journal = runner.run().expect("run the session");
    assert_all_passed(journal.session());
    clock.spent() / u32::try_from(cases).unwrap_or(u32::MAX)
}

fn assert_all_passed(session: &Session) {
    let failed = session.cases.iter().find(|record| Verdict::of(session, record) != Verdict::Pass);
    assert!(failed.is_none(), "a trivial case did not pass: {failed:?}");
}

fn trivial(number: usize) -> PlannedCase {
    PlannedCase {
        id: format!("mock/pass@{number}"),
        suite: "mock".into(),
        name: "pass".into(),
        devices: vec![],
        limit_ms: 10_000,
        rules: vec![],
        about: String::new(),
        env: vec![],
        program: None,
    }
}

/// From the first case's start to the last one's end.
#[derive(Default)]
struct Clock {
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Clock {
    fn spent(&self) -> Duration {
        self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

impl Observer for Clock {
    fn booting(&mut self, _: u32) {}

    fn event(&mut self, event: &Event, _: &Session) {
        match event {
            Event::CaseStarted { .. } => {
                self.first.get_or_insert_with(Instant::now);
            }
            Event::CaseFinished(_) => self.last = Some(Instant::now()),
            _ => {}
        }
    }

    fn tick(&mut self, _: &Session) {}
}
