//! What objects there are: `syncobj on virtio-gpu`, `timeline`, `buffer on udmabuf`.

use std::fmt;
use std::str::FromStr;

use super::duration::word;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A DRM sync object.
    Syncobj,
    /// The same, made with a fence that has signalled (DRM_SYNCOBJ_CREATE_SIGNALED).
    SignalledSyncobj,
    /// A sw_sync timeline.
    Timeline,
    /// A sync_file.
    SyncFile,
    /// A dma-buf of one page: of udmabuf, a heap, or a dumb buffer of a DRM device.
    Buffer,
    /// A fence that vgem put into a buffer of its own.
    VgemFence,
    /// What does jobs one after the other: a thread (`software`), or a GPU.
    Queue,
    /// A display pipeline, lit with a framebuffer of its own.
    Crtc,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Syncobj,
        Kind::SignalledSyncobj,
        Kind::Timeline,
        Kind::SyncFile,
        Kind::Buffer,
        Kind::VgemFence,
        Kind::Queue,
        Kind::Crtc,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Syncobj => "syncobj",
            Kind::SignalledSyncobj => "signalled syncobj",
            Kind::Timeline => "timeline",
            Kind::SyncFile => "sync_file",
            Kind::Buffer => "buffer",
            Kind::VgemFence => "vgem fence",
            Kind::Queue => "queue",
            Kind::Crtc => "crtc",
        }
    }

    /// Whether it is a sync object.
    pub fn is_syncobj(self) -> bool {
        matches!(self, Kind::Syncobj | Kind::SignalledSyncobj)
    }

    fn has_device(self) -> bool {
        !matches!(self, Kind::Timeline | Kind::SyncFile | Kind::VgemFence)
    }

    /// Whether a `create` makes it, and not another operation.
    pub fn is_created(self) -> bool {
        !matches!(self, Kind::SyncFile | Kind::VgemFence)
    }
}

/// An object's declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// The device that it is on; empty for what is on none.
    pub device: String,
}

impl Object {
    /// One that is on a device.
    pub fn on(kind: Kind, device: &str) -> Self {
        Object { kind, device: device.into() }
    }

    /// One that is on none.
    pub fn of(kind: Kind) -> Self {
        Object { kind, device: String::new() }
    }
}

impl Object {
    /// Whether it is a queue in software, which is a thread of the process that has it.
    pub fn is_a_thread(&self) -> bool {
        self.kind == Kind::Queue && self.device == "software"
    }
}

impl FromStr for Object {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, device) = text.split_once(" on ").unwrap_or((text, ""));
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) else {
            let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            return Err(format!("unknown sort of object `{word}`, expected one of {}", words.join(", ")));
        };
        if kind.has_device() == device.is_empty() {
            let need = if kind.has_device() { "needs a device, as in `" } else { "is on no device: `" };
            let example = if kind.has_device() { format!("{word} on vgem") } else { word.into() };
            return Err(format!("a {word} {need}{example}`"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if !device.chars().all(fits) {
            return Err(format!("`{device}` is no device's name, such as vgem, udmabuf or heap-system"));
        }
        if kind == Kind::Queue && !["software", "i915", "i915-twin"].contains(&device) {
            return Err(format!("there are no queues on `{device}`, only on software, i915 and i915-twin"));
        }
        Ok(Object { kind, device: device.into() })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        if self.device.is_empty() { Ok(()) } else { write!(f, " on {}", self.device) }
    }
}

word! { Object }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_written_as_they_are_read() {
        for text in [
            "syncobj on virtio-gpu",
            "signalled syncobj on vgem",
            "timeline",
            "vgem fence",
            "queue on software",
        ] {
            assert_eq!(text.parse::<Object>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("syncobj", "needs a device"),
            ("timeline on vgem", "is on no device"),
            ("mutex", "unknown sort of object `mutex`"),
            ("queue on vgem", "no queues on `vgem`"),
            ("buffer on /dev/x", "no device's name"),
        ] {
            let error = text.parse::<Object>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
