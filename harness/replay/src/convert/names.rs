//! What recorded objects are called in a scenario, and what stands for them.

use std::collections::{BTreeMap, HashMap};

use fencelab_scenario::{Duration, Kind, Name, Names, Object, Target};
use fencelab_trace::CallId;
use fencelab_trace::model::{Model, ObjectId, ObjectKind, Target as Recorded};

use super::Options;
use super::calls::{Did, Taken};

/// Names objects as they are met.
pub(super) struct Naming<'a> {
    model: &'a Model,
    options: &'a Options,
    names: BTreeMap<u32, Name>,
    /// Displays to which several processes commit, with the device: their order can only be kept by the display itself.
    displays: HashMap<u32, String>,
    /// What is declared.
    pub(super) objects: Names<Object>,
}

impl<'a> Naming<'a> {
    pub(super) fn new(model: &'a Model, options: &'a Options, calls: &[Taken]) -> Self {
        let displays = displays(model, calls);
        Naming { model, options, names: BTreeMap::new(), displays, objects: Names::new() }
    }

    /// Whether several processes commit to it.
    pub(super) fn is_display(&self, object: ObjectId) -> bool {
        self.displays.contains_key(&object.0)
    }

    /// What an object is.
    pub(super) fn kind(&self, object: ObjectId) -> Option<ObjectKind> {
        self.model.objects().get(object).map(|object| object.kind)
    }

    /// What a fence is of: a queue, CRTC, timeline or open file.
    pub(super) fn parent(&self, object: ObjectId) -> Option<ObjectId> {
        self.model.objects().get(object)?.parent
    }

    /// Whether its making was not seen.
    pub(super) fn is_opaque(&self, object: ObjectId) -> bool {
        self.model.objects().get(object).is_none_or(fencelab_trace::model::Object::is_opaque)
    }

    /// An object's name, declared when it is asked for first. `None`: nothing in a scenario can stand for it.
    pub(super) fn of(&mut self, id: ObjectId) -> Option<Name> {
        if let Some(name) = self.names.get(&id.0) {
            return Some(name.clone());
        }
        let object = *self.model.objects().get(id)?;
        let (word, declared) = match object.kind {
            _ if self.displays.contains_key(&id.0) => {
                ("display", Object::on(Kind::Crtc, &self.displays[&id.0]))
            }
            ObjectKind::Syncobj => {
                ("syncobj", Object::on(Kind::Syncobj, &self.syncobj_device(object.parent)))
            }
            ObjectKind::SyncFile => ("file", Object::of(Kind::SyncFile)),
            ObjectKind::SwSync => ("timeline", Object::of(Kind::Timeline)),
            ObjectKind::DmaBuf => ("buffer", Object::on(Kind::Buffer, "udmabuf")),
            ObjectKind::Queue => ("queue", Object::on(Kind::Queue, &self.options.jobs_on)),
            ObjectKind::Crtc => ("crtc", Object::on(Kind::Queue, &self.options.jobs_on)),
            ObjectKind::DrmFile => ("device", Object::on(Kind::Queue, &self.options.jobs_on)),
            _ => return None,
        };
        let name: Name = format!("{word}_{}", object.serial).parse().ok()?;
        self.names.insert(id.0, name.clone());
        self.objects.insert(name.clone(), declared);
        Some(name)
    }

    fn syncobj_device(&self, file: Option<ObjectId>) -> String {
        let recorded = || Some(device_name(self.model.device(file?)?.1));
        self.options
            .syncobjs_on
            .clone()
            .or_else(recorded)
            .filter(|name| !name.is_empty())
            .unwrap_or("virtio-gpu".into())
    }

    /// The device of jobs.
    pub(super) fn jobs_device(&self) -> String {
        self.options.jobs_on.clone()
    }

    /// How long the job of a call lasted, if that is known.
    pub(super) fn lasted(&self, call: CallId) -> Option<Duration> {
        self.options.lasted.get(&call).copied()
    }

    /// A new object of which no record speaks.
    pub(super) fn invent(&mut self, name: &str, object: Object) -> Option<Name> {
        let name: Name = name.parse().ok()?;
        self.objects.entry(name.clone()).or_insert(object);
        Some(name)
    }

    /// That a sync object was made with a fence.
    pub(super) fn is_signalled(&mut self, name: &Name) {
        if let Some(object) = self.objects.get_mut(name) {
            object.kind = Kind::SignalledSyncobj;
        }
    }

    /// What a recorded target is.
    pub(super) fn target(&mut self, target: Recorded) -> Option<Target> {
        Some(match target {
            Recorded::Point(object, point) => Target::point(self.of(object)?, point),
            Recorded::File(object) if self.kind(object) == Some(ObjectKind::SyncFile) => {
                Target::of(self.of(object)?)
            }
            Recorded::Buffer(object, _) if self.kind(object) == Some(ObjectKind::DmaBuf) => {
                Target::of(self.of(object)?)
            }
            Recorded::Timeline(object, by) if by > 0 => Target::moved(self.of(object)?, by),
            _ => return None,
        })
    }
}

/// What scenarios call the device of a driver, `virtio-gpu` for `virtio_gpu` and `bochs` for `bochs-drm`.
fn device_name(driver: &str) -> String {
    driver.replace('_', "-").trim_end_matches("-drm").to_owned()
}

/// What several processes commit to, with the driver of its device.
fn displays(model: &Model, calls: &[Taken]) -> HashMap<u32, String> {
    let mut users: HashMap<u32, (Vec<u32>, String)> = HashMap::new();
    for call in calls.iter().filter(|call| call.name.contains("MODE_")) {
        for did in &call.did {
            let Did::Submit { queue, fence, .. } = did else { continue };
            let parent = || model.objects().get(*fence)?.parent;
            let (Some(queue), Some(device)) =
                (queue.or_else(parent), call.file.and_then(|file| model.device(file)))
            else {
                continue;
            };
            let (pids, driver) = users.entry(queue.0).or_default();
            if !pids.contains(&call.pid) {
                pids.push(call.pid);
            }
            *driver = device_name(device.1);
        }
    }
    let shared = users.into_iter().filter(|(_, (pids, driver))| pids.len() > 1 && !driver.is_empty());
    shared.map(|(queue, (_, driver))| (queue, driver)).collect()
}
