//! A session analysed as a whole.

use std::io;

use fencelab_trace::{CallId, Session, ThreadId};
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::fence::{At, Maker};
use crate::finding::{Call, Certainty, Ended, Finding};
use crate::graph::People;
use crate::hints;
use crate::predict::predict;
use crate::wakes::SlowWake;
use crate::walk::Walk;

/// What there is to say of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Verdicts first, then waits; by time within each.
    pub findings: Vec<Finding>,
    /// Recorded calls.
    pub calls: u64,
    /// Fences that the trace knows of.
    pub fences: u64,
    /// Fences that programs were to signal and had not when the trace ended, in words.
    pub unsignalled: Vec<String>,
    /// Processes that ended without having destroyed their sync objects, in words.
    #[serde(default)]
    pub leaked: Vec<String>,
    /// Jobs that took long from when they could begin until they were known to be done, in words.
    #[serde(default)]
    pub long_jobs: Vec<String>,
    /// The slowest wakes.
    pub slow_wakes: Vec<SlowWake>,
    /// What is missing of the trace.
    pub gaps: Vec<String>,
    /// What it cannot show, by process.
    pub blind: Vec<String>,
    /// CLOCK_MONOTONIC of the first and the last step, in nanoseconds.
    pub between_ns: (u64, u64),
}

impl Analysis {
    /// Whether there is a verdict.
    pub fn has_verdict(&self) -> bool {
        self.findings.iter().any(Finding::is_verdict)
    }
}

/// Analyses a session to the end of what is known of it.
///
/// # Errors
///
/// When the trace can no longer be read.
pub fn analyse(session: &Session, options: Options, people: &dyn People) -> io::Result<Analysis> {
    let mut walk = Walk::new(session, options);
    if options.predict {
        walk.look_for_start(session);
    }
    walk.run(session, people)?;
    let mut analysis = conclude(session, &mut walk, people)?;
    let hung = |finding: &Finding| finding.is_verdict() && options.may_move(finding.since_ns);
    if options.predict && walk.is_shared() && !analysis.findings.iter().any(hung) {
        let mut predicted = predict(session, options, walk.sync_calls(), walk.start(session))?;
        predicted.iter_mut().for_each(|finding| doubt(session, finding));
        fill(session, &walk, &mut predicted, &[])?;
        analysis.findings.splice(0..0, predicted);
    }
    Ok(analysis)
}

/// What there is to say of a walk that has come to the end of what is known, whoever hangs there among it.
///
/// # Errors
///
/// When the trace can no longer be read.
pub fn conclude(session: &Session, walk: &mut Walk, people: &dyn People) -> io::Result<Analysis> {
    // What hangs at the end has hung since then.
    walk.look(session, people, walk.last().saturating_add(1).max(session.until()));
    finish(session, walk)
}

/// Fills in the texts of the calls that findings name, and those of the moments that ended them.
fn fill(session: &Session, walk: &Walk, findings: &mut [Finding], ended: &[Option<At>]) -> io::Result<()> {
    let id = |call: &Call| CallId { thread: ThreadId(call.id.0), index: call.id.1 };
    let calls: Vec<CallId> = findings.iter().flat_map(|finding| &finding.calls).map(id).collect();
    let texts = walk.texts(session, calls, ended.iter().flatten().copied().collect())?;
    findings.iter_mut().flat_map(|finding| &mut finding.calls).for_each(|call| texts.fill(call));
    for (finding, at) in findings.iter_mut().zip(ended) {
        if let (Some(end), Some(at)) = (&mut finding.ended, at) {
            end.by += texts.of(*at).unwrap_or("a call");
        }
    }
    Ok(())
}

/// Puts together what a walk has found so far.
///
/// # Errors
///
/// When the trace can no longer be read.
pub fn finish(session: &Session, walk: &mut Walk) -> io::Result<Analysis> {
    walk.tracker.close(&walk.world);
    let ended: Vec<_> = walk.tracker.list.iter().map(|tracked| tracked.ended_by).collect();
    let mut findings: Vec<Finding> =
        walk.tracker.list.iter().map(|tracked| tracked.finding.clone()).collect();
    let gaps: Vec<String> = session.losses().iter().map(|loss| gap(session, loss)).collect();
    for (finding, ended) in findings.iter_mut().zip(&ended) {
        if let Some(at) = ended {
            let by = format!("{}: ", walk.words(session).thread(at.call.thread));
            finding.ended = Some(Ended { at_ns: session.clock().ns(at.ticks), by });
        }
        doubt(session, finding);
    }
    fill(session, walk, &mut findings, &ended)?;
    findings.sort_by_key(|finding| (!finding.is_verdict(), finding.since_ns));
    Ok(Analysis {
        findings,
        calls: session.len() as u64,
        fences: walk.world.fences.len() as u64,
        unsignalled: unsignalled(session, walk),
        leaked: hints::leaked(session, walk),
        long_jobs: hints::long_jobs(session, walk),
        slow_wakes: walk.wakes.list.clone(),
        gaps,
        blind: blind(session),
        between_ns: between(session, walk),
    })
}

fn between(session: &Session, walk: &Walk) -> (u64, u64) {
    let first = session.calls().next().and_then(|id| session.entered(id)).unwrap_or(0);
    (session.clock().ns(first), session.clock().ns(walk.last()))
}

fn gap(session: &Session, loss: &fencelab_trace::Loss) -> String {
    let thread = loss.thread.and_then(|thread| session.thread(thread));
    match thread {
        Some(thread) => format!("thread {}: {loss}", thread.tid),
        None => loss.to_string(),
    }
}

/// What is missing of the threads that a finding speaks of makes it less sure.
fn doubt(session: &Session, finding: &mut Finding) {
    let concerned: Vec<u32> = finding.calls.iter().map(|call| call.pid).collect();
    for loss in session.losses() {
        let pid = loss.thread.and_then(|thread| session.thread(thread)).map(|thread| thread.pid);
        if pid.is_none_or(|pid| concerned.contains(&pid)) {
            finding.gaps.push(gap(session, &loss));
        }
    }
    if !finding.gaps.is_empty() {
        finding.certainty = Certainty::Possible;
    }
    let processes = session.processes().iter().filter(|process| concerned.contains(&process.pid));
    for process in processes {
        let seen = process.blind
            & (fencelab_abi::process::blind::USER_QUEUES | fencelab_abi::process::blind::MEMORY_FENCES);
        if seen != 0 {
            finding.unless.push(format!(
                "{} does it without an ioctl: it uses user queues or fences in memory",
                process.name()
            ));
            finding.certainty = finding.certainty.max(Certainty::Modulo);
        }
    }
}

/// Fences that programs were to signal and have not.
fn unsignalled(session: &Session, walk: &Walk) -> Vec<String> {
    /// More than anybody reads.
    const MOST: usize = 32;
    let words = walk.words(session);
    let open = walk.world.fences.iter().enumerate().filter(|(_, fence)| {
        fence.signalled.is_none() && matches!(fence.maker, Maker::Timeline(..) | Maker::Vgem(_))
    });
    let text = |(id, fence): (usize, &crate::fence::Fence)| {
        let by = words.thread(fence.made.call.thread);
        format!("{}, made by {by}", words.fence(crate::fence::FenceId(id as u32)))
    };
    open.take(MOST).map(text).collect()
}

fn blind(session: &Session) -> Vec<String> {
    let processes = session.processes().iter();
    let spots = processes.flat_map(|process| {
        process.blind_spots().map(move |spot| format!("{}[{}]: {spot}", process.name(), process.pid))
    });
    let mut spots: Vec<String> = spots.collect();
    spots.sort();
    spots.dedup();
    spots
}
