//! The least of KMS that a case needs: one pipeline, framebuffers, commits and their events.

mod assign;
mod commit;
mod crc;
mod events;
mod force;
mod formats;
mod framebuffer;
mod output;
mod pair;
mod pipe;
mod planar;
mod props;
mod stage;
mod writeback;

pub use commit::{Commit, Done, POISON, Refused};
pub use crc::Crc;
pub use events::Events;
pub use formats::{listed, modifiers};
pub use framebuffer::{Framebuffer, Layout};
pub use pair::Pair;
pub use pipe::{Pipe, State};
pub use planar::Planar;
pub use props::Props;
pub use stage::Stage;
pub use writeback::Writeback;
