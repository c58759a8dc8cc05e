//! From a trace's events to the world's steps: what the events' effects do not say is read from the calls themselves.

mod commit;

use std::collections::HashMap;

use fencelab_abi::ioctl::{DRM, effect};
use fencelab_abi::{FdClass, Kind};
use fencelab_trace::model::{Effect, Event, Moment, ObjectId, ObjectKind, Target};
use rustc_hash::FxHashMap;

use crate::fence::At;
use crate::world::{Facts, POLL, Step, World};
use commit::Properties;

/// Numbers of DRM's own ioctls (`include/uapi/drm/drm.h`).
mod nr {
    pub(super) const PRIME_HANDLE_TO_FD: u8 = 0x2d;
    pub(super) const PRIME_FD_TO_HANDLE: u8 = 0x2e;
    pub(super) const VGEM_FENCE_ATTACH: u8 = 0x41;
    pub(super) const SETCRTC: u8 = 0xa2;
    pub(super) const GETPROPERTY: u8 = 0xaa;
    pub(super) const ADDFB: u8 = 0xae;
    pub(super) const PAGE_FLIP: u8 = 0xb0;
    pub(super) const GETPLANE: u8 = 0xb6;
    pub(super) const ADDFB2: u8 = 0xb8;
    pub(super) const ATOMIC: u8 = 0xbc;
    pub(super) const SYNCOBJ_CREATE: u8 = 0xbf;
    pub(super) const SYNCOBJ_TRANSFER: u8 = 0xcc;
}

/// How long the kernel waits for a fence to be submitted on behalf of a call that has no deadline
/// (DRM_SYNCOBJ_WAIT_FOR_SUBMIT_TIMEOUT in `drivers/gpu/drm/drm_syncobj.c`).
const SUBMIT_TIMEOUT_NS: u64 = 5_000_000_000;

/// What is remembered between events.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    devices: Vec<String>,
    numbers: HashMap<String, u32>,
    of_file: FxHashMap<ObjectId, u32>,
    properties: Properties,
}

/// Effects and targets that take the place of an event's own.
pub(crate) type Replaced = (Vec<Effect>, Vec<Target>);

impl Feed {
    /// Takes an event of the walk into the world.
    pub fn take(&mut self, world: &mut World, event: &Event<'_>) {
        let mut facts = Facts::default();
        let replaced = self.read(event, &mut facts);
        let (effects, targets) = match &replaced {
            Some((effects, targets)) => (effects.as_slice(), targets.as_slice()),
            None => (event.effects, event.targets),
        };
        let at = At { ticks: event.ticks, call: event.call.id };
        world.apply(&Step { begins: event.moment == Moment::Begin, at, effects, targets, facts: &facts });
    }

    /// Puts into `facts`, which say nothing yet, what there is to know of an event beside its effects; gives the effects that
    /// take their place, where it is known better which fences a commit waits for.
    pub(crate) fn read(&mut self, event: &Event<'_>, facts: &mut Facts) -> Option<Replaced> {
        (facts.name, facts.result) = (name(event), event.call.result);
        self.opaque(event, facts);
        if event.call.kind == Some(Kind::Ioctl) {
            self.ioctl(event, facts);
            vgem(event, facts);
        }
        let fences = facts.in_fences.take();
        fences.map(|fences| commit::with_in_fences(event, fences))
    }

    fn opaque(&self, event: &Event<'_>, facts: &mut Facts) {
        for effect in event.effects {
            if let Effect::Met(id) = effect
                && let Some(object) = event.objects().get(*id)
                && object.is_opaque()
            {
                facts.opaque.push((*id, object.kind));
            }
        }
    }

    fn ioctl(&mut self, event: &Event<'_>, facts: &mut Facts) {
        let (ty, nr) = (event.call.request.ty(), event.call.request.nr());
        let ends = event.moment == Moment::End && event.call.succeeded();
        let blocks = event.ioctl.is_none_or(|ioctl| ioctl.effects & effect::BLOCKS != 0);
        if ty != DRM {
            facts.may_block = blocks;
            return;
        }
        facts.device = self.device(event);
        facts.may_block = blocks;
        match nr {
            nr::PRIME_HANDLE_TO_FD | nr::PRIME_FD_TO_HANDLE if ends => {
                let handle = word(event.call.argument_out(), 0);
                let gem = event.by_handle(ObjectKind::Gem, handle.into());
                facts.exported = gem.map(|gem| (gem, event.buffer_of(gem)));
            }
            nr::SYNCOBJ_CREATE if ends => facts.made_signalled = word(event.call.argument_in(), 4) & 1 != 0,
            // DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT in flags, behind two handles and two points.
            nr::SYNCOBJ_TRANSFER if word(event.call.argument_in(), 24) & 2 != 0 => {
                facts.copies_until = Some(event.entered_ns().saturating_add(SUBMIT_TIMEOUT_NS));
            }
            nr::GETPROPERTY if ends => self.properties.learn(facts.device, event.call.argument_out()),
            nr::GETPLANE if ends => self.properties.plane(facts.device, event.call.argument_out()),
            nr::ADDFB | nr::ADDFB2 if ends => self.properties.framebuffer(event, nr == nr::ADDFB2),
            nr::ATOMIC | nr::PAGE_FLIP | nr::SETCRTC if event.moment == Moment::Begin => {
                self.properties.commit(event, nr, facts);
            }
            _ => {}
        }
    }

    fn device(&mut self, event: &Event<'_>) -> Option<u32> {
        let file = event.file()?;
        if let Some(known) = self.of_file.get(&file) {
            return Some(*known);
        }
        let (path, driver) = event.device()?;
        // A file that came from elsewhere has no path: it is a device of its own.
        let path = if path.is_empty() { format!("file {}", file.0) } else { path.to_owned() };
        if driver.is_empty() && event.moment == Moment::Begin {
            return self.numbers.get(&path).copied();
        }
        let next = self.devices.len() as u32;
        let number = *self.numbers.entry(path.clone()).or_insert(next);
        if number == next {
            self.devices.push(if driver.is_empty() { path } else { driver.to_owned() });
        }
        self.of_file.insert(file, number);
        Some(number)
    }

    /// A device's name: its driver's, or its path.
    pub fn device_name(&self, device: u32) -> &str {
        self.devices.get(device as usize).map_or("?", String::as_str)
    }
}

/// vgem's fences are told by the driver's own ioctl.
fn vgem(event: &Event<'_>, facts: &mut Facts) {
    let vgem = FdClass::Drm(fencelab_abi::Driver::Vgem);
    let attach = event.call.request.ty() == DRM && event.call.request.nr() == nr::VGEM_FENCE_ATTACH;
    let is_vgem = event.ioctl.is_some_and(|ioctl| ioctl.driver.map(FdClass::Drm) == Some(vgem));
    if !attach || event.moment != Moment::Begin || !is_vgem {
        return;
    }
    for effect in event.effects {
        if let (Effect::Fence { fence, by: None }, Some(file)) = (effect, event.file()) {
            facts.vgem.push((*fence, file));
        }
    }
}

fn name(event: &Event<'_>) -> &'static str {
    match (event.ioctl, event.call.kind) {
        (Some(ioctl), _) => ioctl.name,
        (None, Some(Kind::PollEnter | Kind::PollExit)) => POLL,
        (None, Some(kind)) => kind.name(),
        (None, None) => "?",
    }
}

/// The u32 at an offset; 0 where the argument is too short.
fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map_or(0, u32::from_le_bytes)
}
