//! Framebuffers of several planes, with modifiers.

use std::sync::Arc;

use drm::control::{Device as _, framebuffer};

use crate::open::DrmFile;
use crate::uapi::fb2::{self, FbCmd2};

/// A framebuffer that was described plane by plane, removed on drop. It keeps no buffer.
#[derive(Debug)]
pub struct Planar {
    card: Arc<DrmFile>,
    id: u32,
}

impl Planar {
    /// Adds it.
    ///
    /// # Errors
    /// The errno with which the kernel refuses.
    pub fn add(card: &Arc<DrmFile>, command: &FbCmd2) -> nix::Result<Self> {
        let id = fb2::add(card.as_ref(), command)?;
        Ok(Planar { card: Arc::clone(card), id })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Planar {
    fn drop(&mut self) {
        if let Some(handle) = drm::control::from_u32::<framebuffer::Handle>(self.id) {
            let _ = self.card.destroy_framebuffer(handle);
        }
    }
}
