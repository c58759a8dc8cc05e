//! What a session comes to: a verdict for each case, counts, the exit code's facts. Pure functions.

use crate::event::LockdepCause;
use crate::finding::Finding;
use crate::seen::{Lockdep, Outcome};
use crate::session::{CaseRecord, Session};

/// The verdict on one case: its own outcome together with what the kernel said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It passed, with lockdep armed to its end (or absent from this kernel) and no finding.
    Pass,
    /// It does not apply here.
    Skip,
    /// It passed by itself, and the kernel reported something that belongs to it.
    Splat,
    /// One of its checks did not hold.
    Fail,
    /// Its process died.
    Crash,
    /// It overran its limit.
    Timeout,
    /// It overran its limit and could not be killed.
    Stuck,
    /// The machine went down while it ran.
    Lost,
    /// It passed, with lockdep off or with its part of the kernel log lost: nothing can be said of its locks.
    Unarmed,
    /// It passed, it claims a rule of signalling sections (`SIG-*`), and its boot has seen no lock inside a section up to
    /// its end: nothing exercised what it was to show.
    Unexercised,
    /// It has not run to its end.
    NotRun,
}

impl Verdict {
    /// Every verdict, the worst first: the order of reports.
    pub const ALL: [Verdict; 11] = [
        Verdict::Lost,
        Verdict::Stuck,
        Verdict::Crash,
        Verdict::Timeout,
        Verdict::Fail,
        Verdict::Splat,
        Verdict::Unarmed,
        Verdict::Unexercised,
        Verdict::NotRun,
        Verdict::Skip,
        Verdict::Pass,
    ];

    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skip => "skip",
            Verdict::Splat => "splat",
            Verdict::Fail => "fail",
            Verdict::Crash => "crash",
            Verdict::Timeout => "timeout",
            Verdict::Stuck => "stuck",
            Verdict::Lost => "lost",
            Verdict::Unarmed => "unarmed",
            Verdict::Unexercised => "not exercised",
            Verdict::NotRun => "not run",
        }
    }

    /// Whether somebody must look at it.
    pub fn is_finding(self) -> bool {
        use Verdict::{Crash, Fail, Lost, Splat, Stuck, Timeout};
        matches!(self, Splat | Fail | Crash | Timeout | Stuck | Lost)
    }

    /// The verdict on a case of this session.
    pub fn of(session: &Session, record: &CaseRecord) -> Verdict {
        let Some(finished) = record.finished() else {
            return Verdict::NotRun;
        };
        let reported = session.findings_of(&record.plan.id).next().is_some();
        let armed = !ran_without_lockdep(session, record);
        let lost = |gap: &(u32, u64, u64, Option<String>)| {
            gap.0 == finished.boot && gap.3.as_deref() == Some(record.plan.id.as_str())
        };
        let heard = !session.gaps.iter().any(lost);
        match finished.outcome {
            Outcome::Pass if reported => Verdict::Splat,
            Outcome::Pass if !armed || !heard => Verdict::Unarmed,
            Outcome::Pass if unexercised(record) => Verdict::Unexercised,
            Outcome::Pass => Verdict::Pass,
            Outcome::Skip if reported => Verdict::Splat,
            Outcome::Skip => Verdict::Skip,
            Outcome::Fail => Verdict::Fail,
            Outcome::Crash => Verdict::Crash,
            Outcome::Timeout => Verdict::Timeout,
            Outcome::Stuck => Verdict::Stuck,
            Outcome::Lost => Verdict::Lost,
            Outcome::Cancelled => Verdict::NotRun,
        }
    }
}

/// Whether lockdep was off at the start of the case's last attempt or at its end, where the kernel has one. Such a case
/// may be run again on a fresh boot.
pub fn ran_without_lockdep(session: &Session, record: &CaseRecord) -> bool {
    let Some(attempt) = record.attempts.last() else { return false };
    let Some(finished) = &attempt.finished else { return false };
    attempt.lockdep == Lockdep::Off
        || finished.lockdep == Lockdep::Off
        || off_unnoticed(session, finished.boot)
}

/// It claims a rule of signalling sections, and lockdep's graph has no lock inside one. Where the graph was not read, or an
/// earlier case of the boot had taken some, nothing speaks against the pass.
fn unexercised(record: &CaseRecord) -> bool {
    let claims = record.plan.rules.iter().any(|rule| rule.starts_with("SIG-"));
    let coverage = record.finished().and_then(|finished| finished.coverage.as_ref());
    claims && coverage.is_some_and(|coverage| !coverage.signalling_exercised())
}

/// Lockdep was found off at the end of this boot and no log line had said so: nobody knows since when.
fn off_unnoticed(session: &Session, boot: u32) -> bool {
    session.lockdep_off.iter().any(|off| off.0 == boot && off.1 == LockdepCause::Unknown)
}

/// How many cases came to which verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts([usize; Verdict::ALL.len()]);

impl Counts {
    /// Counts a session's cases.
    pub fn of(session: &Session) -> Counts {
        let mut counts = Counts::default();
        for record in &session.cases {
            counts.0[Verdict::of(session, record) as usize] += 1;
        }
        counts
    }

    /// The cases that came to this verdict.
    pub fn get(&self, verdict: Verdict) -> usize {
        self.0[verdict as usize]
    }

    /// All cases.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// The cases that somebody must look at.
    pub fn findings(&self) -> usize {
        Verdict::ALL.into_iter().filter(|v| v.is_finding()).map(|v| self.get(v)).sum()
    }
}

/// The findings that no case explains.
pub fn orphans(session: &Session) -> impl Iterator<Item = &Finding> {
    session.findings.iter().filter(|f| f.attribution.case.is_none())
}
