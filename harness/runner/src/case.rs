//! One case: sent to the agent, watched to its end, judged by what the kernel said meanwhile.

use std::time::{Duration, Instant};

use fencelab_bench::protocol::{Finished, FromAgent, Run, ToAgent};
use fencelab_events::event::CaseFinished;
use fencelab_events::{BootEnd, Captured, Dossier, Event, How, Lockdep, Outcome, PlannedCase, Session};
use fencelab_klog::{Kind, Report};

use crate::coverage::Reading;
use crate::error::Error;
use crate::live::Live;
use crate::recorded::{hang, tail};
use crate::run::Worker;
use crate::splat;
use crate::watch::Heard;

/// What the agent is given beyond a case's limit to take stacks and climb the kill ladder, before the runner
/// gives the machine up.
const LADDER: Duration = Duration::from_secs(60);

/// How long the kernel log may trail a case's end.
pub(crate) const SETTLE: Duration = Duration::from_secs(3);

/// How often a case may find its machine gone before it has begun, until that is laid to it after all.
const ATTEMPTS: u32 = 3;

/// Between two looks at what a running case does.
const LOOK: Duration = Duration::from_secs(5);

/// How often the loop looks at the user's wish to stop while nothing comes in.
const TICK: Duration = Duration::from_millis(200);

/// How a case left the machine.
pub(crate) enum After {
    /// Fit for the next case.
    Fit,
    /// Up, but spent: why.
    Spent(String),
    /// Down.
    Gone,
    /// Down before the case had begun: it is to run again.
    NotBegun,
}

impl Worker<'_, '_> {
    pub(crate) fn run_case(&mut self, live: &mut Live, case: &PlannedCase) -> Result<After, Error> {
        let attempt = self.session(|session| next_attempt(session, &case.id));
        let start =
            Event::CaseStarted { case: case.id.clone(), attempt, boot: live.boot, lockdep: live.lockdep };
        self.write(start)?;
        let coverage = self.wants_coverage(live, case);
        live.open_window(&case.id);
        let run = Run {
            id: u64::from(attempt),
            case: case.id.clone(),
            suite: case.suite.clone(),
            name: case.name.clone(),
            devices: case.devices.clone(),
            limit_ms: case.limit_ms,
            coverage,
            env: case.env.clone(),
            program: case.program.clone(),
        };
        // A send that fails means that the machine is down: the streams say how.
        let _ = live.send(&ToAgent::Run(run));
        let mut progress = Progress {
            deadline: Instant::now() + Duration::from_millis(case.limit_ms) + LADDER,
            coverage,
            ..Progress::default()
        };
        let finished = self.await_end(live, case, attempt, &mut progress)?;
        match finished {
            Some(finished) => {
                progress.coverage &= finished.outcome != Outcome::Skip;
                self.ended(live, case, attempt, progress, finished)
            }
            None if progress.pid.is_none() && !self.ending() && attempt < ATTEMPTS => {
                self.not_begun(live, case, attempt)
            }
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
            // First of all: a terminal that takes no more words must not keep the user from stopping.
            self.obey_stop(live, progress);
            self.observe(|observer, session| observer.tick(session));
            self.look(live, case, progress);
            // At once, not when the case ends: a runner that is killed meanwhile must not take a report with it.
            self.hear(live, Some(&case.id))?;
            match live.next(Instant::now() + TICK)? {
                Some(FromAgent::Finished(finished)) => return Ok(Some(*finished)),
                Some(FromAgent::Stuck { mut dossier, .. }) => {
                    dossier.verdict = progress.verdict(live, &dossier);
                    dossier.calls = progress.tail(live);
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

    /// Tells the observer what the case does, now and then.
    fn look(&mut self, live: &mut Live, case: &PlannedCase, progress: &mut Progress) {
        if progress.looked.elapsed() < LOOK {
            return;
        }
        let pause = std::mem::replace(&mut progress.looked, Instant::now()).elapsed();
        let Some((pid, now_us)) = progress.now() else { return };
        let Some(session) = live.recorded().now() else { return };
        let activity = tail::activity(session, pid, now_us);
        let made = activity.calls.saturating_sub(progress.calls);
        progress.calls = activity.calls;
        let per_s = made * 1000 / u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1);
        self.observe(|observer, _| observer.activity(&case.id, per_s, &activity));
    }

    fn obey_stop(&self, live: &mut Live, progress: &mut Progress) {
        // An agent that has not begun the case has nothing to cancel yet.
        if self.ending() && !progress.cancelled && progress.pid.is_some() {
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
        mut progress: Progress,
        finished: Finished,
    ) -> Result<After, Error> {
        live.settle(finished.klog, Instant::now() + SETTLE)?;
        live.close_window(finished.klog);
        self.hear(live, Some(&case.id))?;
        self.note_unheard(live, case, finished.klog)?;
        let told = std::mem::take(&mut progress.told);
        let coverage = if progress.coverage { self.coverage_of_case(live, told)? } else { None };
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
            coverage,
            subtests: progress.subtests,
            notes: progress.notes,
            stdout: finished.stdout,
            stderr: finished.stderr,
            memory_peak: finished.memory_peak,
        })))?;
        Ok(if live.is_down() {
            self.boot_ended(live.boot, live.end())?;
            After::Gone
        } else if stuck {
            After::Spent(format!("{} left a task that cannot be killed", case.id))
        } else if live.lockdep == Lockdep::Off && live.hello().lockdep != Lockdep::Off {
            After::Spent("lockdep is off".into())
        } else {
            After::Fit
        })
    }

    /// What the log had and never arrived is lost: the case cannot be called clean.
    fn note_unheard(&mut self, live: &Live, case: &PlannedCase, end: u64) -> Result<(), Error> {
        let from = live.next_seq();
        if from >= end {
            return Ok(());
        }
        let case = Some(case.id.clone());
        self.write(Event::KlogGap { boot: live.boot, from, lost: end - from, case })
    }

    /// The machine went down before the agent had begun the case: the case is not to blame, and runs again.
    fn not_begun(&mut self, live: &mut Live, case: &PlannedCase, attempt: u32) -> Result<After, Error> {
        live.drop_window();
        self.hear(live, None)?;
        let end = live.end();
        let reason = format!("the machine was gone before it began: {}", in_words(&end));
        self.write(ended_without_a_word(
            live,
            case,
            attempt,
            Outcome::Cancelled,
            reason,
            Progress::default(),
        ))?;
        self.boot_ended(live.boot, end)?;
        Ok(After::NotBegun)
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
        // Whoever is told to end before the agent has begun a case does not know what the case would have done.
        let unbegun = self.ending() && progress.pid.is_none();
        let cancelled = progress.cancelled || unbegun;
        let outcome = if cancelled { Outcome::Cancelled } else { Outcome::Lost };
        self.write(ended_without_a_word(live, case, attempt, outcome, in_words(&end), progress))?;
        self.boot_ended(live.boot, end)?;
        Ok(After::Gone)
    }

    /// Writes what the kernel said since the last time.
    pub(crate) fn hear(&mut self, live: &mut Live, case: Option<&str>) -> Result<(), Error> {
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

    fn found(&mut self, live: &mut Live, report: &Report, seq: (u64, u64)) -> Result<(), Error> {
        let file = (self.options.evidence.splat_name)(live.boot, seq.0, report.kind.as_str());
        let finding = splat::finding(report, seq, live.boot, &live.evidence(), file);
        let at_boot = finding.attribution.how == How::Outside;
        if report.kind == Kind::RcuStall && at_boot && self.bench.is_emulated() {
            let text = format!(
                "boot {}: {} before any case; the guest is emulated and its host was slow",
                live.boot, report.title
            );
            return self.write(Event::Note { text });
        }
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
    /// When its process was started: here, and there in microseconds of CLOCK_MONOTONIC.
    started: Option<(Instant, u64)>,
    /// When its trace was looked at last, and how many calls there were.
    looked: Instant,
    calls: u64,
    subtests: Vec<fencelab_events::Subtest>,
    notes: Vec<String>,
    /// Lockdep's graph is to be read after it.
    coverage: bool,
    /// What it told of that graph itself.
    told: Vec<Reading>,
}

impl Default for Progress {
    fn default() -> Self {
        Progress {
            deadline: Instant::now(),
            cancelled: false,
            pid: None,
            first_klog: None,
            started: None,
            looked: Instant::now(),
            calls: 0,
            subtests: vec![],
            notes: vec![],
            coverage: false,
            told: vec![],
        }
    }
}

impl Progress {
    /// Its process, and what CLOCK_MONOTONIC is there by now, in microseconds.
    fn now(&self) -> Option<(i32, u64)> {
        let (here, there) = self.started?;
        Some((self.pid?, there + u64::try_from(here.elapsed().as_micros()).unwrap_or(u64::MAX)))
    }

    /// The end of its trace.
    fn tail(&self, live: &mut Live) -> Vec<String> {
        let read = |(pid, now_us)| Some(tail::of_case(live.recorded().now()?, pid, now_us));
        self.now().and_then(read).unwrap_or_default()
    }

    /// What it waits for.
    fn verdict(&self, live: &mut Live, dossier: &Dossier) -> Vec<String> {
        let read = |(pid, now_us)| Some(hang::of_case(live.recorded().now()?, pid, now_us, &dossier.tasks));
        self.now().and_then(read).unwrap_or_default()
    }

    fn take(&mut self, live: &mut Live, message: FromAgent) {
        match message {
            FromAgent::Started(started) => {
                (self.pid, self.first_klog) = (Some(started.pid), Some(started.klog));
                self.started = Some((Instant::now(), started.at_us));
                live.started(&started);
            }
            FromAgent::Thread { tid, .. } => live.thread(tid),
            FromAgent::Note { text, .. } => self.notes.push(text),
            FromAgent::Contract { text, took_us } => self.told.push((text, took_us)),
            FromAgent::Subtest { subtest, .. } => self.subtests.push(subtest),
            _ => {}
        }
    }
}

/// The end of a case whose agent could not tell of it.
fn ended_without_a_word(
    live: &Live,
    case: &PlannedCase,
    attempt: u32,
    outcome: Outcome,
    reason: String,
    progress: Progress,
) -> Event {
    Event::CaseFinished(Box::new(CaseFinished {
        case: case.id.clone(),
        attempt,
        boot: live.boot,
        outcome,
        reason,
        pid: progress.pid,
        exit: None,
        at_us: 0,
        took_us: 0,
        klog: (progress.first_klog.unwrap_or(0), live.next_seq()),
        lockdep: live.lockdep,
        coverage: None,
        subtests: progress.subtests,
        notes: progress.notes,
        stdout: Captured::default(),
        stderr: Captured::default(),
        memory_peak: None,
    }))
}

fn next_attempt(session: &Session, case: &str) -> u32 {
    session.case(case).and_then(|record| record.attempts.last()).map_or(1, |attempt| attempt.number + 1)
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
