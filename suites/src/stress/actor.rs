//! One process: what it holds, and how it makes its calls.

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use drm::DriverCapability::{SyncObj, TimelineSyncObj};
use nix::errno::Errno;

use super::drive::{DONE, QUIT};
use super::op::{Op, World, access};
use crate::buffer::{DmaBuf, Exporter, Gem};
use crate::case::{Stop, Tested};
use crate::child::Line;
use crate::device::Kind;
use crate::kms::Stage;
use crate::must::Must;
use crate::open::DrmFile;
use crate::pending::Pending;
use crate::syncobj::Syncobj;
use crate::uapi::sync_file::SyncFile;

/// How long a fence of this suite stays pending at most: a round waits no longer.
const PENDING: Duration = Duration::from_secs(2);
/// How many of them a process has at a time; each has a watchdog process.
const MOST: usize = 3;

/// The answers of an import that mean no.
const REFUSED: [Errno; 6] =
    [Errno::EINVAL, Errno::ENODEV, Errno::ENOSYS, Errno::EOPNOTSUPP, Errno::EPERM, Errno::EBUSY];

/// What a process holds. Fences first: they signal before the displays, which wait for them, are turned off.
struct Actor<'a> {
    world: &'a World,
    pending: Vec<Pending>,
    gems: HashMap<(usize, usize), Gem>,
    cards: HashMap<usize, Arc<DrmFile>>,
    stages: HashMap<usize, Stage>,
}

/// The life of a process: does what the line says until it says to quit.
pub(super) fn live(world: &World, actor: usize, line: &Line) -> Tested {
    let mut me = Actor {
        world,
        pending: Vec::new(),
        gems: HashMap::new(),
        cards: HashMap::new(),
        stages: HashMap::new(),
    };
    // While others are busy there is nothing to hear.
    line.wait_up_to(600)?;
    me.light(actor)?;
    line.send(DONE, None)?;
    let (mut buffer, mut file) = (None, None);
    loop {
        let (text, fd) = line.receive()?;
        match text.as_str() {
            "" | QUIT => return Ok(()),
            "buffer" => buffer = fd,
            "file" => file = fd,
            text => {
                let op: Op = serde_json::from_str(text).map_err(Stop::fail)?;
                let made = me.call(op, buffer.take(), file.take().map(SyncFile::new));
                tell(line, made)?;
            }
        }
    }
}

fn tell(line: &Line, made: Result<Option<OwnedFd>, Stop>) -> Tested {
    match made {
        Ok(fd) => line.send(DONE, fd.as_ref().map(AsFd::as_fd)),
        // What does not apply to a device is no call.
        Err(Stop::Skip(_)) => line.send(DONE, None),
        Err(Stop::Fail(text)) => line.send(text.get(..1000).unwrap_or(&text), None),
    }
}

impl Actor<'_> {
    /// Turns on the displays that are this process's to drive.
    fn light(&mut self, actor: usize) -> Tested {
        for (number, device) in self.world.devices.iter().enumerate() {
            if device.has_kms && World::master(number) == actor {
                match Stage::lit(device) {
                    Ok(stage) => drop(self.stages.insert(number, stage)),
                    Err(Stop::Skip(_)) => {}
                    Err(fail) => return Err(fail),
                }
            }
        }
        Ok(())
    }

    fn card(&mut self, device: usize) -> Result<Arc<DrmFile>, Stop> {
        let described = &self.world.devices[device];
        if described.kind != Kind::Drm {
            return Err(Stop::skip("no DRM device"));
        }
        if let Some(card) = self.cards.get(&device) {
            return Ok(Arc::clone(card));
        }
        let card = Arc::new(DrmFile::card(described)?);
        self.cards.insert(device, Arc::clone(&card));
        Ok(card)
    }

    fn call(
        &mut self,
        op: Op,
        buffer: Option<OwnedFd>,
        file: Option<SyncFile>,
    ) -> Result<Option<OwnedFd>, Stop> {
        let buffer = buffer.map(DmaBuf::new).transpose()?;
        match (op, buffer, file) {
            (Op::Make { device, .. }, _, _) => self.make(device).map(Some),
            (Op::Import { device, slot }, Some(buffer), _) => self.import(device, slot, &buffer),
            (Op::Forget { slot }, _, _) => {
                self.gems.retain(|(_, s), _| *s != slot);
                Ok(None)
            }
            (Op::Fence { write, .. }, Some(buffer), _) => self.fence(&buffer, write),
            (Op::Signal, _, _) => self.signal(),
            (Op::Access { write, .. }, Some(buffer), _) => cpu_access(&buffer, write),
            (Op::Write { seed, .. }, Some(buffer), _) => {
                buffer.map()?.fill(seed, 4096);
                Ok(None)
            }
            (Op::Export { write, .. }, Some(buffer), _) => {
                buffer.export_fences(access(write)).map(|file| Some(file.into()))
            }
            (Op::Put { .. }, Some(buffer), Some(file)) => {
                buffer.import_fence(access(true), file).map(|()| None)
            }
            (Op::Merge { .. }, _, Some(file)) => self.merge(&file),
            (Op::Syncobj { device, .. }, _, Some(file)) => self.syncobj(device, &file),
            (Op::Flip { device, .. }, _, file) => self.flip(device, file),
            (Op::Modeset { device }, _, _) => self.modeset(device),
            (Op::Close { device }, _, _) => {
                self.gems.retain(|(d, _), _| *d != device);
                self.cards.remove(&device);
                Ok(None)
            }
            (Op::Shrink, _, _) => {
                // Without root there is no pressure; the rest goes on.
                let _ = fs::write("/proc/sys/vm/drop_caches", "2");
                Ok(None)
            }
            (op, _, _) => Err(Stop::fail(format!("{op:?} was given no fd"))),
        }
    }

    fn make(&mut self, device: usize) -> Result<OwnedFd, Stop> {
        let made = Exporter::open(&self.world.devices[device])?.make_small()?;
        made.dmabuf.duplicate().map(OwnedFd::from)
    }

    fn import(&mut self, device: usize, slot: usize, buffer: &DmaBuf) -> Result<Option<OwnedFd>, Stop> {
        let card = self.card(device)?;
        // A file has one handle for a buffer: the old one goes first, or it would take the new one along.
        self.gems.remove(&(device, slot));
        match Gem::import(&card, buffer) {
            Ok(gem) => drop(self.gems.insert((device, slot), gem)),
            Err(errno) => crate::check!(REFUSED.contains(&errno), "an import answered {errno:?}"),
        }
        Ok(None)
    }

    fn fence(&mut self, buffer: &DmaBuf, write: bool) -> Result<Option<OwnedFd>, Stop> {
        if self.pending.len() >= MOST {
            self.signal()?;
        }
        let fence = Pending::lasting(PENDING)?;
        buffer.import_fence(access(write), &fence)?;
        self.pending.push(fence);
        Ok(None)
    }

    fn signal(&mut self) -> Result<Option<OwnedFd>, Stop> {
        if !self.pending.is_empty() {
            let fence = self.pending.remove(0);
            fence.signal()?;
            let status = fence.fence().status().must("ask a signalled fence for its status")?;
            crate::check_eq!(status, 1, "the status of a fence that was signalled");
        }
        Ok(None)
    }

    fn merge(&mut self, file: &SyncFile) -> Result<Option<OwnedFd>, Stop> {
        let Some(newest) = self.pending.last() else { return Ok(None) };
        let merged = file.merge(newest.fence(), "stress").must("merge two sync files")?;
        Ok(Some(merged.into()))
    }

    fn syncobj(&mut self, device: usize, file: &SyncFile) -> Result<Option<OwnedFd>, Stop> {
        let card = self.card(device)?;
        card.need(SyncObj)?;
        card.need(TimelineSyncObj)?;
        let (binary, timeline) = (Syncobj::new(&card, false)?, Syncobj::new(&card, false)?);
        binary.import(file).must("import a sync file into a syncobj")?;
        Syncobj::transfer((&binary, 0), (&timeline, 7), 0).must("transfer a fence to a point")?;
        let point = timeline.signalled_point().must("query a timeline")?;
        crate::check!(point == 0 || point == 7, "a timeline with the point 7 is at {point}");
        let exported = timeline.export().must("export a timeline's fence")?;
        binary.reset().must("reset a syncobj")?;
        Ok(Some(exported.into()))
    }

    fn flip(&mut self, device: usize, file: Option<SyncFile>) -> Result<Option<OwnedFd>, Stop> {
        let Some(stage) = self.stages.get(&device) else { return Ok(None) };
        let mut commit = stage.out_fence(stage.flip(stage.back.id()));
        if let Some(file) = file {
            commit = stage.in_fence(commit, &file)?;
        }
        match commit.nonblock().send() {
            Ok(done) => Ok(done.out_fences.into_iter().next().map(OwnedFd::from)),
            Err(refused) => {
                crate::check_eq!(refused.errno, Errno::EBUSY, "the answer to a flip");
                crate::check_eq!(refused.out_word(), -1, "the out-fence of a refused flip");
                Ok(None)
            }
        }
    }

    fn modeset(&mut self, device: usize) -> Result<Option<OwnedFd>, Stop> {
        let Some(stage) = self.stages.get(&device) else { return Ok(None) };
        stage.turn_off()?;
        stage.light()?;
        Ok(None)
    }
}

fn cpu_access(buffer: &DmaBuf, write: bool) -> Result<Option<OwnedFd>, Stop> {
    // Where somebody puts a fence in between, the access waits for it, for as long as fences last here.
    if buffer.ready(access(write), Duration::ZERO)? {
        buffer.begin(access(write)).must("begin an access")?;
        buffer.end(access(write)).must("end an access")?;
    }
    Ok(None)
}
