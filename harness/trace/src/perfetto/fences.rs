//! The lives of fences as far as calls tell: from the call that brought one to its signal, or to the first return of a call
//! that waited for it. A sync object's point, a sync_file or a buffer shows the fences in it for as long as it has one that
//! was not seen to signal.

use std::collections::BTreeMap;
use std::io;

use rustc_hash::FxHashMap;
use serde_json::json;

use super::events::{Events, Place};
use super::lanes::Lanes;
use crate::id::CallId;
use crate::model::{Effect, Event, ObjectId, Target};

/// Where fences are: an object, and a point of it.
type Holder = (ObjectId, u64);

/// A fence: the call that brought it or signals it, and where it is.
#[derive(Debug)]
struct Fence {
    /// Where an arrow from it starts.
    from: (Place, u64),
    signalled: bool,
    holders: Vec<Holder>,
}

/// Fences in one place.
#[derive(Debug)]
struct Life {
    fences: Vec<usize>,
    since: u64,
    /// Its track, until all its fences have signalled.
    lane: Option<Place>,
}

/// All fences, and where they are.
#[derive(Debug, Default)]
pub(super) struct Fences {
    lanes: Lanes,
    all: Vec<Fence>,
    lives: FxHashMap<ObjectId, BTreeMap<u64, Life>>,
    /// What each call waits for, and whether for all of it.
    waits: FxHashMap<CallId, (Vec<Target>, bool)>,
    /// Fences of sw_sync timelines by their values, and the timelines' own.
    timelines: FxHashMap<ObjectId, (u64, BTreeMap<u64, Vec<usize>>)>,
}

fn holder(target: &Target) -> Option<Holder> {
    match target {
        Target::Point(id, point) => Some((*id, *point)),
        Target::File(id) | Target::Fence(id) | Target::Buffer(id, _) => Some((*id, 0)),
        Target::Seqno(..) | Target::Timeline(..) | Target::Unknown => None,
    }
}

/// One step, and where it is.
struct Step<'e, 'm> {
    event: &'e Event<'m>,
    ns: u64,
    at: Place,
}

impl Fences {
    pub(super) fn step(
        &mut self,
        event: &Event<'_>,
        ns: u64,
        at: Place,
        out: &mut Events<'_>,
    ) -> io::Result<()> {
        let step = Step { event, ns, at };
        for effect in event.effects {
            self.effect(effect, &step, out)?;
        }
        Ok(())
    }

    fn effect(&mut self, effect: &Effect, step: &Step<'_, '_>, out: &mut Events<'_>) -> io::Result<()> {
        match effect {
            Effect::Submit { signals, fence, .. } => {
                let made = self.make(step);
                self.put(&[made], (*fence, 0), false, step, out)?;
                for holder in step.event.targets_of(signals).iter().filter_map(holder) {
                    self.put(&[made], holder, false, step, out)?;
                }
                Ok(())
            }
            Effect::Fence { fence, by } => {
                let made = self.make(step);
                if let Some(Target::Timeline(timeline, value)) = by {
                    self.timelines.entry(*timeline).or_default().1.entry(*value).or_default().push(made);
                }
                self.put(&[made], (*fence, 0), false, step, out)
            }
            Effect::Copy { from, to, adds } => {
                let fences = self.inside(from);
                match holder(to) {
                    Some(to) => self.put(&fences, to, *adds, step, out),
                    None => Ok(()),
                }
            }
            Effect::Signal(targets) => {
                step.event.targets_of(targets).iter().try_for_each(|target| self.signal(target, step, out))
            }
            Effect::Wait { targets, all, .. } => {
                self.waits.insert(step.event.call.id, (step.event.targets_of(targets).to_vec(), *all));
                Ok(())
            }
            Effect::Woken(result) => self.woken(*result, step, out),
            Effect::Ended(id) => self.gone(*id, step.ns, out),
            _ => Ok(()),
        }
    }

    fn make(&mut self, step: &Step<'_, '_>) -> usize {
        self.all.push(Fence { from: (step.at, step.ns), signalled: false, holders: Vec::new() });
        self.all.len() - 1
    }

    /// The fences that something holds: of a timeline those of the first point at or behind that one.
    fn inside(&self, target: &Target) -> Vec<usize> {
        let Some((id, point)) = holder(target) else { return Vec::new() };
        let lives = self.lives.get(&id).and_then(|lives| lives.range(point..).next());
        lives.map(|(_, life)| life.fences.clone()).unwrap_or_default()
    }

    /// Fences come into a holder, in place of what it had or beside it.
    fn put(
        &mut self,
        fences: &[usize],
        (id, point): Holder,
        adds: bool,
        step: &Step<'_, '_>,
        out: &mut Events<'_>,
    ) -> io::Result<()> {
        if fences.is_empty() {
            return Ok(());
        }
        for fence in fences {
            self.all[*fence].holders.push((id, point));
        }
        let old = self.lives.get_mut(&id).and_then(|lives| lives.get_mut(&point));
        match old {
            Some(life) if adds || life.lane.is_some() && life.since == step.ns => {
                life.fences.extend_from_slice(fences);
                if life.lane.is_none() {
                    (life.since, life.lane) =
                        (step.ns, Some(self.lanes.take(id, step.event.objects(), out)?));
                }
            }
            _ => {
                self.end((id, point), step.ns, "", out)?;
                let lane = Some(self.lanes.take(id, step.event.objects(), out)?);
                let life = Life { fences: fences.to_vec(), since: step.ns, lane };
                self.lives.entry(id).or_default().insert(point, life);
            }
        }
        Ok(())
    }

    /// The processor signals.
    fn signal(&mut self, target: &Target, step: &Step<'_, '_>, out: &mut Events<'_>) -> io::Result<()> {
        if let Target::Timeline(timeline, by) = target {
            let (value, waiting) = self.timelines.entry(*timeline).or_default();
            *value += by;
            let later = waiting.split_off(&(*value + 1));
            let over: Vec<usize> = std::mem::replace(waiting, later).into_values().flatten().collect();
            return self.over(&over, Some((step.at, step.ns)), step.ns, out);
        }
        let Some(holder) = holder(target) else { return Ok(()) };
        let mut fences = match target {
            // A signal is a fence of its own, which takes the place of what was there.
            Target::Point(..) => Vec::new(),
            other => self.inside(other),
        };
        if fences.is_empty() {
            fences = vec![self.make(step)];
            self.put(&fences, holder, false, step, out)?;
        }
        self.over(&fences, Some((step.at, step.ns)), step.ns, out)
    }

    /// Fences have signalled, as far as is known by that call.
    fn over(
        &mut self,
        fences: &[usize],
        from: Option<(Place, u64)>,
        ns: u64,
        out: &mut Events<'_>,
    ) -> io::Result<()> {
        for fence in fences {
            let fence = &mut self.all[*fence];
            fence.signalled = true;
            fence.from = from.unwrap_or(fence.from);
            for holder in std::mem::take(&mut fence.holders) {
                let life = self.lives.get(&holder.0).and_then(|lives| lives.get(&holder.1));
                if life.is_some_and(|life| life.fences.iter().all(|fence| self.all[*fence].signalled)) {
                    self.end(holder, ns, "", out)?;
                }
            }
        }
        Ok(())
    }

    /// Nothing of a holder is left to wait for.
    fn end(&mut self, (id, point): Holder, ns: u64, how: &str, out: &mut Events<'_>) -> io::Result<()> {
        let life = self.lives.get_mut(&id).and_then(|lives| lives.get_mut(&point));
        let Some((life, lane)) = life.and_then(|life| life.lane.take().map(|lane| (life, lane))) else {
            return Ok(());
        };
        let what = if point == 0 { "fence".to_owned() } else { format!("point {point}") };
        out.slice(lane, &format!("{what}{how}"), life.since, ns.saturating_sub(life.since), json!({}))?;
        self.lanes.give_back(id, lane);
        Ok(())
    }

    /// A holder is gone, with what is in it.
    fn gone(&mut self, id: ObjectId, ns: u64, out: &mut Events<'_>) -> io::Result<()> {
        let points: Vec<u64> =
            self.lives.get(&id).into_iter().flat_map(|lives| lives.keys().copied()).collect();
        for point in points {
            self.end((id, point), ns, ", gone before it was seen to signal", out)?;
        }
        self.lives.remove(&id);
        Ok(())
    }

    fn woken(&mut self, result: i32, step: &Step<'_, '_>, out: &mut Events<'_>) -> io::Result<()> {
        let Some((targets, all)) = self.waits.remove(&step.event.call.id) else { return Ok(()) };
        if result < 0 {
            return Ok(());
        }
        let certain = all || targets.len() == 1;
        for target in &targets {
            let fences = self.inside(target);
            for fence in &fences {
                // Within the call that waited: at its very end it is over.
                out.flow(self.all[*fence].from, (step.at, step.ns.saturating_sub(1)))?;
            }
            if certain {
                self.over(&fences, None, step.ns, out)?;
            }
        }
        Ok(())
    }

    /// What has not been seen to end lasts to the end of the trace.
    pub(super) fn finish(mut self, last: u64, out: &mut Events<'_>) -> io::Result<()> {
        let lives = self.lives.iter();
        let mut open: Vec<Holder> =
            lives.flat_map(|(id, lives)| lives.keys().map(|point| (*id, *point))).collect();
        open.sort_unstable();
        open.into_iter().try_for_each(|holder| self.end(holder, last, ", not seen to signal", out))
    }
}
