//! The things that calls name.

use std::fmt;

use fencelab_abi::{FdClass, Object as HandleKind};

use super::bits::Bits;
use crate::id::CallId;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What an object is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind { $($(#[$doc])* $name,)* }

        impl ObjectKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, as in `syncobj:7`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// One open of a DRM or accel device, with its handles.
    DrmFile = "drm-file";
    /// A dma-buf.
    DmaBuf = "dma-buf";
    /// A sync_file.
    SyncFile = "sync-file";
    /// A DRM sync object.
    Syncobj = "syncobj";
    /// A GEM object, as one open file sees it.
    Gem = "gem";
    /// A fence that a call made: of a submission, a commit, sw_sync or vgem.
    Fence = "fence";
    /// A sw_sync timeline.
    SwSync = "sw-sync";
    /// What orders submissions: a context, a channel, a submit queue.
    Queue = "queue";
    /// A CRTC, which orders commits.
    Crtc = "crtc";
    /// A GPU address space.
    Vm = "vm";
    /// A list of buffers.
    BoList = "bo-list";
    /// A framebuffer.
    Framebuffer = "framebuffer";
    /// A property blob.
    Blob = "blob";
    /// An eventfd that a sync object signals.
    Eventfd = "eventfd";
    /// A socket.
    Socket = "socket";
    /// A pidfd.
    Pidfd = "pidfd";
    /// A dma-heap.
    Heap = "dma-heap";
    /// /dev/udmabuf.
    Udmabuf = "udmabuf";
}

impl ObjectKind {
    /// What is behind an fd of that class; `None`: not known.
    pub fn of_class(class: FdClass) -> Option<Self> {
        Some(match class {
            FdClass::Unknown | FdClass::Foreign => return None,
            FdClass::SyncFile => Self::SyncFile,
            FdClass::DmaBuf => Self::DmaBuf,
            FdClass::Syncobj => Self::Syncobj,
            FdClass::Eventfd => Self::Eventfd,
            FdClass::SwSync => Self::SwSync,
            FdClass::Heap => Self::Heap,
            FdClass::Udmabuf => Self::Udmabuf,
            FdClass::Socket => Self::Socket,
            FdClass::Pidfd => Self::Pidfd,
            FdClass::Drm(_) => Self::DrmFile,
        })
    }

    /// What is behind a handle; `None`: what the kernel makes and ends by itself, or no object.
    pub fn of_handle(object: HandleKind) -> Option<Self> {
        Some(match object {
            HandleKind::Syncobj => Self::Syncobj,
            HandleKind::Gem => Self::Gem,
            HandleKind::Framebuffer => Self::Framebuffer,
            HandleKind::Blob => Self::Blob,
            HandleKind::Queue => Self::Queue,
            HandleKind::Vm => Self::Vm,
            HandleKind::BoList => Self::BoList,
            HandleKind::VgemFence => Self::Fence,
            HandleKind::Crtc => Self::Crtc,
            HandleKind::Plane
            | HandleKind::Connector
            | HandleKind::ModeObject
            | HandleKind::Property
            | HandleKind::Seqno => return None,
        })
    }
}

/// An object: its index in the model's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// How an object came into the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A recorded call made it.
    Made,
    /// It is the kernel's own, there from the start: CRTCs, default contexts.
    Kernel,
    /// A program had it when it was first seen, from outside of the trace.
    Inherited,
    /// A call used it, and where it came from was not seen.
    Unseen,
}

/// An object.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// The how-manieth of its kind, from 1 on.
    pub serial: u32,
    /// How it came into the trace.
    pub origin: Origin,
    /// Whether its last known name is gone.
    pub ended: bool,
    /// The call that showed it first.
    pub first: CallId,
    /// The open file whose handle it is or was first; of a fence the queue, CRTC or timeline that it is of.
    pub parent: Option<ObjectId>,
    /// Whether calls of more than one thread named it by a handle.
    pub shared: bool,
    /// fds, handles and messages in flight that name it.
    pub(super) refs: u32,
}

impl Object {
    /// Whether its past is not known: no verdict that rests on it is proven.
    pub fn is_opaque(&self) -> bool {
        matches!(self.origin, Origin::Inherited | Origin::Unseen)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.serial)
    }
}

/// All objects of a session, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub(super) list: Vec<Object>,
    pub(super) serials: [u32; ObjectKind::ALL.len()],
    pub(super) shares_fences: bool,
    /// Which of them have ended and are shared, once more: marks copy these, and look at those only that have not ended.
    pub(super) ended: Bits,
    pub(super) shared: Bits,
}

impl Objects {
    pub(super) fn add(
        &mut self,
        kind: ObjectKind,
        origin: Origin,
        first: CallId,
        parent: Option<ObjectId>,
    ) -> ObjectId {
        let id = ObjectId(self.list.len() as u32);
        let serial = &mut self.serials[kind as usize];
        *serial += 1;
        self.list.push(Object {
            kind,
            serial: *serial,
            origin,
            ended: false,
            first,
            parent,
            shared: false,
            refs: 0,
        });
        id
    }

    /// An object.
    pub fn get(&self, id: ObjectId) -> Option<&Object> {
        self.list.get(id.0 as usize)
    }

    /// One more name leads to an object.
    pub(super) fn hold(&mut self, id: ObjectId) {
        let Some(object) = self.list.get_mut(id.0 as usize) else { return };
        object.refs = object.refs.saturating_add(1);
        if std::mem::take(&mut object.ended) {
            self.ended.set(id.0 as usize, false);
        }
    }

    /// One name less leads to an object; whether it was the last.
    pub(super) fn release(&mut self, id: ObjectId) -> bool {
        let Some(object) = self.list.get_mut(id.0 as usize) else { return false };
        object.refs = object.refs.saturating_sub(1);
        if object.refs > 0 || object.ended {
            return false;
        }
        object.ended = true;
        self.ended.set(id.0 as usize, true);
        true
    }

    /// An object is named by a call.
    pub(super) fn touch(&mut self, id: ObjectId, call: CallId) {
        let Some(object) = self.list.get_mut(id.0 as usize) else { return };
        if object.first.thread != call.thread && !object.shared {
            object.shared = true;
            self.shared.set(id.0 as usize, true);
            let kinds = [ObjectKind::Syncobj, ObjectKind::Queue, ObjectKind::Crtc];
            self.shares_fences |= kinds.contains(&object.kind);
        }
    }

    /// Whether a sync object, a queue or a CRTC was named by calls of more than one thread.
    pub fn shares_fences(&self) -> bool {
        self.shares_fences
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.list.iter().enumerate().map(|(index, object)| (ObjectId(index as u32), object))
    }

    /// The kind and serial that a name such as `syncobj:7` means. `None`: no name of an object.
    pub fn parse(name: &str) -> Option<(ObjectKind, u32)> {
        let (kind, serial) = name.split_once(':')?;
        let kind = ObjectKind::ALL.iter().find(|known| known.name() == kind)?;
        Some((*kind, serial.parse().ok().filter(|serial| *serial > 0)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert_eq!(Objects::parse("dma-buf:3"), Some((ObjectKind::DmaBuf, 3)));
        for name in ["dma-buf", "dma-buf:0", "dma-buf:x", "what:1", ""] {
            assert_eq!(Objects::parse(name), None, "{name}");
        }
    }

    #[test]
    fn every_kind_counts_for_itself() {
        let mut objects = Objects::default();
        let first = CallId { thread: crate::ThreadId(0), index: 0 };
        let add = |objects: &mut Objects, kind| objects.add(kind, Origin::Made, first, None);
        let ids = [ObjectKind::Gem, ObjectKind::Syncobj, ObjectKind::Gem].map(|kind| add(&mut objects, kind));
        let names = ids.map(|id| objects.get(id).unwrap().to_string());
        assert_eq!(names, ["gem:1", "syncobj:1", "gem:2"]);
    }
}
