//! The objects behind a call's numbers.

use std::fmt::Write;

use fencelab_abi::Object as HandleKind;

use super::effect::Name;
use super::object::{ObjectId, ObjectKind};
use super::{Event, Moment};
use crate::decode::{Names, Text};

/// Names the objects behind the numbers of a step's call.
pub struct EventNames<'e, 'm>(pub(super) &'e Event<'m>);

impl<'m> Event<'m> {
    /// The names for [`Text`].
    pub fn names(&self) -> EventNames<'_, 'm> {
        EventNames(self)
    }

    /// The call in one line, with names for numbers.
    pub fn text(&self) -> String {
        Text { call: &self.call, ioctl: self.ioctl, names: &self.names() }.to_string()
    }

    /// An object's name, with what is to be known of it: a DRM file's driver.
    pub fn describe(&self, id: ObjectId) -> String {
        let Some(object) = self.state.objects.get(id) else { return String::from("?") };
        let mut text = object.to_string();
        if let Some(file) = self.state.files.get(&id).filter(|file| !file.driver_name.is_empty()) {
            let _ = write!(text, " {}", file.driver_name);
        }
        text
    }

    /// The object that a name of the call means: what it gave up is looked for in its effects.
    fn object(&self, name: Name) -> Option<ObjectId> {
        if let Some(object) = self.state.named_in_effects(name) {
            return Some(object);
        }
        match name {
            Name::Fd(fd) => self.state.fd(self.space, fd),
            Name::Handle(..) => None,
        }
    }
}

impl Names for EventNames<'_, '_> {
    fn handle(&self, object: HandleKind, handle: u64, made: bool) -> Option<String> {
        let event = self.0;
        let (kind, file) = (ObjectKind::of_handle(object)?, event.file?);
        if made && event.moment == Moment::Begin || handle == 0 && kind != ObjectKind::Queue {
            return None;
        }
        let known = match kind {
            ObjectKind::Crtc => event.state.known_crtc(file, handle),
            _ => event.state.files.get(&file).and_then(|file| file.handles.get(&(kind, handle)).copied()),
        };
        let given_up = event.object(Name::Handle(file, handle)).filter(|_| !made);
        let id = given_up.filter(|id| event.state.kind(*id) == Some(kind)).or(known)?;
        Some(event.state.objects.get(id)?.to_string())
    }

    fn fd(&self, fd: i32, made: bool) -> Option<String> {
        let event = self.0;
        if made && event.moment == Moment::Begin {
            return None;
        }
        // What had the number before is among the effects of the call that gave it to something else.
        let id = if made { event.state.fd(event.space, fd) } else { event.object(Name::Fd(fd)) };
        id.map(|id| event.describe(id))
    }

    fn entered(&self) -> Option<u64> {
        Some(self.0.ns)
    }
}
