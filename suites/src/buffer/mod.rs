//! Buffers that devices share: who owns what, and what the CPU sees of it.

mod dmabuf;
mod exporter;
mod gem;
mod map;

pub use dmabuf::{Access, DmaBuf};
pub use exporter::{Exported, Exporter, Source, sealed_memfd};
pub use gem::{Dumb, Gem};
pub use map::{Map, Pattern};
