//! `fencelab resume`.

use anyhow::{Context, Result, bail};
use clap::Parser;
use fencelab_events::event::CaseFinished;
use fencelab_events::{Captured, Event, Outcome as CaseOutcome, Session};
use fencelab_runner::{Folder, Journal, host_boot_id};

use crate::args::{Cli, Command, DriveArgs, ResumeArgs, RunArgs};
use crate::benches;
use crate::outcome::Outcome;
use crate::reports::Reports;

pub(crate) fn run(args: &ResumeArgs) -> Result<Outcome> {
    let folder = Folder::new(&args.session);
    let reports = Reports::new(folder.clone(), &args.drive.expect)?;
    let session = super::report::read(&folder)?;
    let kernel = session.kernel.clone().unwrap_or_default();
    let begun = begun(&session.argv);
    let jobs = args.drive.jobs.or(begun.as_ref().and_then(|begun| begun.jobs)).unwrap_or(1);
    let chosen = benches::choose_jobs(&session.bench, &kernel, args.accel, jobs)
        .context("choose the session's bench again")?;
    if session.cases.is_empty() {
        bail!("take up {}: its run was killed before it had a plan; begin another", args.session.display());
    }
    let mut journal = Journal::reopen(&folder, super::run::sync(&chosen))?;
    let blamed = if chosen.is_here { taken_down(journal.session()) } else { Vec::new() };
    // The blame first: a runner that is killed between the two must find the machine's old boot id again.
    for lost in blamed {
        journal.write(Event::CaseFinished(Box::new(lost)))?;
    }
    journal.write(Event::SessionResumed { host_boot_id: host_boot_id() })?;
    let unrecorded = args.drive.no_record || begun.is_some_and(|begun| begun.no_record);
    super::run::drive(chosen, folder, journal, reports, !unrecorded, args.drive.coverage)
}

/// How the run that is taken up was told to go. Of a command line that this version does not know, as an older one may have
/// taken it, nothing is known.
fn begun(argv: &[String]) -> Option<DriveArgs> {
    match Cli::try_parse_from(argv).ok()?.command {
        Command::Run(RunArgs { drive, .. }) => Some(drive),
        _ => None,
    }
}

/// The case under which this machine itself went down, if it did: its boot id is another one, and a case that
/// ran here has no end. It is not run again, or every resume would take the machine down. A runner that was
/// merely killed says nothing about its case, which runs again.
fn taken_down(session: &Session) -> Vec<CaseFinished> {
    if session.host_boot_id == host_boot_id() {
        return Vec::new();
    }
    let open = session.cases.iter().filter_map(|record| {
        let attempt = record.attempts.last().filter(|a| a.finished.is_none())?;
        Some((record, attempt))
    });
    let lost = |(record, attempt): (&fencelab_events::CaseRecord, &fencelab_events::Attempt)| CaseFinished {
        case: record.plan.id.clone(),
        attempt: attempt.number,
        boot: attempt.boot,
        outcome: CaseOutcome::Lost,
        reason: "this machine went down while it ran; its kernel's last words are in pstore, if anywhere"
            .into(),
        pid: None,
        exit: None,
        at_us: 0,
        took_us: 0,
        klog: (0, 0),
        lockdep: attempt.lockdep,
        coverage: None,
        subtests: vec![],
        notes: vec![],
        stdout: Captured::default(),
        stderr: Captured::default(),
        memory_peak: None,
    };
    open.map(lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_as_it_began() {
        let began = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            begun(&words).map(|drive| (drive.no_record, drive.jobs))
        };
        assert_eq!(began("fencelab run smoke --no-record -o results"), Some((true, None)));
        assert_eq!(began("/usr/bin/fencelab run --jobs 4 --no-record --bench local"), Some((true, Some(4))));
        assert_eq!(began("fencelab run smoke"), Some((false, None)));
        assert_eq!(began("fencelab run --of-the-future --no-record"), None);
        assert_eq!(begun(&[]).map(|drive| drive.jobs), None);
    }
}
