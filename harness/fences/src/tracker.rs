//! Findings of one moment after the other, put together: since when, until when, and how it ended.

use fencelab_trace::CallId;
use rustc_hash::FxHashMap;

use crate::fence::At;
use crate::finding::{Finding, Kind};
use crate::graph::Key;
use crate::world::World;

/// A finding, and what it is about.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) finding: Finding,
    culprit: Key,
    /// Ticks of the youngest thing when it was first seen.
    seen: u64,
    /// The call that ended it.
    pub(crate) ended_by: Option<At>,
}

/// All findings so far.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    pub(crate) list: Vec<Tracked>,
    by_culprit: FxHashMap<Key, usize>,
    /// Calls that are stuck: of which finding, and the how-manieth there.
    calls: FxHashMap<CallId, Vec<(usize, usize)>>,
}

/// More findings than anybody reads.
const MOST: usize = 512;

impl Tracker {
    /// Takes a finding of a moment in.
    pub(crate) fn add(&mut self, world: &World, culprit: Key, roots: &[Key], finding: Finding) {
        if self.is_told(world, roots, &finding) {
            return;
        }
        let seen = latest(world);
        let known = self.by_culprit.get(&culprit).copied();
        let index = match known {
            Some(index) if self.list[index].ended_by.is_none() => {
                self.list[index].renew(finding);
                index
            }
            _ if self.list.len() >= MOST => return,
            _ => {
                self.list.push(Tracked { finding, culprit, seen, ended_by: None });
                self.by_culprit.insert(culprit, self.list.len() - 1);
                self.list.len() - 1
            }
        };
        self.remember_calls(world, index, roots);
    }

    /// Whether all who are stuck were told of as part of something worse: a circle of which one has given up.
    fn is_told(&self, world: &World, roots: &[Key], finding: &Finding) -> bool {
        let worse = |key: &Key| {
            let Key::Thread(thread) = key else { return false };
            let call = world.open_calls(*thread).last().map(|open| open.at.call);
            let places = call.and_then(|call| self.calls.get(&call)).into_iter().flatten();
            places.into_iter().any(|(index, _)| rank(self.list[*index].finding.kind) > rank(finding.kind))
        };
        !roots.is_empty() && roots.iter().all(worse)
    }

    fn remember_calls(&mut self, world: &World, index: usize, roots: &[Key]) {
        for (place, key) in roots.iter().enumerate() {
            let Key::Thread(thread) = key else { continue };
            let Some(open) = world.open_calls(*thread).last() else { continue };
            let places = self.calls.entry(open.at.call).or_default();
            if !places.iter().any(|(finding, _)| *finding == index) {
                places.push((index, place));
            }
        }
    }

    /// A call has returned.
    pub(crate) fn returned(&mut self, call: CallId, result: i32, ns: u64) {
        if self.calls.is_empty() {
            return;
        }
        for (finding, place) in self.calls.remove(&call).unwrap_or_default() {
            if let Some(stuck) = self.list[finding].finding.stuck.get_mut(place) {
                stuck.ended = Some((result, ns));
            }
        }
    }

    /// Those that still hold.
    pub(crate) fn holding(&self, world: &World) -> Vec<&Finding> {
        let holds = |tracked: &&Tracked| {
            let waits = tracked.finding.stuck.iter().any(|stuck| stuck.ended.is_none());
            waits && tracked.happened(world).is_none()
        };
        self.list.iter().filter(holds).map(|tracked| &tracked.finding).collect()
    }

    /// Looks how each ended. A point that came after all was late, and no more.
    pub(crate) fn close(&mut self, world: &World) {
        for tracked in &mut self.list {
            tracked.ended_by = tracked.happened(world);
            let finding = &mut tracked.finding;
            let woken = finding.stuck.iter().filter_map(|stuck| stuck.ended).any(|(result, _)| result >= 0);
            if finding.kind == Kind::NeverSubmitted && (tracked.ended_by.is_some() || woken) {
                let failed =
                    finding.stuck.iter().filter_map(|stuck| stuck.ended).any(|(result, _)| result < 0);
                if !failed {
                    finding.kind = Kind::Pending;
                }
            }
        }
    }
}

impl Tracked {
    /// The same thing, seen once more: what is new counts, what had ended stays.
    fn renew(&mut self, mut finding: Finding) {
        if rank(self.finding.kind) > rank(finding.kind) {
            // It was a circle while it was whole.
            self.finding.seen_ns = finding.seen_ns;
            return;
        }
        for stuck in &self.finding.stuck {
            match finding.stuck.iter_mut().find(|new| (new.tid, new.since_ns) == (stuck.tid, stuck.since_ns))
            {
                Some(new) => new.ended = stuck.ended,
                None => finding.stuck.push(stuck.clone()),
            }
        }
        finding.since_ns = finding.since_ns.min(self.finding.since_ns);
        self.finding = finding;
    }

    /// The call by which what was waited for came after all.
    fn happened(&self, world: &World) -> Option<At> {
        match self.culprit {
            Key::Fence(fence) => world.fence(fence)?.signalled,
            Key::Job(job) => world.fence(world.job(job)?.fence)?.signalled,
            Key::Point(object, _) => world.past(object).given.filter(|given| given.ticks > self.seen),
            _ => None,
        }
    }
}

/// What says more of the same wait.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Cycle | Kind::Knot => 2,
        kind => u8::from(kind.rule().is_some()),
    }
}

/// Ticks of the last thing that is known.
fn latest(world: &World) -> u64 {
    let jobs = world.jobs.last().map_or(0, |job| job.at.ticks);
    let calls = world.in_calls().map(|(_, open)| open.at.ticks).max().unwrap_or(0);
    jobs.max(calls)
}
