//! Calls, and sequences of them.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::buffer::Access;
use crate::case::Stop;
use crate::device::{self, Device, Kind};
use crate::must::Must;
use crate::random::Random;

/// How many processes there are.
pub(super) const ACTORS: usize = 3;
/// How many buffers, and how many sync files, they share at a time.
pub(super) const SLOTS: usize = 4;

/// The devices that take part.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// In the order of their names, so that a seed means the same on every boot.
    pub(super) devices: Vec<Device>,
}

impl World {
    /// Every device of this machine.
    pub(super) fn here() -> Result<World, Stop> {
        let mut devices = device::scan(Path::new("/")).must("look for devices")?;
        devices.retain(|device| device.kind != Kind::Module && device.node.is_some());
        devices.sort_by(|a, b| a.name.cmp(&b.name));
        match devices.iter().any(|device| device.kind == Kind::Drm) {
            true => Ok(World { devices }),
            false => Err(Stop::skip("there is no DRM device")),
        }
    }

    pub(super) fn names(&self) -> String {
        self.devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The process that drives the displays of a device: one alone can be its master.
    pub(super) fn master(device: usize) -> usize {
        device % ACTORS
    }
}

/// One call of one process. Buffers and sync files are named by their slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Op {
    /// A new buffer of a device into the slot.
    Make { device: usize, slot: usize },
    /// The slot's buffer into a device.
    Import { device: usize, slot: usize },
    /// Everything that this process has of a slot.
    Forget { slot: usize },
    /// A pending fence into the buffer.
    Fence { slot: usize, write: bool },
    /// The oldest pending fence of this process signals.
    Signal,
    /// CPU access, where nothing stands against it.
    Access { slot: usize, write: bool },
    /// A new map, written.
    Write { slot: usize, seed: u64 },
    /// The buffer's fences as a sync file.
    Export { slot: usize, write: bool, file: usize },
    /// A sync file into the buffer.
    Put { slot: usize, file: usize },
    /// A sync file and this process's newest pending fence into one.
    Merge { file: usize },
    /// Sync object: import, query, export, transfer, reset.
    Syncobj { device: usize, file: usize },
    /// A flip, with the sync file as its in-fence or without.
    Flip { device: usize, file: Option<usize> },
    /// Off and on again.
    Modeset { device: usize },
    /// This process's file of a device, closed.
    Close { device: usize },
    /// Every shrinker runs.
    Shrink,
}

impl Op {
    fn random(world: &World, actor: usize, random: &mut Random) -> Op {
        let device = random.below(world.devices.len() as u64) as usize;
        let slot = random.below(SLOTS as u64) as usize;
        let file = random.below(SLOTS as u64) as usize;
        let write = random.below(2) == 0;
        match random.below(32) {
            0..=3 => Op::Make { device, slot },
            4..=8 => Op::Import { device, slot },
            9 => Op::Forget { slot },
            10..=12 => Op::Fence { slot, write },
            13..=15 => Op::Signal,
            16..=17 => Op::Access { slot, write },
            18..=19 => Op::Write { slot, seed: random.below(1000) },
            20..=21 => Op::Export { slot, write, file },
            22 => Op::Put { slot, file },
            23 => Op::Merge { file },
            24..=25 => Op::Syncobj { device, file },
            26..=28 => Op::Flip { device: own(world, actor, device), file: write.then_some(file) },
            29 => Op::Modeset { device: own(world, actor, device) },
            30 => Op::Close { device },
            _ => Op::Shrink,
        }
    }

    /// The sync file that it takes, whose fd it must be given.
    pub(super) fn takes_file(self) -> Option<usize> {
        match self {
            Op::Put { file, .. } | Op::Merge { file } | Op::Syncobj { file, .. } => Some(file),
            Op::Flip { file, .. } => file,
            _ => None,
        }
    }

    /// The buffer that it takes, whose fd it must be given.
    pub(super) fn takes_buffer(self) -> Option<usize> {
        match self {
            Op::Import { slot, .. }
            | Op::Fence { slot, .. }
            | Op::Access { slot, .. }
            | Op::Write { slot, .. }
            | Op::Export { slot, .. }
            | Op::Put { slot, .. } => Some(slot),
            _ => None,
        }
    }
}

/// A device of which this process is the master.
fn own(world: &World, actor: usize, device: usize) -> usize {
    let all = world.devices.len();
    (0..all).map(|step| (device + step) % all).find(|d| World::master(*d) == actor).unwrap_or(actor % all)
}

pub(super) fn access(write: bool) -> Access {
    if write { Access::Write } else { Access::Read }
}

/// Rounds, one call of each process in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) rounds: Vec<[Option<Op>; ACTORS]>,
}

impl Sequence {
    /// Random rounds.
    pub(super) fn random(world: &World, rounds: usize, random: &mut Random) -> Sequence {
        let mut round = || [0, 1, 2].map(|actor| Some(Op::random(world, actor, random)));
        Sequence { rounds: (0..rounds).map(|_| round()).collect() }
    }

    /// The same with some calls changed, and a part of it repeated or moved.
    pub(super) fn mutated(mut self, world: &World, random: &mut Random) -> Sequence {
        let len = self.rounds.len() as u64;
        for _ in 0..=random.below(8) {
            let actor = random.below(ACTORS as u64) as usize;
            let round = random.below(len) as usize;
            self.rounds[round][actor] = Some(Op::random(world, actor, random));
        }
        let (from, to) = (random.below(len) as usize, random.below(len) as usize);
        let piece: Vec<_> = self.rounds.iter().skip(from).take(6).copied().collect();
        for (place, round) in (to..self.rounds.len()).zip(piece) {
            self.rounds[place] = round;
        }
        self
    }

    /// How many calls there are.
    pub(super) fn calls(&self) -> usize {
        self.rounds.iter().flatten().flatten().count()
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for round in &self.rounds {
            let calls =
                round.iter().enumerate().filter_map(|(actor, op)| Some(format!("{actor}: {:?}", (*op)?)));
            writeln!(f, "  {}", calls.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) fn world_of(count: usize) -> World {
    let device = |n: usize| Device {
        name: format!("d{n}"),
        driver: "vgem".into(),
        kind: Kind::Drm,
        has_kms: true,
        has_render: true,
        node: None,
        render_node: None,
        bus_path: None,
    };
    World { devices: (0..count).map(device).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_sequence_and_mutation() {
        let world = world_of(5);
        let make = || {
            let mut random = Random::new(9);
            Sequence::random(&world, 40, &mut random).mutated(&world, &mut random)
        };
        assert_eq!(make(), make());
        assert_eq!(make().calls(), 40 * ACTORS);
    }

    #[test]
    fn only_its_master_drives_a_display() {
        let world = world_of(7);
        let mut random = Random::new(1);
        for round in Sequence::random(&world, 400, &mut random).rounds {
            for (actor, op) in round.into_iter().enumerate() {
                if let Some(Op::Flip { device, .. } | Op::Modeset { device }) = op {
                    assert_eq!(World::master(device), actor);
                }
            }
        }
    }
}
