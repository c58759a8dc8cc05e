//! Scenarios tried for what the kernel reports of them, each session quiet and in a folder of its own.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use fencelab_bench::Bench;
use fencelab_events::{Event, Outcome, Session};
use fencelab_prove::Planted;
use fencelab_runner::{CoveragePolicy, Folder, Journal, Observer, Options, Runner, Stop};
use fencelab_scenario::Scenario;

use super::{Case, planned};
use crate::args::BenchArgs;
use crate::benches;
use crate::commands::run;

/// Where they are tried.
pub(crate) struct Tries<'a> {
    /// The bench.
    pub(crate) bench: &'a BenchArgs,
    /// Faults of the twins that are planted on each machine before anything runs.
    pub(crate) plant: &'a [String],
    /// The sessions' folders lie here.
    pub(crate) folder: PathBuf,
    /// The user's wish to stop.
    pub(crate) stop: Stop,
    /// How many sessions there were.
    pub(crate) sessions: u32,
    /// The kernel's release, once there was one.
    pub(crate) kernel: String,
    /// Why the first case of the last session neither passed nor failed, if so: that it made no report tells nothing then.
    pub(crate) not_run: Option<String>,
}

/// The sessions are many; what came of each is said by whoever wanted it.
struct Quiet;

impl Observer for Quiet {
    fn booting(&mut self, _boot: u32) {}
    fn event(&mut self, _event: &Event, _session: &Session) {}
    fn tick(&mut self, _session: &Session) {}
}

impl Tries<'_> {
    /// Runs a scenario so often and counts the runs in which the kernel made a report of that signature. After a report
    /// that ends lockdep the machine is booted again.
    pub(crate) fn reported(&mut self, scenario: &Scenario, times: u32, signature: &str) -> Result<u32> {
        let session = self.session(scenario, times)?;
        let is_it = |finding: &fencelab_events::Finding| finding.signature == signature;
        if times == 1 {
            // Nothing else ran: also what came too late to be laid to the case is the case's.
            return Ok(u32::from(session.findings.iter().any(is_it)));
        }
        let made = session.cases.iter().filter(|case| session.findings_of(&case.plan.id).any(is_it));
        Ok(u32::try_from(made.count()).unwrap_or(u32::MAX))
    }

    fn session(&mut self, scenario: &Scenario, times: u32) -> Result<Session> {
        self.sessions += 1;
        let folder = Folder::new(self.folder.join(format!("try-{}", self.sessions)));
        let chosen = benches::choose(&self.bench.bench, &self.bench.kernel, self.bench.accel)?;
        if chosen.is_here {
            bail!(
                "try it on this machine: a report of its kernel would be the last of this boot; --bench vm"
            );
        }
        let devices = chosen.bench.devices().context("list the bench's devices")?;
        let mut journal = Journal::create(&folder, run::sync(&chosen))?;
        let case = |number: u32| Case { name: format!("try-{number}"), scenario: scenario.clone(), tries: 1 };
        let cases: Vec<Case> = (1..=times).map(case).collect();
        let plan = planned(&cases, folder.path())?;
        run::begin(&mut journal, self.bench, chosen.is_here)?;
        journal.write(Event::Planned { cases: plan, devices })?;
        let mut bench = Planted::new(chosen.bench, self.plant.to_vec());
        let options =
            Options { annotated: chosen.annotated, coverage: CoveragePolicy::Never, ..run::options(true) };
        let mut quiet = Quiet;
        let stop = self.stop.clone();
        let bench: &mut dyn Bench = &mut bench;
        let runner = Runner::new([bench], folder.clone(), journal, &mut quiet, stop, options);
        runner.run().with_context(|| format!("try it in {}", folder.path().display()))?;
        if self.stop.asked() {
            bail!("make it smaller: it was stopped");
        }
        let session = crate::commands::report::read(&folder)?;
        if session.cases.iter().all(|case| case.attempts.is_empty()) {
            bail!("try it in {}: the machine did not come up", folder.path().display());
        }
        let finished = session.cases.first().and_then(|case| case.finished());
        self.not_run = not_run(finished.map(|finished| (finished.outcome, finished.reason.as_str())));
        self.kernel = session.boots.first().map(|boot| boot.release.clone()).unwrap_or_default();
        Ok(session)
    }
}

/// Why a case with that end neither passed nor failed, if so.
fn not_run(end: Option<(Outcome, &str)>) -> Option<String> {
    match end {
        Some((Outcome::Pass | Outcome::Fail, _)) => None,
        Some((outcome, "")) => Some(format!("its outcome is {outcome:?}, and no reason is known")),
        Some((_, reason)) => Some(reason.to_owned()),
        None => Some("it did not come to its end".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ran_to_its_end_says_that_there_is_no_report() {
        assert_eq!(not_run(Some((Outcome::Pass, ""))), None);
        assert_eq!(not_run(Some((Outcome::Fail, "expected clean, found D1"))), None);
        let lacks = "this machine has no i915-twin";
        assert_eq!(not_run(Some((Outcome::Skip, lacks))).as_deref(), Some(lacks));
        assert!(not_run(Some((Outcome::Timeout, ""))).is_some_and(|why| why.contains("Timeout")));
        assert!(not_run(None).is_some());
    }
}
