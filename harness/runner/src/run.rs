//! The run: case after case, on a machine that is up and armed.

use std::time::{Duration, Instant};

use fencelab_bench::protocol::{Finished, FromAgent, Run, Started, ToAgent};
use fencelab_bench::{Bench, Down};
use fencelab_events::event::CaseFinished;
use fencelab_events::{
    BootEnd, Captured, Dossier, Event, Finding, Lockdep, LockdepCause, Outcome, PlannedCase, SessionEnd,
};

use fencelab_klog::Report;

use crate::error::Error;
use crate::files::{Folder, Journal};
use crate::live::{Live, Streams};
use crate::observe::{Observer, Stop};
use crate::splat;
use crate::watch::Heard;

/// How a run behaves where its user may choose.
#[derive(Clone)]
pub struct Options {
    /// The kernel carries the series' annotations: findings under them are labelled so.
    pub annotated: bool,
    /// How often in a row a bench that once was up may fail to come up again before the run is given up.
    pub boot_tries: u32,
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

/// What the agent is given beyond a case's limit to take stacks and climb the kill ladder, before the runner
/// gives the machine up.
const LADDER: Duration = Duration::from_secs(60);

/// How long the kernel log may trail a case's end.
const SETTLE: Duration = Duration::from_secs(3);

/// How often the loop looks at the user's wish to stop while nothing comes in.
const TICK: Duration = Duration::from_millis(200);

/// A session on its way.
pub struct Runner<'a> {
    bench: &'a mut dyn Bench,
    folder: Folder,
    journal: Journal,
    observer: &'a mut dyn Observer,
    stop: Stop,
    options: Options,
}

/// How a case left the machine.
enum After {
    /// Fit for the next case.
    Fit,
    /// Up, but spent: why.
    Spent(String),
    /// Down.
    Gone,
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
        let result = self.run_cases(&remaining);
        let end = match &result {
            Ok(()) if self.stop.asked() => SessionEnd::Interrupted,
            Ok(()) => SessionEnd::Complete,
            Err(error) => SessionEnd::Aborted { why: error.to_string() },
        };
        // A full disk refuses this line too; the error that matters is the first one.
        let ended = self.write(Event::SessionEnded { end }).and_then(|()| self.journal.sync());
        result.and(ended).map(|()| self.journal)
    }

    fn run_cases(&mut self, cases: &[PlannedCase]) -> Result<(), Error> {
        let mut machine: Option<Live> = None;
        for case in cases {
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
            let after = self.run_case(&mut live, case)?;
            machine = match after {
                After::Fit => Some(live),
                After::Gone => None,
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

    fn write(&mut self, event: Event) -> Result<(), Error> {
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
            let up = self.bench.up(sender, &mut |text| notes.push(text));
            for text in notes {
                self.write(Event::Note { text })?;
            }
            match up {
                Ok(machine) => {
                    let streams = Streams::open(&self.folder, boot)?;
                    return self
                        .booted(Live::new(machine, incoming, boot, streams, self.options.annotated))
                        .map(Some);
                }
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

    fn booted(&mut self, live: Live) -> Result<Live, Error> {
        let hello = live.hello();
        let event = Event::BootStarted {
            boot: live.boot,
            release: hello.release.clone(),
            boot_id: hello.boot_id.clone(),
            devices: hello.devices.clone(),
            doctor: hello.doctor.clone(),
            lockdep: hello.lockdep,
        };
        self.write(event)?;
        Ok(live)
    }

    fn steady(&self, failed: u32, last: &str) -> Result<(), Error> {
        if failed >= self.options.boot_tries {
            return Err(Error::Unsteady { times: failed, last: last.into() });
        }
        Ok(())
    }

    fn take_down(&mut self, mut live: Live, end: BootEnd) -> Result<(), Error> {
        self.check_lockdep(&mut live)?;
        let boot = live.boot;
        let down = live.down()?;
        self.hear(&mut live, None)?;
        let end = match down {
            Down::Clean => end,
            other => boot_end(other),
        };
        self.write(Event::BootEnded { boot, end })
    }

    /// Asks the kernel itself whether lockdep is still armed: a lost log line must not pass for a clean boot.
    fn check_lockdep(&mut self, live: &mut Live) -> Result<(), Error> {
        if live.lockdep != Lockdep::Armed || live.send(&ToAgent::Lockdep).is_err() {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLE;
        let state = loop {
            match live.next(deadline)? {
                Some(FromAgent::Lockdep(state)) => break state,
                Some(_) => {}
                None => return Ok(()),
            }
        };
        self.hear(live, None)?;
        if state == Lockdep::Off && live.lockdep == Lockdep::Armed {
            live.lockdep = Lockdep::Off;
            let line = "debug_locks is 0 in /proc/lockdep_stats, and no log line said so".into();
            self.write(Event::LockdepOff {
                boot: live.boot,
                cause: LockdepCause::Unknown,
                line,
                case: None,
            })?;
        }
        Ok(())
    }

    // ---- one case

    fn run_case(&mut self, live: &mut Live, case: &PlannedCase) -> Result<After, Error> {
        let attempt = next_attempt(&self.journal, &case.id);
        let start =
            Event::CaseStarted { case: case.id.clone(), attempt, boot: live.boot, lockdep: live.lockdep };
        self.write(start)?;
        live.open_window(&case.id);
        let run = Run {
            id: u64::from(attempt),
            case: case.id.clone(),
            suite: case.suite.clone(),
            name: case.name.clone(),
            devices: case.devices.clone(),
            limit_ms: case.limit_ms,
        };
        // A send that fails means that the machine is down: the streams say how.
        let _ = live.send(&ToAgent::Run(run));
        let mut progress = Progress {
            deadline: Instant::now() + Duration::from_millis(case.limit_ms) + LADDER,
            ..Progress::default()
        };
        let finished = self.await_end(live, case, attempt, &mut progress)?;
        match finished {
            Some(finished) => self.ended(live, case, attempt, progress, finished),
            None => self.lost(live, case, attempt, progress),
        }
    }

    /// Reads the machine until the case has ended; none when the machine went down first.
    fn await_end(
        &mut self,
        live: &mut Live,
        case: &PlannedCase,
        attempt: u32,
        progress: &mut Progress,
    ) -> Result<Option<Finished>, Error> {
        loop {
            self.observer.tick(self.journal.session());
            self.obey_stop(live, progress);
            match live.next(Instant::now() + TICK)? {
                Some(FromAgent::Finished(finished)) => return Ok(Some(*finished)),
                Some(FromAgent::Stuck { dossier, .. }) => {
                    let name = (self.options.evidence.dossier_name)(&case.id, attempt);
                    self.folder.replace(&name, (self.options.evidence.dossier_text)(&dossier).as_bytes())?;
                    let dossier = Box::new(dossier);
                    self.write(Event::CaseStuck { case: case.id.clone(), attempt, dossier })?;
                }
                Some(FromAgent::Warning { text }) => self.write(Event::Note { text })?,
                Some(message) => progress.take(live, message),
                None if live.is_down() => return Ok(None),
                None if Instant::now() > progress.deadline => {
                    live.give_up("the agent did not end the case in its time")?;
                    return Ok(None);
                }
                None => {}
            }
        }
    }

    fn obey_stop(&self, live: &mut Live, progress: &mut Progress) {
        if self.stop.asked() && !progress.cancelled {
            progress.cancelled = true;
            let _ = live.send(&ToAgent::Cancel);
        }
        if self.stop.insisted() {
            progress.deadline = Instant::now();
        }
    }

    /// The case has ended: hear the kernel out, then write what it came to.
    fn ended(
        &mut self,
        live: &mut Live,
        case: &PlannedCase,
        attempt: u32,
        progress: Progress,
        finished: Finished,
    ) -> Result<After, Error> {
        live.settle(finished.klog, Instant::now() + SETTLE)?;
        live.close_window(finished.klog);
        self.hear(live, Some(&case.id))?;
        let stuck = finished.outcome == Outcome::Stuck;
        let first = progress.first_klog.unwrap_or(finished.klog);
        self.write(Event::CaseFinished(Box::new(CaseFinished {
            case: case.id.clone(),
            attempt,
            boot: live.boot,
            outcome: finished.outcome,
            reason: finished.reason,
            pid: progress.pid,
            exit: finished.exit,
            at_us: finished.at_us,
            took_us: finished.took_us,
            klog: (first, finished.klog),
            lockdep: live.lockdep,
            subtests: progress.subtests,
            notes: progress.notes,
            stdout: finished.stdout,
            stderr: finished.stderr,
            memory_peak: finished.memory_peak,
        })))?;
        Ok(if live.is_down() {
            self.write(Event::BootEnded { boot: live.boot, end: live.end() })?;
            After::Gone
        } else if stuck {
            After::Spent(format!("{} left a task that cannot be killed", case.id))
        } else if live.lockdep == Lockdep::Off {
            After::Spent("lockdep is off".into())
        } else {
            After::Fit
        })
    }

    /// The machine went down under the case.
    fn lost(
        &mut self,
        live: &mut Live,
        case: &PlannedCase,
        attempt: u32,
        progress: Progress,
    ) -> Result<After, Error> {
        live.close_window(u64::MAX);
        self.hear(live, Some(&case.id))?;
        let end = live.end();
        let outcome = if progress.cancelled { Outcome::Cancelled } else { Outcome::Lost };
        self.write(Event::CaseFinished(Box::new(CaseFinished {
            case: case.id.clone(),
            attempt,
            boot: live.boot,
            outcome,
            reason: in_words(&end),
            pid: progress.pid,
            exit: None,
            at_us: 0,
            took_us: 0,
            klog: (progress.first_klog.unwrap_or(0), live.next_seq()),
            lockdep: live.lockdep,
            subtests: progress.subtests,
            notes: progress.notes,
            stdout: Captured::default(),
            stderr: Captured::default(),
            memory_peak: None,
        })))?;
        self.write(Event::BootEnded { boot: live.boot, end })?;
        Ok(After::Gone)
    }

    /// Writes what the kernel said since the last time.
    fn hear(&mut self, live: &mut Live, case: Option<&str>) -> Result<(), Error> {
        let case = case.map(str::to_owned);
        for heard in live.heard() {
            match heard {
                Heard::Report(report, seq) => {
                    let last = live.last_seq();
                    self.found(live, &report, seq.unwrap_or((last, last)))?;
                }
                Heard::Off { cause, line } => {
                    if live.lockdep == Lockdep::Armed {
                        live.lockdep = Lockdep::Off;
                        self.write(Event::LockdepOff { boot: live.boot, cause, line, case: case.clone() })?;
                    }
                }
                Heard::Gap { from, lost } => {
                    self.write(Event::KlogGap { boot: live.boot, from, lost, case: case.clone() })?;
                }
            }
        }
        Ok(())
    }
}

impl Runner<'_> {
    fn found(&mut self, live: &Live, report: &Report, seq: (u64, u64)) -> Result<(), Error> {
        let file = (self.options.evidence.splat_name)(live.boot, seq.0, report.kind.as_str());
        let finding = splat::finding(report, seq, live.boot, live.windows(), file);
        let text =
            (self.options.evidence.splat_text)(&finding, &live.hello().release, &report.text.join("\n"));
        self.folder.replace(&finding.file, text.as_bytes())?;
        self.write(Event::Found(Box::new(finding)))
    }
}

/// What came in of a case before its end.
struct Progress {
    deadline: Instant,
    cancelled: bool,
    pid: Option<i32>,
    first_klog: Option<u64>,
    subtests: Vec<fencelab_events::Subtest>,
    notes: Vec<String>,
}

impl Default for Progress {
    fn default() -> Self {
        Progress {
            deadline: Instant::now(),
            cancelled: false,
            pid: None,
            first_klog: None,
            subtests: vec![],
            notes: vec![],
        }
    }
}

impl Progress {
    fn take(&mut self, live: &mut Live, message: FromAgent) {
        match message {
            FromAgent::Started(Started { pid, klog, .. }) => {
                (self.pid, self.first_klog) = (Some(pid), Some(klog));
                live.started(pid, klog);
            }
            FromAgent::Thread { tid, .. } => live.thread(tid),
            FromAgent::Note { text, .. } => self.notes.push(text),
            FromAgent::Subtest { subtest, .. } => self.subtests.push(subtest),
            _ => {}
        }
    }
}

/// The cases that still need a run: without a result, or cancelled.
fn remaining(journal: &Journal) -> Vec<PlannedCase> {
    let done = |outcome| outcome != Outcome::Cancelled;
    let open = |record: &&fencelab_events::CaseRecord| !record.finished().is_some_and(|f| done(f.outcome));
    journal.session().cases.iter().filter(open).map(|record| record.plan.clone()).collect()
}

fn next_attempt(journal: &Journal, case: &str) -> u32 {
    journal
        .session()
        .case(case)
        .and_then(|record| record.attempts.last())
        .map_or(1, |attempt| attempt.number + 1)
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

fn in_words(end: &BootEnd) -> String {
    match end {
        BootEnd::Panic { message } => format!("the kernel panicked while it ran: {message}"),
        BootEnd::Silent { after_ms } => format!("the machine fell silent while it ran, for {after_ms} ms"),
        BootEnd::Vanished { detail } => format!("the machine vanished while it ran: {detail}"),
        BootEnd::Restarted { why } => format!("the machine was given up while it ran: {why}"),
        BootEnd::Done => "the machine was shut down while it ran".into(),
    }
}
