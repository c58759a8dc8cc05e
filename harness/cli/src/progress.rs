//! A run as its user sees it: a bar on a terminal, plain lines with a heartbeat elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use fencelab_events::{BootEnd, Counts, Event, Session, Verdict};
use fencelab_runner::Observer;
use fencelab_runner::recorded::Activity;
use indicatif::{ProgressBar, ProgressStyle};

use crate::reports::Reports;

/// How long a run may say nothing where nobody sees a bar; CI systems kill what is silent.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How often the reports are written again during a run.
const REWRITE: Duration = Duration::from_secs(2);

/// Shows a run, and keeps its reports up to date.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    said: Instant,
    written: Option<Instant>,
    /// The cases that run, the longest first; what each does, where it is recorded.
    running: Vec<(String, Option<String>)>,
    /// A machine was up.
    up: bool,
    reports: Reports,
}

impl Progress {
    /// For a run whose reports go to `reports`.
    pub(crate) fn new(reports: Reports) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let template = "{elapsed_precise} {bar:24} {pos}/{len} {wide_msg}";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("━╸ "))
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Progress { bar, said: Instant::now(), written: None, running: Vec::new(), up: false, reports }
    }

    /// Ends the bar; what is printed next stands on a line of its own.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The reports again, for the end of the run.
    pub(crate) fn into_reports(self) -> Reports {
        self.reports
    }

    fn say(&mut self, line: &str) {
        self.said = Instant::now();
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    fn show(&mut self, session: &Session) {
        if let Some(bar) = &self.bar {
            bar.set_length(session.cases.len() as u64);
            bar.set_position(done(session) as u64);
            bar.set_message(self.now().unwrap_or_default());
        }
    }

    /// What the case does that has run the longest, and how many more there are.
    fn now(&self) -> Option<String> {
        let (case, activity) = self.running.first()?;
        let words = activity.as_ref().unwrap_or(case);
        Some(match self.running.len() - 1 {
            0 => words.clone(),
            more => format!("{words} (and {more} more)"),
        })
    }

    fn case_ended(&mut self, id: &str, session: &Session) {
        let Some(record) = session.case(id) else { return };
        let verdict = Verdict::of(session, record);
        if verdict.is_finding() || matches!(verdict, Verdict::Unarmed | Verdict::Unexercised) {
            let why = session.findings_of(id).next().map(|f| f.title.clone());
            let why = why.or_else(|| record.finished().map(|f| f.reason.clone())).unwrap_or_default();
            let why = why.lines().next().unwrap_or_default();
            self.say(&format!("{:<8} {id}: {why}", verdict.word()));
        } else if self.bar.is_none() && self.said.elapsed() > HEARTBEAT / 6 {
            self.say(&tally(session));
        }
    }

    fn rewrite(&mut self, session: &Session) {
        if self.written.is_none_or(|at| at.elapsed() > REWRITE) {
            self.written = Some(Instant::now());
            if let Err(error) = self.reports.junit(session) {
                self.say(&format!("fencelab: {error:#}"));
            }
        }
    }
}

impl Observer for Progress {
    fn booting(&mut self, boot: u32) {
        if boot == 1 {
            self.say("booting the bench");
        }
        if let Some(bar) = self.bar.as_ref().filter(|_| self.running.is_empty()) {
            bar.set_message(format!("booting ({boot})"));
        }
    }

    fn event(&mut self, event: &Event, session: &Session) {
        match event {
            Event::BootStarted { release, doctor, lockdep, .. } if !self.up => {
                self.up = true;
                self.say(&format!("up: Linux {release}, lockdep {}", lockdep_word(*lockdep)));
                doctor.iter().for_each(|line| self.say(&format!("doctor: {line}")));
            }
            Event::Note { text } => self.say(&format!("note: {text}")),
            Event::CaseStarted { case, .. } => {
                self.running.push((case.clone(), None));
                self.show(session);
            }
            Event::CaseFinished(finished) => {
                self.running.retain(|(case, _)| *case != finished.case);
                self.case_ended(&finished.case, session);
                self.show(session);
            }
            Event::BootEnded { boot, end } => {
                if let Some(words) = unplanned(end) {
                    self.say(&format!("boot {boot}: {words}"));
                }
            }
            _ => {}
        }
        self.rewrite(session);
    }

    fn tick(&mut self, session: &Session) {
        if self.bar.is_none() && self.said.elapsed() > HEARTBEAT {
            let now = self.now().map(|now| format!("; {now}")).unwrap_or_default();
            self.say(&format!("{}{now}", tally(session)));
        }
    }

    fn activity(&mut self, case: &str, per_s: u64, activity: &Activity) {
        let wait = match &activity.wait {
            Some((us, what)) => format!(", longest wait {} s: {what}", us / 1_000_000),
            None => ", none waits".into(),
        };
        if let Some((_, does)) = self.running.iter_mut().find(|(running, _)| running == case) {
            *does = Some(format!("{case}: {per_s} calls/s{wait}"));
        }
        if let (Some(bar), Some(now)) = (&self.bar, self.now()) {
            bar.set_message(now);
        }
    }
}

fn unplanned(end: &BootEnd) -> Option<String> {
    match end {
        BootEnd::Done => None,
        BootEnd::Restarted { why } => Some(format!("restarting, because {why}")),
        BootEnd::Panic { message } => Some(format!("the kernel panicked: {message}")),
        BootEnd::Silent { after_ms } => Some(format!("silent for {after_ms} ms, killed")),
        BootEnd::Vanished { detail } => Some(format!("vanished: {detail}")),
    }
}

fn lockdep_word(lockdep: fencelab_events::Lockdep) -> &'static str {
    match lockdep {
        fencelab_events::Lockdep::Armed => "armed",
        fencelab_events::Lockdep::Off => "OFF",
        fencelab_events::Lockdep::Absent => "not in this kernel",
    }
}

fn done(session: &Session) -> usize {
    session.cases.iter().filter(|record| record.finished().is_some()).count()
}

fn tally(session: &Session) -> String {
    let counts = Counts::of(session);
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|v| *v != Verdict::NotRun && counts.get(*v) > 0)
        .map(|v| format!("{} {}", counts.get(v), v.word()))
        .collect();
    format!("{} of {} cases: {}", done(session), session.cases.len(), parts.join(", "))
}
