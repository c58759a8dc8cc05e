//! Without libgbm: the allocator's words, none of which can be said.

use std::convert::Infallible;
use std::sync::Arc;

use super::layout::Layout;
use crate::buffer::DmaBuf;
use crate::case::Stop;
use crate::open::DrmFile;

/// No allocator.
pub(super) struct Allocator(Infallible);

/// No buffer of it.
pub(super) struct Made(Infallible);

impl Allocator {
    pub(super) fn open(_card: &Arc<DrmFile>) -> Result<Self, Stop> {
        Err(Stop::skip(super::LEFT_OUT))
    }

    pub(super) fn backend(&self) -> &str {
        match self.0 {}
    }

    pub(super) fn with_modifier(&self, _fourcc: u32, _size: (u32, u32), _modifier: u64) -> nix::Result<Made> {
        match self.0 {}
    }

    pub(super) fn scanout(&self, _fourcc: u32, _size: (u32, u32)) -> nix::Result<Made> {
        match self.0 {}
    }

    pub(super) fn rendering(&self, _fourcc: u32, _size: (u32, u32)) -> nix::Result<Made> {
        match self.0 {}
    }

    pub(super) fn linear(&self, _fourcc: u32, _size: (u32, u32)) -> nix::Result<Made> {
        match self.0 {}
    }

    pub(super) fn take_back(&self, _layout: &Layout, _planes: &[DmaBuf]) -> nix::Result<Made> {
        match self.0 {}
    }
}

impl Made {
    pub(super) fn layout(&self) -> Layout {
        match self.0 {}
    }

    pub(super) fn handles(&self) -> Vec<u32> {
        match self.0 {}
    }

    pub(super) fn export(&self) -> Result<Vec<DmaBuf>, Stop> {
        match self.0 {}
    }

    pub(super) fn fill(&mut self, _row: impl Fn(u32) -> u8) -> nix::Result<()> {
        match self.0 {}
    }
}
