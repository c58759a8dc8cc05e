//! Tracks of objects. Slices on one track must lie within each other, fences' lives do not: an object gets as many tracks
//! as it has fences at one time.

use std::io;

use rustc_hash::FxHashMap;

use super::events::{Events, Place};
use crate::model::{ObjectId, Objects};

/// The process that the objects' tracks are shown in: larger than any pid.
const OBJECTS: u32 = 1 << 30;

#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Each object's tracks, and whether a fence is on it.
    of: FxHashMap<ObjectId, Vec<(u32, bool)>>,
    next: u32,
}

impl Lanes {
    /// A track of an object that is free, which it is no longer.
    pub(super) fn take(
        &mut self,
        id: ObjectId,
        objects: &Objects,
        events: &mut Events<'_>,
    ) -> io::Result<Place> {
        let lanes = self.of.entry(id).or_default();
        if let Some(lane) = lanes.iter_mut().find(|(_, used)| !used) {
            lane.1 = true;
            return Ok(Place { pid: OBJECTS, tid: lane.0 });
        }
        if self.next == 0 {
            events.process(OBJECTS, "fences")?;
        }
        self.next += 1;
        let place = Place { pid: OBJECTS, tid: self.next };
        let name = objects.get(id).map_or_else(String::new, ToString::to_string);
        let more = if lanes.is_empty() { String::new() } else { format!(" +{}", lanes.len()) };
        events.thread(place, &format!("{name}{more}"), Some(id.0))?;
        lanes.push((self.next, true));
        Ok(place)
    }

    /// A track is free again.
    pub(super) fn give_back(&mut self, id: ObjectId, place: Place) {
        let lane = self.of.get_mut(&id).and_then(|lanes| lanes.iter_mut().find(|lane| lane.0 == place.tid));
        if let Some(lane) = lane {
            lane.1 = false;
        }
    }
}
