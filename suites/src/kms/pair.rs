//! Two pipelines of one device.

use super::force::Forced;
use super::output::outputs;
use super::{Commit, Events, Pipe, Stage};
use crate::case::{Stop, Tested};
use crate::device::Device;
use crate::must::Must;

/// Two stages on two CRTCs of one device, through one open file. Declare fences after it, as after a [`Stage`].
#[derive(Debug)]
pub struct Pair {
    /// The one.
    pub left: Stage,
    /// The other.
    pub right: Stage,
    // Last: the stages turn off while their monitors are still there.
    _monitors: Forced,
}

impl Pair {
    /// Both pipelines, off. A paravirtual display is told that it has the monitors that it lacks.
    ///
    /// # Errors
    /// Skips devices without two CRTCs that can show something at a time.
    pub fn dark(device: &Device) -> Result<Self, Stop> {
        let card = Pipe::master(device)?;
        let monitors = Forced::virtual_monitors(&card)?;
        let found = outputs(&card, 2)?;
        let &[left, right] = found.as_slice() else {
            let count = found.len();
            let what =
                format!("{} has {count} connected monitors with a CRTC each, two are needed", card.name());
            return Err(Stop::skip(what));
        };
        let stage = |output| Stage::of(Pipe::on_output(&card, output)?);
        Ok(Pair { left: stage(left)?, right: stage(right)?, _monitors: monitors })
    }

    /// Both pipelines, each with its front framebuffer.
    ///
    /// # Errors
    /// As [`Pair::dark`], and where they cannot be turned on.
    pub fn lit(device: &Device) -> Result<Self, Stop> {
        let pair = Self::dark(device)?;
        pair.light()?;
        Ok(pair)
    }

    /// Turns both on in one commit.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn light(&self) -> Tested {
        let (left, right) = (self.left.front.id(), self.right.front.id());
        self.left.on(left).and(self.right.on(right)).send().must("turn both pipelines on").map(drop)
    }

    /// A commit that flips both to their back framebuffers.
    pub fn flip(&self) -> Commit {
        self.left.flip(self.left.back.id()).and(self.right.flip(self.right.back.id()))
    }

    /// The events of both.
    pub fn events(&self) -> Events {
        self.left.events()
    }

    /// The framebuffers that both show.
    ///
    /// # Errors
    /// Fails where the kernel does not tell.
    pub fn shown(&self) -> Result<[u32; 2], Stop> {
        Ok([self.left.shown()?, self.right.shown()?])
    }
}
