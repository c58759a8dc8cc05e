//! What a commit shows, and which fences it is told to wait for: by the names of its properties, which the program asked
//! the kernel for (`DRM_IOCTL_MODE_GETPROPERTY`).

use fencelab_trace::model::{Effect, Event, ObjectId, ObjectKind, Target};
use rustc_hash::FxHashMap;

use super::{nr, word};
use crate::world::Facts;

/// Properties that matter here (`drivers/gpu/drm/drm_mode_config.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Framebuffer,
    InFence,
    Crtc,
    Other,
}

/// What is known of devices' properties and framebuffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    names: FxHashMap<(Option<u32>, u32), Property>,
    /// The GEM objects that a framebuffer consists of.
    framebuffers: FxHashMap<ObjectId, Vec<ObjectId>>,
    /// The CRTC that a plane or connector was put on last, by its number.
    on: FxHashMap<(Option<u32>, u32), u32>,
    crtcs: FxHashMap<Option<u32>, Vec<u32>>,
}

/// One property of one object in an atomic commit.
struct Set {
    /// How-manieth object of the commit.
    object: usize,
    property: u32,
    value: u64,
}

impl Properties {
    /// `struct drm_mode_get_property`: prop_id at 16, name at 24.
    pub(super) fn learn(&mut self, device: Option<u32>, argument: &[u8]) {
        let name = argument.get(24..56).unwrap_or_default();
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        let property = match &name[..end] {
            b"FB_ID" => Property::Framebuffer,
            b"IN_FENCE_FD" => Property::InFence,
            b"CRTC_ID" => Property::Crtc,
            _ => Property::Other,
        };
        self.names.insert((device, word(argument, 16)), property);
    }

    /// `struct drm_mode_fb_cmd2`: fb_id at 0, four handles from 20 on; `struct drm_mode_fb_cmd`: one at 24.
    pub(super) fn framebuffer(&mut self, event: &Event<'_>, second: bool) {
        let argument = event.call.argument_out();
        let handles = if second { 20..36 } else { 24..28 };
        let handles = handles.step_by(4).map(|at| word(argument, at)).filter(|handle| *handle != 0);
        let gems = handles.filter_map(|handle| event.by_handle(ObjectKind::Gem, handle.into())).collect();
        if let Some(id) = event.by_handle(ObjectKind::Framebuffer, word(argument, 0).into()) {
            self.framebuffers.insert(id, gems);
        }
    }

    /// What is known of a commit before it is made.
    pub(super) fn commit(&mut self, event: &Event<'_>, nr: u8, facts: &mut Facts) {
        /// DRM_MODE_ATOMIC_NONBLOCK
        const NONBLOCK: u32 = 0x200;
        let argument = event.call.argument_in();
        match nr {
            nr::PAGE_FLIP => {
                facts.crtc = Some(word(argument, 0));
                self.shows(event, word(argument, 4).into(), facts);
            }
            nr::SETCRTC => {
                facts.blocking = true;
                facts.crtc = Some(word(argument, 12));
                self.is_crtc(facts.device, word(argument, 12));
                self.shows(event, word(argument, 16).into(), facts);
            }
            _ => {
                facts.blocking = word(argument, 0) & NONBLOCK == 0;
                self.atomic(event, facts);
            }
        }
    }

    /// The buffers of a framebuffer, whose writers a commit waits for (`drm_gem_plane_helper_prepare_fb`).
    fn shows(&self, event: &Event<'_>, framebuffer: u64, facts: &mut Facts) {
        let id = event.by_handle(ObjectKind::Framebuffer, framebuffer);
        let gems = id.and_then(|id| self.framebuffers.get(&id)).into_iter().flatten();
        facts.implicit.extend(gems.map(|gem| event.buffer_of(*gem)));
    }

    fn atomic(&mut self, event: &Event<'_>, facts: &mut Facts) {
        let (sets, device) = (sets(event), facts.device);
        facts.crtc = Some(self.crtc(device, event, &sets));
        let kind = |set: &Set| self.names.get(&(device, set.property)).copied();
        let fence = |set: &&Set| kind(set) == Some(Property::InFence) && set.value as i64 >= 0;
        let fenced: Vec<usize> = sets.iter().filter(fence).map(|set| set.object).collect();
        if sets.iter().all(|set| kind(set).is_some()) {
            let fds = sets.iter().filter(fence).map(|set| set.value as i32);
            facts.in_fences =
                Some(fds.map(|fd| event.by_fd(fd).map_or(Target::Unknown, Target::File)).collect());
        }
        // A plane's own in-fence takes the place of those in its buffer.
        for set in sets.iter().filter(|set| kind(set) == Some(Property::Framebuffer)) {
            if !fenced.contains(&set.object) {
                self.shows(event, set.value, facts);
            }
        }
    }

    /// `struct drm_mode_get_plane`: plane_id at 0, crtc_id at 4.
    pub(super) fn plane(&mut self, device: Option<u32>, argument: &[u8]) {
        let crtc = word(argument, 4);
        if crtc != 0 {
            self.on.insert((device, word(argument, 0)), crtc);
            self.is_crtc(device, crtc);
        }
    }

    fn is_crtc(&mut self, device: Option<u32>, id: u32) {
        let known = self.crtcs.entry(device).or_default();
        if id != 0 && !known.contains(&id) {
            known.push(id);
        }
    }

    /// The first CRTC that a commit is to; 0: it is not known.
    fn crtc(&mut self, device: Option<u32>, event: &Event<'_>, sets: &[Set]) -> u32 {
        let objects: Vec<u32> =
            event.call.section(1).unwrap_or_default().chunks_exact(4).map(|id| word(id, 0)).collect();
        for set in sets.iter().filter(|set| set.value != 0) {
            let is_crtc = self.names.get(&(device, set.property)) == Some(&Property::Crtc);
            if let (true, Some(object)) = (is_crtc, objects.get(set.object)) {
                self.on.insert((device, *object), set.value as u32);
                self.is_crtc(device, set.value as u32);
            }
        }
        let known = self.crtcs.get(&device).map_or(&[][..], Vec::as_slice);
        let itself = objects.iter().find(|object| known.contains(object)).copied();
        let on = || objects.iter().find_map(|object| self.on.get(&(device, *object)).copied());
        itself.or_else(on).or((known.len() == 1).then(|| known[0])).unwrap_or(0)
    }
}

/// The properties that an atomic commit sets: its arrays are sections 1 to 4, in the order of `struct drm_mode_atomic`.
fn sets(event: &Event<'_>) -> Vec<Set> {
    let section = |id| event.call.section(id).unwrap_or_default();
    let counts = section(2).chunks_exact(4).map(|bytes| word(bytes, 0) as usize);
    let objects = counts.enumerate().flat_map(|(object, count)| std::iter::repeat_n(object, count.min(MOST)));
    let properties = section(3).chunks_exact(4).map(|bytes| word(bytes, 0));
    let values = section(4).chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(u64::from_le_bytes));
    let all = objects.zip(properties).zip(values);
    all.map(|((object, property), value)| Set { object, property, value }).collect()
}

/// Properties of one object that are looked at.
const MOST: usize = 256;

/// A commit's effects with these in-fences, as the properties' names are known.
pub(super) fn with_in_fences(event: &Event<'_>, fences: Vec<Target>) -> (Vec<Effect>, Vec<Target>) {
    let (mut effects, mut targets) = (event.effects.to_vec(), event.targets.to_vec());
    for effect in &mut effects {
        if let Effect::Submit { waits, .. } = effect {
            let start = targets.len() as u32;
            targets.extend(&fences);
            *waits = start..targets.len() as u32;
        }
    }
    (effects, targets)
}
