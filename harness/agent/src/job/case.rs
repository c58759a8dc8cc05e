//! A case: its limit, its captured streams, and the ladder that ends it when it does not end itself. Stacks
//! come first, then SIGTERM, then SIGKILL to the whole cell, then it is given up as stuck.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use fencelab_bench::protocol::{Captured, Finished, FromAgent, Outcome, Run, Started};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::pipes::{self, Source};
use super::verdict::{self, Cut, End};
use super::{Process, Step};
use crate::capture::Capture;
use crate::cell::Cell;
use crate::clock;
use crate::dossier::{Examination, LIMIT};
use crate::fork_server::{Forked, Forks};
use crate::kmsg::Kmsg;
use crate::notes::Notes;
use crate::spawn::{Launch, spawn};

/// After SIGTERM.
const GRACE: Duration = Duration::from_millis(500);

/// A case that runs.
#[derive(Debug)]
pub(crate) struct CaseJob {
    pub(super) process: Process,
    id: u64,
    started_us: u64,
    limit: Duration,
    phase: Phase,
    cut: Option<Cut>,
    ladder: Vec<String>,
    unkillable: Vec<String>,
    stdout: (Source, Capture),
    stderr: (Source, Capture),
    report: (Source, Notes),
    kmsg: Option<Kmsg>,
}

/// How a case's process is started.
pub(crate) struct Start<'a> {
    /// What forks it, if it can be forked.
    pub(crate) forks: Option<&'a mut Forks>,
    /// The program that runs cases, and its first arguments.
    pub(crate) program: &'a [OsString],
    /// The arguments that tell it the case.
    pub(crate) arguments: Vec<String>,
    /// The program's environment.
    pub(crate) env: Vec<OsString>,
}

impl Start<'_> {
    /// Starts it in a cell with these descriptors; as a program where it cannot be forked.
    fn start(&mut self, fds: [BorrowedFd<'_>; 4], cell: &Cell) -> io::Result<Pid> {
        if let (Some(forks), Some(cgroup)) = (&mut self.forks, cell.folder()) {
            match forks.launch(&self.arguments, fds, cgroup) {
                Forked::Child(pid) => return Ok(pid),
                Forked::Not => {}
                // It must not run twice.
                Forked::Unknown => cell.empty(GRACE),
            }
        }
        let arguments = self.arguments.iter().map(OsString::from);
        let argv: Vec<OsString> = self.program.iter().cloned().chain(arguments).collect();
        spawn(&Launch { cgroup: cell.folder(), ..Launch::of(&argv, &self.env, &fds) })
    }
}

/// How far up the ladder it is.
#[derive(Debug)]
enum Phase {
    /// It runs, until then.
    Running(Instant),
    /// Its stacks are being taken.
    Examined(Examination),
    /// It was asked to end, and has until then.
    Asked(Instant),
    /// It was killed, or what it left behind was.
    Killed,
}

impl CaseJob {
    /// Starts the case's process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(
        run: &Run,
        mut start: Start<'_>,
        cell: Cell,
        kmsg: Option<Kmsg>,
    ) -> io::Result<(Self, Started)> {
        let null = File::open("/dev/null")?;
        let (stdout, its_stdout) = pipes::from_job()?;
        let (stderr, its_stderr) = pipes::from_job()?;
        let (report, its_report) = pipes::from_job()?;
        let (klog, log_clock) =
            kmsg.as_ref().map_or((0, None), |kmsg| kmsg.mark(&format!("case {}", run.case)));
        let started_us = clock::monotonic_us();
        let leader =
            start.start([null.as_fd(), its_stdout.as_fd(), its_stderr.as_fd(), its_report.as_fd()], &cell)?;
        let limit = Duration::from_millis(run.limit_ms);
        let job = CaseJob {
            process: Process::new(leader, cell),
            id: run.id,
            started_us,
            limit,
            phase: Phase::Running(Instant::now() + limit),
            cut: None,
            ladder: Vec::new(),
            unkillable: Vec::new(),
            stdout: (stdout, Capture::default()),
            stderr: (stderr, Capture::default()),
            report: (report, Notes::default()),
            kmsg,
        };
        Ok((job, Started { id: run.id, pid: leader.as_raw(), at_us: started_us, klog, log_clock }))
    }

    /// Begins to end it.
    pub(super) fn stop(&mut self, cut: Cut, now: Instant) {
        if !matches!(self.phase, Phase::Running(_)) {
            return;
        }
        self.cut = Some(cut);
        match Examination::start(self.process.cell.processes(), LIMIT) {
            Ok(examination) => self.phase = Phase::Examined(examination),
            Err(error) => {
                self.ladder.push(format!("its stacks could not be taken: {error}"));
                self.ask(now);
            }
        }
    }

    pub(super) fn waits_for(&self) -> Vec<PollFd<'_>> {
        let look = match &self.phase {
            Phase::Examined(examination) => Some(examination.finished()),
            _ => None,
        };
        let fds = [self.stdout.0.fd(), self.stderr.0.fd(), self.report.0.fd(), look];
        fds.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Running(until) | Phase::Asked(until) => Some(*until),
            Phase::Examined(examination) => Some(examination.until()),
            Phase::Killed => self.process.give_up_at(),
        }
    }

    pub(super) fn advance(&mut self, now: Instant) -> Step {
        let mut messages = self.take_output();
        self.process.kill_again();
        if self.process.is_over() {
            messages.extend(self.take_output());
            let finished = self.finish(&mut messages);
            messages.push(FromAgent::Finished(Box::new(finished)));
            return Step::Over(messages);
        }
        if self.process.exit.is_some() && matches!(self.phase, Phase::Running(_)) {
            self.end_leftovers(now, &mut messages);
        }
        let due = self.deadline().is_some_and(|at| now >= at);
        match &self.phase {
            Phase::Running(_) if due => self.stop(Cut::Limit(self.limit), now),
            Phase::Examined(examination) if due || is_ready(examination.finished()) => {
                messages.push(FromAgent::Stuck { id: self.id, dossier: examination.seen() });
                self.ask(now);
            }
            Phase::Asked(_) if due => {
                self.ladder.push(format!("SIGTERM did not end it in {} ms", GRACE.as_millis()));
                self.kill(now);
            }
            Phase::Killed if due => {
                self.unkillable = self.process.survivors();
                if self.unkillable.is_empty() {
                    self.unkillable.push("tasks that cannot be named any more".into());
                }
                let finished = self.finish(&mut messages);
                messages.push(FromAgent::Finished(Box::new(finished)));
                return Step::Over(messages);
            }
            _ => {}
        }
        Step::Running(messages)
    }

    fn ask(&mut self, now: Instant) {
        self.process.cell.terminate();
        self.phase = Phase::Asked(now + GRACE);
    }

    fn kill(&mut self, now: Instant) {
        self.process.kill(now);
        self.phase = Phase::Killed;
    }

    /// The case's process has ended and others of its cell have not.
    fn end_leftovers(&mut self, now: Instant, messages: &mut Vec<FromAgent>) {
        let left = self.process.survivors();
        if !left.is_empty() {
            let text = format!("it left processes behind, which were killed: {}", left.join(", "));
            messages.push(FromAgent::Note { id: self.id, text });
        }
        self.kill(now);
    }

    fn take_output(&mut self) -> Vec<FromAgent> {
        self.stdout.0.take(|piece| self.stdout.1.push(piece));
        self.stderr.0.take(|piece| self.stderr.1.push(piece));
        let mut messages = Vec::new();
        self.report.0.take(|piece| messages.extend(self.report.1.push(piece, self.id)));
        messages
    }

    fn finish(&mut self, messages: &mut Vec<FromAgent>) -> Finished {
        let at_us = clock::monotonic_us();
        let (stdout, stderr) =
            (std::mem::take(&mut self.stdout.1).finish(), std::mem::take(&mut self.stderr.1).finish());
        let mut notes = std::mem::take(&mut self.report.1);
        notes.close();
        if notes.dropped > 0 {
            let text = format!("it said more than can be kept: {} notes were dropped", notes.dropped);
            messages.push(FromAgent::Note { id: self.id, text });
        }
        if self.cut.is_some() && self.process.killed.is_some() && self.unkillable.is_empty() {
            self.ladder.push("SIGKILL ended it".into());
        }
        if self.cut.is_some() && self.process.killed.is_none() {
            self.ladder.push("SIGTERM ended it".into());
        }
        let end = End {
            exit: self.process.exit,
            done: notes.done,
            garbage: notes.garbage,
            cut: self.cut,
            ladder: std::mem::take(&mut self.ladder),
            unkillable: std::mem::take(&mut self.unkillable),
            last_words: verdict::last_words(&stderr.text),
        };
        let (outcome, reason) = verdict::judge(&end);
        Finished {
            id: self.id,
            outcome,
            reason,
            exit: self.process.exit,
            at_us,
            took_us: at_us.saturating_sub(self.started_us),
            klog: self.kmsg.as_ref().map_or(0, Kmsg::drain),
            stdout,
            stderr,
            memory_peak: self.process.cell.memory_peak(),
        }
    }
}

fn is_ready(fd: BorrowedFd<'_>) -> bool {
    poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|n| n > 0)
}

/// The answer for a case that never ran.
pub(crate) fn refused(id: u64, outcome: Outcome, reason: String) -> FromAgent {
    let at_us = clock::monotonic_us();
    FromAgent::Finished(Box::new(Finished {
        id,
        outcome,
        reason,
        exit: None,
        at_us,
        took_us: 0,
        klog: 0,
        stdout: Captured::default(),
        stderr: Captured::default(),
        memory_peak: None,
    }))
}
