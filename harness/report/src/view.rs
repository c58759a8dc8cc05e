//! A session, judged once, as every format reads it.

use std::collections::{BTreeMap, HashMap};

use fencelab_events::event::CaseFinished;
use fencelab_events::verdict::orphans;
use fencelab_events::{CaseRecord, Finding, Outcome, Session, Subtest, Verdict};
use fencelab_klog::signature::is_unknown;

use crate::expect::{Expectations, Standing};
use crate::splat;

/// What reports are made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The session.
    pub session: &'a Session,
    /// What is known to fail.
    pub expectations: &'a Expectations,
    /// The text of each splat file, by [`Finding::file`]. One that is missing costs its text, nothing else.
    pub splats: &'a BTreeMap<String, String>,
    /// The session's folder, as the user should see it. GitLab finds attachments by it if it is relative to the
    /// project's root.
    pub dir: &'a str,
}

/// A session, judged.
#[derive(Debug)]
pub struct View<'a> {
    /// What it is made from.
    pub input: Input<'a>,
    /// The session.
    pub session: &'a Session,
    /// Every planned case, in order.
    pub cases: Vec<Case<'a>>,
    /// The kernel's reports, one for each bug, in the order of the log.
    pub bugs: Vec<Bug<'a>>,
}

/// A case with its verdict.
#[derive(Debug)]
pub struct Case<'a> {
    /// The record.
    pub record: &'a CaseRecord,
    /// The verdict.
    pub verdict: Verdict,
    /// How that stands to what is known.
    pub standing: Standing<'a>,
    /// The findings that belong to it.
    pub findings: Vec<&'a Finding>,
    /// Its parts.
    pub parts: Vec<Part<'a>>,
}

/// A part of a case.
#[derive(Debug)]
pub struct Part<'a> {
    /// `suite/case@devices/part`.
    pub id: String,
    /// Its result.
    pub subtest: &'a Subtest,
    /// How that stands to what is known.
    pub standing: Standing<'a>,
}

/// One bug: every report of the kernel that has the same signature and blames the same driver.
#[derive(Debug)]
pub struct Bug<'a> {
    /// The report that tells most: whole before torn, surely attributed before guessed.
    pub best: &'a Finding,
    /// All of them.
    pub all: Vec<&'a Finding>,
    /// The cases that they belong to, each once.
    pub cases: Vec<&'a str>,
    /// Every one of those cases is excused, and there is one.
    pub excused: bool,
}

impl<'a> View<'a> {
    /// Judges a session.
    pub fn of(input: &Input<'a>) -> View<'a> {
        let input = *input;
        let session = input.session;
        let mut findings: HashMap<&str, Vec<&Finding>> = HashMap::new();
        for finding in &session.findings {
            if let Some(case) = &finding.attribution.case {
                findings.entry(case).or_default().push(finding);
            }
        }
        let cases: Vec<_> = session
            .cases
            .iter()
            .map(|record| {
                let findings = findings.remove(record.plan.id.as_str()).unwrap_or_default();
                Case::of(input, record, findings)
            })
            .collect();
        let bugs = bugs(session, &cases);
        View { input, session, cases, bugs }
    }

    /// The cases of a verdict that count as they are, neither excused nor improved.
    pub fn counted(&self, verdict: Verdict) -> impl Iterator<Item = &Case<'a>> {
        self.cases.iter().filter(move |case| case.verdict == verdict && case.is_counted())
    }

    /// The findings that no case explains.
    pub fn orphans(&self) -> impl Iterator<Item = &'a Finding> {
        orphans(self.session)
    }

    /// The cases and parts that are excused or improved: their ids with the standing.
    pub fn known(&self) -> impl Iterator<Item = (&str, Standing<'a>)> {
        let of_case = |case: &Case<'a>| case.standing;
        self.cases.iter().flat_map(move |case| {
            let parts = case.parts.iter().map(|part| (part.id.as_str(), part.standing));
            std::iter::once((case.id(), of_case(case))).chain(parts)
        })
    }

    /// The kernel's own text of a finding, without what the runner put in front of it.
    pub fn splat(&self, finding: &Finding) -> Option<&'a str> {
        self.input.splats.get(&finding.file).map(|text| splat::body(text))
    }

    /// The command that shows what the recorder has of a case; none where it did not run under it.
    pub fn trace_command(&self, case: &Case<'_>) -> Option<String> {
        let boot = case.record.attempts.last()?.boot;
        let recorded = self.session.boots.iter().any(|b| b.number == boot && b.recorded);
        let dir = if self.input.dir.is_empty() { "." } else { self.input.dir };
        recorded.then(|| format!("fencelab trace {} --case {}", word(dir), word(case.id())))
    }

    /// A file of the session, as the user reaches it.
    pub fn path(&self, file: &str) -> String {
        match self.input.dir.trim_end_matches('/') {
            "" => file.to_owned(),
            dir => format!("{dir}/{file}"),
        }
    }
}

/// One word of a shell's command line.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@:,%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl<'a> Case<'a> {
    fn of(input: Input<'a>, record: &'a CaseRecord, findings: Vec<&'a Finding>) -> Case<'a> {
        let verdict = Verdict::of(input.session, record);
        let parts: Vec<_> = record
            .finished()
            .into_iter()
            .flat_map(|finished| &finished.subtests)
            .map(|subtest| Part::of(input.expectations, &record.plan.id, subtest))
            .collect();
        let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
        let standing = match input.expectations.judge(&record.plan.id, verdict, &titles) {
            Standing::New if verdict == Verdict::Fail && findings.is_empty() => excuse_by_parts(&parts),
            // Its own failure is known; that the kernel reported something on top of it is not.
            standing if standing.is_excused() && verdict != Verdict::Splat && !findings.is_empty() => {
                Standing::New
            }
            standing => standing,
        };
        Case { record, verdict, standing, findings, parts }
    }

    /// `suite/case@devices`.
    pub fn id(&self) -> &'a str {
        &self.record.plan.id
    }

    /// How it ended, if it did.
    pub fn finished(&self) -> Option<&'a CaseFinished> {
        self.record.finished()
    }

    /// How long its process ran, in microseconds.
    pub fn took_us(&self) -> u64 {
        self.finished().map_or(0, |finished| finished.took_us)
    }

    /// It counts as it is: no list says otherwise.
    pub fn is_counted(&self) -> bool {
        matches!(self.standing, Standing::New)
    }
}

impl<'a> Part<'a> {
    fn of(expectations: &'a Expectations, case: &str, subtest: &'a Subtest) -> Part<'a> {
        let id = format!("{case}/{}", subtest.name);
        let standing = expectations.judge(&id, verdict_of(subtest.outcome), &[]);
        Part { id, subtest, standing }
    }

    /// It failed.
    pub fn failed(&self) -> bool {
        verdict_of(self.subtest.outcome).is_finding()
    }
}

/// What the kernel said belongs to the case as a whole, so a part is judged by its outcome alone.
fn verdict_of(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Pass => Verdict::Pass,
        Outcome::Skip => Verdict::Skip,
        Outcome::Fail => Verdict::Fail,
        Outcome::Crash => Verdict::Crash,
        Outcome::Timeout => Verdict::Timeout,
        Outcome::Stuck => Verdict::Stuck,
        Outcome::Lost => Verdict::Lost,
        Outcome::Cancelled => Verdict::NotRun,
    }
}

/// A case that fails only by parts that are all excused is excused with them.
fn excuse_by_parts<'a>(parts: &[Part<'a>]) -> Standing<'a> {
    let mut failed = parts.iter().filter(|part| part.failed()).peekable();
    match failed.peek().map(|part| part.standing) {
        Some(first) if failed.all(|part| part.standing.is_excused()) => first,
        _ => Standing::New,
    }
}

fn bugs<'a>(session: &'a Session, cases: &[Case<'a>]) -> Vec<Bug<'a>> {
    let excused: HashMap<_, _> = cases.iter().map(|case| (case.id(), case.standing.is_excused())).collect();
    let mut bugs: Vec<Bug> = Vec::new();
    let mut by_identity: HashMap<(&str, &str), usize> = HashMap::new();
    for finding in &session.findings {
        let index = *by_identity.entry(identity(finding)).or_insert_with(|| {
            bugs.push(Bug { best: finding, all: Vec::new(), cases: Vec::new(), excused: true });
            bugs.len() - 1
        });
        bugs[index].take(finding, &excused);
    }
    bugs
}

/// What makes two findings the same bug: the signature and the driver. A cycle through locks that everybody shares
/// (`fs_reclaim`, `dma_fence_map`) in two drivers is two bugs. A report that was too torn for a signature is its own.
fn identity(finding: &Finding) -> (&str, &str) {
    match finding.signature.as_str() {
        signature if signature.is_empty() || is_unknown(signature) => (&finding.file, &finding.title),
        signature => (driver(finding), signature),
    }
}

/// The module of the function to look at first, `[qxl]`; nothing for built-in code.
fn driver(finding: &Finding) -> &str {
    finding.blame.as_deref().and_then(|frame| frame.split_whitespace().nth(1)).unwrap_or_default()
}

impl<'a> Bug<'a> {
    fn take(&mut self, finding: &'a Finding, excused: &HashMap<&str, bool>) {
        let rank = |f: &Finding| (!f.complete, f.attribution.how);
        if rank(finding) < rank(self.best) {
            self.best = finding;
        }
        self.all.push(finding);
        let case = finding.attribution.case.as_deref();
        self.excused &= case.and_then(|case| excused.get(case)).copied().unwrap_or(false);
        if let Some(case) = case.filter(|case| !self.cases.contains(case)) {
            self.cases.push(case);
        }
    }
}
