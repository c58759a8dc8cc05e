//! `fencelab run`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use fencelab_bench::Bench;
use fencelab_events::{Event, PlannedCase};
use fencelab_report::exit::Exit;
use fencelab_runner::{CoveragePolicy, Evidence, Folder, Journal, Options, Runner, Stop, Sync, host_boot_id};
use fencelab_suites::{fuzz, random, stress};

use crate::args::{BenchArgs, Coverage, RunArgs};
use crate::benches::{self, Chosen};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::reports::Reports;
use crate::{paths, plan, scenario, selections};

pub(crate) fn run(args: &RunArgs) -> Result<Outcome> {
    let bench = &args.bench;
    let chosen =
        benches::choose_jobs(&bench.bench, &bench.kernel, bench.accel, args.drive.jobs.unwrap_or(1))?;
    let folder = Folder::new(args.output.clone().unwrap_or_else(|| paths::new_folder("session")));
    let reports = Reports::new(folder.clone(), &args.drive.expect)?;
    let devices = chosen.bench.devices().context("list the bench's devices")?;
    let (scenarios, words) = scenario::split(&args.selection)?;
    let everything = plan::everything(&devices, &words);
    let known = plan::known(&everything, &words);
    let choice = selections::Choice { cases: &everything, known: &known, devices: &devices };
    let mut cases = if words.is_empty() { Vec::new() } else { choice.choose(&words)? };
    settings(&mut cases, args)?;
    cases.retain(|case| !reports.skips(&case.id));
    if cases.is_empty() && scenarios.is_empty() {
        bail!("choose cases: the lists of skips leave none");
    }
    if !scenarios.is_empty() && args.drive.no_record {
        bail!("run a scenario: its verdict comes from its records, which --no-record leaves out");
    }
    let mut journal = Journal::create(&folder, sync(&chosen))?;
    cases.extend(scenario::planned(&scenarios, folder.path())?);
    begin(&mut journal, &args.bench, chosen.is_here)?;
    journal.write(Event::Planned { cases, devices })?;
    drive(chosen, folder, journal, reports, !args.drive.no_record, args.drive.coverage)
}

/// A session's first line.
pub(crate) fn begin(journal: &mut Journal, bench: &BenchArgs, is_here: bool) -> Result<()> {
    journal.write(Event::SessionStarted {
        version: fencelab_events::VERSION,
        fencelab: env!("CARGO_PKG_VERSION").into(),
        bench: bench.bench.clone(),
        kernel: (!is_here).then(|| bench.kernel.clone()),
        argv: std::env::args().collect(),
        host: host(),
        host_boot_id: host_boot_id(),
    })?;
    Ok(())
}

/// What a case gets beyond its devices: a seed for its random choices, and for `stress` and `fuzz` the time that they are given.
fn settings(cases: &mut [PlannedCase], args: &RunArgs) -> Result<()> {
    for case in &mut *cases {
        case.env.extend(args.seed.map(|seed| (random::SEED.to_owned(), seed.to_string())));
    }
    let Some(duration) = args.duration else { return Ok(()) };
    let mut given = false;
    for case in cases.iter_mut().filter(|case| [stress::SUITE, fuzz::SUITE].contains(&case.suite.as_str())) {
        given = true;
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        case.env.push((stress::DURATION_MS.to_owned(), ms.to_string()));
        // What it may take after that: its last sequence, and to make a failing one small.
        case.limit_ms = ms.saturating_add(120_000);
    }
    if !given {
        bail!(
            "give the run --duration: it is for the suites `stress` and `fuzz`, which the selection does not take"
        );
    }
    Ok(())
}

/// Runs what the journal still plans, then reports. Shared with `resume`.
pub(crate) fn drive(
    mut chosen: Chosen,
    folder: Folder,
    journal: Journal,
    reports: Reports,
    record: bool,
    coverage: Coverage,
) -> Result<Outcome> {
    let stop = Stop::default();
    listen(&stop)?;
    let coverage = match coverage {
        Coverage::Auto => CoveragePolicy::Auto,
        Coverage::Always => CoveragePolicy::Always,
        Coverage::Never => CoveragePolicy::Never,
    };
    let options = Options { annotated: chosen.annotated, coverage, ..options(record) };
    let mut progress = Progress::new(reports);
    let benches = std::iter::once(&mut chosen.bench)
        .chain(&mut chosen.beside)
        .map(|bench| &mut **bench as &mut dyn Bench);
    let runner = Runner::new(benches, folder.clone(), journal, &mut progress, stop, options);
    let result = runner.run();
    progress.end();
    let reports = progress.into_reports();
    let session = super::report::read(&folder)?;
    // A run that could not go on still reports what it had done; its own error is said last, where it is seen.
    let exit = reports.all(&session).and_then(|exit| reports.summary(&session).map(|()| exit));
    crate::reports::flush();
    match (result, exit) {
        // What the kernel reported counts for more than the run's own end: a CI runs again on the latter.
        (Err(error), Ok(Exit::Findings)) => {
            Outcome::failed(&error.into());
            Ok(Outcome::Exit(Exit::Findings))
        }
        (result, exit) => result.map_err(Into::into).and(exit).map(Outcome::Exit),
    }
}

/// How a run behaves on a kernel without annotations.
pub(crate) fn options(record: bool) -> Options {
    Options {
        annotated: false,
        boot_tries: 3,
        record,
        coverage: CoveragePolicy::Auto,
        evidence: Evidence {
            splat_name: fencelab_report::splat::file_name,
            splat_text: fencelab_report::splat::render,
            dossier_name: fencelab_report::dossier::file_name,
            dossier_text: fencelab_report::dossier::text,
        },
    }
}

/// When a journal is forced to the disk: before each case where the case could take this machine down.
pub(crate) fn sync(chosen: &Chosen) -> Sync {
    if chosen.is_here { Sync::EachCase } else { Sync::Every(Duration::from_secs(1)) }
}

/// Ctrl-C and SIGTERM end the run cleanly; a second one, at once.
pub(crate) fn listen(stop: &Stop) -> Result<()> {
    let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let mut signals = signal_hook::iterator::Signals::new(signals).context("listen for signals")?;
    let stop = stop.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            eprintln!(
                "{}",
                if stop.asked() { "stopping at once" } else { "stopping after this case (again: at once)" }
            );
            stop.press();
        }
    });
    Ok(())
}

/// This machine's name.
pub(crate) fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
