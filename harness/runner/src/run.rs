//! The run: case after case, on a machine that is up and armed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use fencelab_bench::protocol::{FromAgent, ToAgent};
use fencelab_bench::{Bench, Down, Order};
use fencelab_events::verdict::ran_without_lockdep;
use fencelab_events::{
    BootEnd, CaseRecord, Dossier, Event, Finding, Lockdep, LockdepCause, Outcome, PlannedCase, SessionEnd,
    Verdict,
};

use crate::case::{After, SETTLE};
use crate::coverage::CoveragePolicy;
use crate::error::Error;
use crate::files::{Folder, Journal};
use crate::live::{Live, Streams};
use crate::observe::{Observer, Stop};
use crate::recorded::Recorded;
use crate::records;

/// How a run behaves where its user may choose.
#[derive(Clone)]
pub struct Options {
    /// The kernel carries the series' annotations: findings under them are labelled so.
    pub annotated: bool,
    /// How often in a row a bench that once was up may fail to come up again before the run is given up.
    pub boot_tries: u32,
    /// Cases run under the recorder.
    pub record: bool,
    /// When lockdep's graph is read for the contract's coverage.
    pub coverage: CoveragePolicy,
    /// How evidence is filed.
    pub evidence: Evidence,
}

/// How evidence is filed in the session's folder: names and texts. The reports' business, handed in because runner and
/// reports stand beside each other.
#[derive(Clone)]
pub struct Evidence {
    /// The name of a splat's file, by boot, first sequence number and kind.
    pub splat_name: fn(u32, u64, &str) -> String,
    /// Its content: from the finding, the kernel's release and the report's own lines.
    pub splat_text: fn(&Finding, &str, &str) -> String,
    /// The name of a dossier's file, by case and attempt.
    pub dossier_name: fn(&str, u32) -> String,
    /// Its content.
    pub dossier_text: fn(&Dossier) -> String,
}

/// A session on its way.
pub struct Runner<'a> {
    pub(crate) bench: &'a mut dyn Bench,
    pub(crate) folder: Folder,
    pub(crate) journal: Journal,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) stop: Stop,
    pub(crate) options: Options,
}

impl<'a> Runner<'a> {
    /// A runner over a journal that already holds the plan.
    pub fn new(
        bench: &'a mut dyn Bench,
        folder: Folder,
        journal: Journal,
        observer: &'a mut dyn Observer,
        stop: Stop,
        options: Options,
    ) -> Self {
        Runner { bench, folder, journal, observer, stop, options }
    }

    /// Runs every planned case that has no result yet, ends the session in the journal and returns the journal.
    /// A bench that cannot go on ends the session as aborted; what was done so far stands.
    ///
    /// # Errors
    /// [`Error::File`] when the journal or a log cannot be written, and whatever kept the bench from coming up.
    pub fn run(mut self) -> Result<Journal, Error> {
        let remaining = remaining(&self.journal);
        // A runner that was killed left the last boot's as they were.
        let boots: Vec<u32> = self.journal.session().boots.iter().map(|boot| boot.number).collect();
        boots.into_iter().for_each(|boot| self.trim_records(boot));
        let result = self.run_cases(remaining.into());
        let end = match &result {
            Ok(()) if self.stop.asked() => SessionEnd::Interrupted,
            Ok(()) => SessionEnd::Complete,
            Err(error) => SessionEnd::Aborted { why: error.to_string() },
        };
        // A full disk refuses this line too; the error that matters is the first one.
        let ended = self.write(Event::SessionEnded { end }).and_then(|()| self.journal.sync());
        result.and(ended).map(|()| self.journal)
    }

    fn run_cases(&mut self, mut waiting: VecDeque<PlannedCase>) -> Result<(), Error> {
        loop {
            self.run_waiting(&mut waiting)?;
            // What lockdep did not watch runs once more; the last boot's end may have shown that only now.
            waiting = self.unwatched().into();
            if waiting.is_empty() || self.stop.asked() || !self.bench.can_reboot() {
                return Ok(());
            }
        }
    }

    fn run_waiting(&mut self, waiting: &mut VecDeque<PlannedCase>) -> Result<(), Error> {
        let mut machine: Option<Live> = None;
        while let Some(case) = waiting.pop_front() {
            if self.stop.asked() {
                break;
            }
            let mut live = match machine.take() {
                Some(live) => live,
                None => match self.boot()? {
                    Some(live) => live,
                    None => break,
                },
            };
            // Booting takes long enough for a change of mind.
            if self.stop.asked() {
                machine = Some(live);
                break;
            }
            let after = self.run_case(&mut live, &case)?;
            machine = match after {
                After::Fit => Some(live),
                After::Gone => None,
                After::NotBegun => {
                    waiting.push_front(case);
                    None
                }
                After::Spent(why) if self.bench.can_reboot() => {
                    self.take_down(live, BootEnd::Restarted { why })?;
                    None
                }
                After::Spent(_) => Some(live),
            };
        }
        match machine {
            Some(live) => self.take_down(live, BootEnd::Done),
            None => Ok(()),
        }
    }

    /// The cases whose only trouble is that lockdep was off, and that have not run again for that.
    fn unwatched(&self) -> Vec<PlannedCase> {
        let session = self.journal.session();
        let again = |record: &&CaseRecord| {
            Verdict::of(session, record) == Verdict::Unarmed
                && ran_without_lockdep(session, record)
                && record.attempts.len() < 2
        };
        session.cases.iter().filter(again).map(|record| record.plan.clone()).collect()
    }

    pub(crate) fn write(&mut self, event: Event) -> Result<(), Error> {
        self.journal.write(event.clone())?;
        self.observer.event(&event, self.journal.session());
        Ok(())
    }

    // ---- the machine

    /// Brings the bench up; none when the user stopped meanwhile. A first boot that fails is the run's error; a
    /// later one is tried again.
    fn boot(&mut self) -> Result<Option<Live>, Error> {
        let ever = !self.journal.session().boots.is_empty();
        for failed in 1.. {
            if self.stop.asked() {
                return Ok(None);
            }
            let boot = self.journal.session().boots.last().map_or(1, |b| b.number + 1);
            self.observer.booting(boot);
            let mut notes = Vec::new();
            let (sender, incoming) = std::sync::mpsc::channel();
            let up = self.bench.up(&self.order(boot), sender, &mut |text| notes.push(text));
            for text in notes {
                self.write(Event::Note { text })?;
            }
            match up {
                Ok(machine) => {
                    let streams = Streams::open(&self.folder, boot)?;
                    let recorded = Recorded::new(self.folder.records(boot));
                    let annotated = self.options.annotated;
                    return self
                        .booted(Live::new(machine, incoming, boot, streams, recorded, annotated))
                        .map(Some);
                }
                Err(fencelab_bench::Error::Stopped) => return Ok(None),
                Err(error) if !ever => return Err(error.into()),
                Err(error) => {
                    self.steady(failed, &error.to_string())?;
                    self.write(Event::Note {
                        text: format!("the bench did not come up, trying again: {error}"),
                    })?;
                }
            }
        }
        Ok(None)
    }

    fn order(&self, boot: u32) -> Order {
        let stop = self.stop.clone();
        let record = self.options.record.then(|| self.folder.records(boot));
        Order { record, stop: Arc::new(move || stop.asked()) }
    }

    /// Writes how a boot ended, and cuts its records to what was used.
    pub(crate) fn boot_ended(&mut self, boot: u32, end: BootEnd) -> Result<(), Error> {
        self.write(Event::BootEnded { boot, end })?;
        self.trim_records(boot);
        let gone = records::to_go(&records::kept(&self.folder, self.journal.session()), records::BUDGET);
        for boot in gone {
            let _ = std::fs::remove_dir_all(self.folder.records(boot));
            let text = format!(
                "the recorder's records of boot {boot} are removed: together they took more than 1 GiB"
            );
            self.write(Event::Note { text })?;
        }
        Ok(())
    }

    /// Records that cannot be cut cost room and nothing else.
    fn trim_records(&self, boot: u32) {
        let _ = records::trim(&self.folder.records(boot));
    }

    fn booted(&mut self, mut live: Live) -> Result<Live, Error> {
        let hello = live.hello();
        let event = Event::BootStarted {
            boot: live.boot,
            release: hello.release.clone(),
            boot_id: hello.boot_id.clone(),
            devices: hello.devices.clone(),
            doctor: hello.doctor.clone(),
            lockdep: hello.lockdep,
            recorded: hello.recorded,
        };
        self.write(event)?;
        self.begin_coverage(&mut live)?;
        Ok(live)
    }

    fn steady(&self, failed: u32, last: &str) -> Result<(), Error> {
        if failed >= self.options.boot_tries {
            return Err(Error::Unsteady { times: failed, last: last.into() });
        }
        Ok(())
    }

    fn take_down(&mut self, mut live: Live, end: BootEnd) -> Result<(), Error> {
        self.end_coverage(&mut live)?;
        self.check_lockdep(&mut live)?;
        let boot = live.boot;
        let down = live.down()?;
        self.hear(&mut live, None)?;
        let end = match down {
            Down::Clean => end,
            other => boot_end(other),
        };
        self.boot_ended(boot, end)
    }

    /// Asks the kernel itself whether lockdep is still armed: a lost log line must not pass for a clean boot.
    fn check_lockdep(&mut self, live: &mut Live) -> Result<(), Error> {
        if live.lockdep != Lockdep::Armed || live.send(&ToAgent::Lockdep).is_err() {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLE;
        let state = loop {
            match live.next(deadline)? {
                Some(FromAgent::Lockdep(state)) => break Some(state),
                Some(_) => {}
                None if live.is_down() => return Ok(()),
                None => break None,
            }
        };
        self.hear(live, None)?;
        let line = match state {
            Some(Lockdep::Off) => "debug_locks is 0 in /proc/lockdep_stats, and no log line said so",
            Some(_) => return Ok(()),
            None => "the agent did not say in time whether lockdep was still armed",
        };
        if live.lockdep == Lockdep::Armed {
            live.lockdep = Lockdep::Off;
            let line = line.into();
            self.write(Event::LockdepOff {
                boot: live.boot,
                cause: LockdepCause::Unknown,
                line,
                case: None,
            })?;
        }
        Ok(())
    }
}

/// The cases that still need a run: without a result, or cancelled.
fn remaining(journal: &Journal) -> Vec<PlannedCase> {
    let done = |outcome| outcome != Outcome::Cancelled;
    let open = |record: &&fencelab_events::CaseRecord| !record.finished().is_some_and(|f| done(f.outcome));
    journal.session().cases.iter().filter(open).map(|record| record.plan.clone()).collect()
}

/// The journal's word for how a machine went down by itself.
pub(crate) fn boot_end(down: Down) -> BootEnd {
    match down {
        Down::Clean => BootEnd::Vanished { detail: "it powered itself off".into() },
        Down::Panic { message } => BootEnd::Panic { message },
        Down::Silent { after_ms } => BootEnd::Silent { after_ms },
        Down::Vanished { how } => BootEnd::Vanished { detail: how },
    }
}
