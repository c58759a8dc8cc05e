//! A session, folded from its journal.

use std::collections::HashMap;

use crate::coverage::Coverage;
use crate::device::Device;
use crate::event::{BootEnd, CaseFinished, Entry, Event, LockdepCause, PlannedCase, SessionEnd};
use crate::finding::Finding;
use crate::seen::{Dossier, Lockdep};

/// All that a journal tells, ordered for readers.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// fencelab's version.
    pub fencelab: String,
    /// The bench.
    pub bench: String,
    /// The kernel choice.
    pub kernel: Option<String>,
    /// The command line.
    pub argv: Vec<String>,
    /// The runner's machine.
    pub host: String,
    /// The boot id of the runner's machine, of the runner that wrote last.
    pub host_boot_id: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// When its last event was written.
    pub last_ms: u64,
    /// The devices that the bench was described to have.
    pub devices: Vec<Device>,
    /// Every planned case, in order, with what became of it.
    pub cases: Vec<CaseRecord>,
    /// Every boot.
    pub boots: Vec<Boot>,
    /// Every finding, in the order of the log.
    pub findings: Vec<Finding>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Where lockdep went off: boot, cause, line, case.
    pub lockdep_off: Vec<(u32, LockdepCause, String, Option<String>)>,
    /// What lockdep had around the contract's classes outside any case: boot, and what it added.
    pub boot_coverage: Vec<(u32, Coverage)>,
    /// Lost kernel log records: boot, first, count, case.
    pub gaps: Vec<(u32, u64, u64, Option<String>)>,
    /// How it ended; none while it runs, or if the runner was killed.
    pub end: Option<SessionEnd>,
    /// Where each case stands in `cases`.
    index: HashMap<String, usize>,
}

/// A planned case and what became of it.
#[derive(Debug, Clone)]
pub struct CaseRecord {
    /// The plan.
    pub plan: PlannedCase,
    /// Its attempts, in order. More than one where a runner was killed or a machine gone while it ran, and where lockdep was
    /// off and it passed: then it runs once more on a fresh boot.
    pub attempts: Vec<Attempt>,
}

/// One attempt at a case.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// The boot.
    pub boot: u32,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// Lockdep's state at its start.
    pub lockdep: Lockdep,
    /// What was seen of it when it overran its limit.
    pub dossier: Option<Dossier>,
    /// Its end; none where the runner was killed first.
    pub finished: Option<CaseFinished>,
}

/// One boot of the bench.
#[derive(Debug, Clone)]
pub struct Boot {
    /// Counted from 1.
    pub number: u32,
    /// `uname -r`.
    pub release: String,
    /// The kernel's boot id.
    pub boot_id: String,
    /// The devices found.
    pub devices: Vec<Device>,
    /// What keeps it from showing all it could.
    pub doctor: Vec<String>,
    /// Lockdep's state at the start.
    pub lockdep: Lockdep,
    /// The recorder records its cases.
    pub recorded: bool,
    /// When it was up, in milliseconds since 1970.
    pub began_ms: u64,
    /// When it had gone down.
    pub ended_ms: Option<u64>,
    /// How it went down.
    pub end: Option<BootEnd>,
}

impl CaseRecord {
    /// The end of the last attempt, if it has one.
    pub fn finished(&self) -> Option<&CaseFinished> {
        self.attempts.last().and_then(|a| a.finished.as_ref())
    }
}

impl Session {
    /// Folds a journal's entries.
    pub fn fold(entries: &[Entry]) -> Session {
        let mut session = Session::default();
        entries.iter().for_each(|entry| session.apply(entry));
        session
    }

    /// The findings that belong to a case.
    pub fn findings_of<'a>(&'a self, case: &'a str) -> impl Iterator<Item = &'a Finding> {
        self.findings.iter().filter(move |f| f.attribution.case.as_deref() == Some(case))
    }

    /// The record of a case.
    pub fn case(&self, id: &str) -> Option<&CaseRecord> {
        self.index.get(id).map(|i| &self.cases[*i])
    }

    /// Takes one more entry in.
    pub fn apply(&mut self, entry: &Entry) {
        let before_ms = std::mem::replace(&mut self.last_ms, entry.at_ms);
        match &entry.event {
            Event::SessionStarted { fencelab, bench, kernel, argv, host, host_boot_id, .. } => {
                self.began_ms = entry.at_ms;
                self.fencelab.clone_from(fencelab);
                self.bench.clone_from(bench);
                self.kernel.clone_from(kernel);
                self.argv.clone_from(argv);
                self.host.clone_from(host);
                self.host_boot_id.clone_from(host_boot_id);
            }
            Event::SessionResumed { host_boot_id } => {
                // Whoever was up went down with the runner that was killed.
                let open = self.boots.iter_mut().filter(|boot| boot.ended_ms.is_none());
                open.for_each(|boot| boot.ended_ms = Some(before_ms));
                self.host_boot_id.clone_from(host_boot_id);
                self.end = None;
            }
            Event::Planned { cases, devices } => {
                self.devices.clone_from(devices);
                self.cases = cases
                    .iter()
                    .map(|plan| CaseRecord { plan: plan.clone(), attempts: Vec::new() })
                    .collect();
                self.index = cases.iter().enumerate().map(|(i, c)| (c.id.clone(), i)).collect();
            }
            Event::BootStarted { boot, release, boot_id, devices, doctor, lockdep, recorded } => {
                self.boots.push(Boot {
                    number: *boot,
                    release: release.clone(),
                    boot_id: boot_id.clone(),
                    devices: devices.clone(),
                    doctor: doctor.clone(),
                    lockdep: *lockdep,
                    recorded: *recorded,
                    began_ms: entry.at_ms,
                    ended_ms: None,
                    end: None,
                })
            }
            Event::BootEnded { boot, end } => {
                if let Some(found) = self.boots.iter_mut().find(|b| b.number == *boot) {
                    found.ended_ms = Some(entry.at_ms);
                    found.end = Some(end.clone());
                }
            }
            Event::Note { text } => self.notes.push(text.clone()),
            Event::CaseStarted { case, attempt, boot, lockdep } => {
                if let Some(record) = self.record(case) {
                    record.attempts.push(Attempt {
                        number: *attempt,
                        boot: *boot,
                        began_ms: entry.at_ms,
                        lockdep: *lockdep,
                        dossier: None,
                        finished: None,
                    });
                }
            }
            Event::CaseFinished(finished) => {
                if let Some(attempt) = self.attempt(&finished.case, finished.attempt) {
                    attempt.finished = Some((**finished).clone());
                }
            }
            Event::CaseStuck { case, attempt, dossier } => {
                if let Some(attempt) = self.attempt(case, *attempt) {
                    attempt.dossier = Some((**dossier).clone());
                }
            }
            Event::Found(finding) => self.findings.push((**finding).clone()),
            Event::LockdepOff { boot, cause, line, case } => {
                self.lockdep_off.push((*boot, *cause, line.clone(), case.clone()));
            }
            Event::BootCoverage { boot, coverage } => self.boot_coverage.push((*boot, coverage.clone())),
            Event::KlogGap { boot, from, lost, case } => self.gaps.push((*boot, *from, *lost, case.clone())),
            Event::SessionEnded { end } => self.end = Some(end.clone()),
        }
    }

    fn record(&mut self, case: &str) -> Option<&mut CaseRecord> {
        self.index.get(case).map(|i| &mut self.cases[*i])
    }

    fn attempt(&mut self, case: &str, number: u32) -> Option<&mut Attempt> {
        self.record(case)?.attempts.iter_mut().find(|a| a.number == number)
    }
}
