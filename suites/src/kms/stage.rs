//! A pipeline with two framebuffers, dark again when the case is over.

use std::ops::Deref;

use super::{Events, Framebuffer, Pipe};
use crate::case::{Stop, Tested};
use crate::device::Device;
use crate::must::Must;

/// What most atomic cases play on. On drop it turns the pipeline off and waits for that, so that nothing of one
/// case is left for the next one, and a commit's worker runs while its case does. Declare fences after it: they
/// are dropped, and with it signalled, before it.
#[derive(Debug)]
pub struct Stage {
    /// The framebuffer that a lit stage shows.
    pub front: Framebuffer,
    /// The framebuffer to flip to.
    pub back: Framebuffer,
    pipe: Pipe,
}

impl Stage {
    /// A pipeline that is off.
    ///
    /// # Errors
    /// Skips devices without atomic modesetting or a monitor, fails where the framebuffers cannot be made.
    pub fn dark(device: &Device) -> Result<Self, Stop> {
        Self::of(Pipe::open(device)?)
    }

    /// The pipeline, turned off.
    pub(super) fn of(pipe: Pipe) -> Result<Self, Stop> {
        pipe.turn_off()?;
        Ok(Stage { front: pipe.framebuffer()?, back: pipe.framebuffer()?, pipe })
    }

    /// A pipeline that shows the front framebuffer.
    ///
    /// # Errors
    /// As [`Stage::dark`], and where it cannot be turned on.
    pub fn lit(device: &Device) -> Result<Self, Stop> {
        let stage = Self::dark(device)?;
        stage.light()?;
        Ok(stage)
    }

    /// Turns it on, with the front framebuffer.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub fn light(&self) -> Tested {
        self.on(self.front.id()).send().must("turn the pipeline on").map(drop)
    }

    /// The card's events.
    pub fn events(&self) -> Events {
        Events::of(self.card())
    }
}

impl Deref for Stage {
    type Target = Pipe;

    fn deref(&self) -> &Pipe {
        &self.pipe
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A second try for a signal or a busy pipeline; closing the file does the rest.
        let _ = self.pipe.off().send().or_else(|_| self.pipe.off().send());
    }
}
