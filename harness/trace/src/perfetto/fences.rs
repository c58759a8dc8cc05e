//! The lives of fences as far as calls tell: from the call that put one somewhere to its signal, or to the first return of
//! a call that waited for it.

use std::collections::BTreeMap;
use std::io;

use rustc_hash::FxHashMap;
use serde_json::json;

use super::events::{Events, Place};
use super::lanes::Lanes;
use crate::id::CallId;
use crate::model::{Effect, Event, ObjectId, Target};

/// A fence that is in something.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// Where and when it came in: the call.
    from: (Place, u64),
    /// Its track, until it has been seen to end.
    lane: Option<Place>,
    /// When it came in.
    since: u64,
}

/// Fences in sync objects, sync_files and timelines.
#[derive(Debug, Default)]
pub(super) struct Fences {
    lanes: Lanes,
    /// By what they are in, and point.
    lives: FxHashMap<ObjectId, BTreeMap<u64, Life>>,
    /// What each call waits for.
    waits: FxHashMap<CallId, Vec<Target>>,
}

/// What holds a fence, and at which point.
fn place_of(target: &Target) -> Option<(ObjectId, u64)> {
    match target {
        Target::Point(id, point) => Some((*id, *point)),
        Target::File(id) | Target::Fence(id) | Target::Buffer(id, _) => Some((*id, 0)),
        Target::Seqno(..) | Target::Timeline(..) | Target::Unknown => None,
    }
}

impl Fences {
    pub(super) fn step(
        &mut self,
        event: &Event<'_>,
        ns: u64,
        at: Place,
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        for effect in event.effects {
            match effect {
                Effect::Submit { signals, fence, .. } => {
                    self.begins(&Target::Fence(*fence), ns, (at, ns), event, events)?;
                    for target in event.targets_of(signals) {
                        self.begins(target, ns, (at, ns), event, events)?;
                    }
                }
                Effect::Fence { fence, .. } => {
                    self.begins(&Target::Fence(*fence), ns, (at, ns), event, events)?
                }
                Effect::Copy { from, to, .. } => {
                    // The arrow starts where the fence came from.
                    let origin = self.life(from).map_or((at, ns), |life| life.from);
                    self.begins(to, ns, origin, event, events)?;
                }
                Effect::Signal(targets) => {
                    for target in event.targets_of(targets) {
                        if self.life(target).is_none_or(|life| life.lane.is_none()) {
                            self.begins(target, ns, (at, ns), event, events)?;
                        }
                        self.ends(target, ns, events)?;
                        self.signalled(target, (at, ns));
                    }
                }
                Effect::Wait { targets, .. } => {
                    self.waits.insert(event.call.id, event.targets_of(targets).to_vec());
                }
                Effect::Woken(result) => self.woken(event, *result, ns, at, events)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The fence that something holds: of a timeline the first at that point or behind it.
    fn life(&self, target: &Target) -> Option<Life> {
        let (id, point) = place_of(target)?;
        self.lives.get(&id)?.range(point..).next().map(|(_, life)| *life)
    }

    /// From here on it is this call that signals.
    fn signalled(&mut self, target: &Target, from: (Place, u64)) {
        let Some((id, point)) = place_of(target) else { return };
        if let Some(life) = self.lives.get_mut(&id).and_then(|lives| lives.get_mut(&point)) {
            life.from = from;
        }
    }

    fn begins(
        &mut self,
        target: &Target,
        ns: u64,
        from: (Place, u64),
        event: &Event<'_>,
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        let Some((id, point)) = place_of(target) else { return Ok(()) };
        self.ends_at(id, point, ns, events)?;
        let lane = self.lanes.take(id, event.objects(), events)?;
        let life = Life { from, lane: Some(lane), since: ns };
        self.lives.entry(id).or_default().insert(point, life);
        Ok(())
    }

    fn ends(&mut self, target: &Target, ns: u64, events: &mut Events<'_>) -> io::Result<()> {
        match place_of(target) {
            Some((id, point)) => self.ends_at(id, point, ns, events),
            None => Ok(()),
        }
    }

    /// A fence and those of earlier points are over.
    fn ends_at(&mut self, id: ObjectId, point: u64, ns: u64, events: &mut Events<'_>) -> io::Result<()> {
        let Some(lives) = self.lives.get_mut(&id) else { return Ok(()) };
        for (at, life) in lives.range_mut(..=point) {
            if let Some(lane) = life.lane.take() {
                let name = if *at == 0 { "fence".to_owned() } else { format!("point {at}") };
                events.slice(lane, &name, life.since, ns.saturating_sub(life.since), json!({}))?;
                self.lanes.give_back(id, lane);
            }
        }
        // Only the newest is looked up again.
        let newest = lives.keys().next_back().copied();
        lives.retain(|at, life| life.lane.is_some() || Some(*at) == newest || *at > point);
        Ok(())
    }

    fn woken(
        &mut self,
        event: &Event<'_>,
        result: i32,
        ns: u64,
        at: Place,
        events: &mut Events<'_>,
    ) -> io::Result<()> {
        let Some(targets) = self.waits.remove(&event.call.id) else { return Ok(()) };
        if result < 0 {
            return Ok(());
        }
        for target in &targets {
            if let Some(life) = self.life(target) {
                events.flow(life.from, (at, ns))?;
            }
            if targets.len() == 1 {
                self.ends(target, ns, events)?;
            }
        }
        Ok(())
    }

    /// What has not been seen to end lasts to the end of the trace.
    pub(super) fn finish(mut self, last: u64, events: &mut Events<'_>) -> io::Result<()> {
        let mut open: Vec<(ObjectId, u64, Life)> = Vec::new();
        for (id, lives) in &mut self.lives {
            open.extend(lives.iter().map(|(point, life)| (*id, *point, *life)));
        }
        open.sort_by_key(|(id, point, _)| (*id, *point));
        for (_, point, life) in open {
            if let Some(lane) = life.lane {
                let name = if point == 0 { "fence".to_owned() } else { format!("point {point}") };
                let length = last.saturating_sub(life.since);
                events.slice(lane, &format!("{name}, not seen to signal"), life.since, length, json!({}))?;
            }
        }
        Ok(())
    }
}
