//! One display pipeline of a device: a connector with a monitor, a CRTC, its primary plane, a mode.

use std::os::fd::AsFd;
use std::sync::Arc;

use drm::ClientCapability;
use drm::control::{Device as _, Mode, connector, crtc, plane};

use super::output::{Output, outputs};
use super::props::{self, Props};
use super::{Commit, Framebuffer};
use crate::case::{Stop, Tested};
use crate::device::Device;
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::mode::ALLOW_MODESET;

/// A pipeline, opened as master with atomic modesetting, its property ids at hand.
#[derive(Debug)]
pub struct Pipe {
    card: Arc<DrmFile>,
    connector: connector::Handle,
    crtc: crtc::Handle,
    primary: plane::Handle,
    cursor: Option<plane::Handle>,
    mode: Mode,
    mode_blob: u64,
    props: Props,
}

/// What a pipeline's objects hold, for comparing before with after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    connector: Vec<(u32, u64)>,
    crtc: Vec<(u32, u64)>,
    primary: Vec<(u32, u64)>,
}

impl Pipe {
    /// Finds a pipeline on the device, with the smallest of its modes: emulated displays draw by CPU.
    ///
    /// # Errors
    /// Skips devices without atomic modesetting or without a monitor.
    pub fn open(device: &Device) -> Result<Self, Stop> {
        let card = Self::master(device)?;
        let output = outputs(&card, 1)?.into_iter().next();
        let none = || Stop::skip(format!("{} has no connected connector with a mode", card.name()));
        Self::on_output(&card, output.ok_or_else(none)?)
    }

    /// Opens the card for atomic modesetting.
    pub(super) fn master(device: &Device) -> Result<Arc<DrmFile>, Stop> {
        let card = Arc::new(DrmFile::card(device)?);
        card.client_cap(ClientCapability::UniversalPlanes)?;
        card.client_cap(ClientCapability::Atomic)?;
        // Without it the core hides the cursor planes of paravirtual displays; elsewhere it is refused.
        let _ = card.client_cap(ClientCapability::CursorPlaneHotspot);
        Ok(card)
    }

    /// The pipeline of one output.
    pub(super) fn on_output(card: &Arc<DrmFile>, output: Output) -> Result<Self, Stop> {
        let Output { connector, mode, crtc, primary, cursor } = output;
        let primary = primary
            .ok_or_else(|| Stop::skip(format!("{} has no primary plane for its CRTC", card.name())))?;
        let mut props = Props::default();
        props.learn(card, connector)?;
        props.learn(card, crtc)?;
        for plane in cursor.iter().chain([&primary]) {
            props.learn(card, *plane)?;
        }
        let blob = card.create_property_blob(&mode).must("create a blob for the mode")?;
        let card = Arc::clone(card);
        Ok(Pipe { card, connector, crtc, primary, cursor, mode, mode_blob: blob.into(), props })
    }

    /// The open card.
    pub fn card(&self) -> &Arc<DrmFile> {
        &self.card
    }

    /// The connector.
    pub fn connector(&self) -> connector::Handle {
        self.connector
    }

    /// The CRTC.
    pub fn crtc(&self) -> crtc::Handle {
        self.crtc
    }

    /// The primary plane's id.
    pub fn primary(&self) -> u32 {
        self.primary.into()
    }

    /// The cursor plane's id, where there is one.
    pub fn cursor(&self) -> Option<u32> {
        self.cursor.map(u32::from)
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The id of the blob that holds the mode.
    pub fn mode_blob(&self) -> u64 {
        self.mode_blob
    }

    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    /// The id of a property of one of the pipeline's objects; 0 where it has none of that name.
    pub fn property(&self, object: u32, name: &str) -> u32 {
        self.props.id(object, name)
    }

    /// The properties of all its objects: object, property, name.
    pub fn properties(&self) -> Vec<(u32, u32, String)> {
        self.props.all()
    }

    /// A framebuffer that fills the screen.
    ///
    /// # Errors
    /// Fails where the driver makes none.
    pub fn framebuffer(&self) -> Result<Framebuffer, Stop> {
        Framebuffer::dumb(&self.card, self.size())
    }

    /// An empty commit.
    pub fn commit(&self) -> Commit {
        Commit::new(&self.card, 0)
    }

    /// A commit that turns everything on and shows the framebuffer.
    pub fn on(&self, framebuffer: u32) -> Commit {
        let crtc = u32::from(self.crtc);
        let commit = self.commit().flag(ALLOW_MODESET);
        let commit = self.set(commit, self.connector.into(), "CRTC_ID", crtc.into());
        let commit = self.set(commit, crtc, "MODE_ID", self.mode_blob);
        let commit = self.set(commit, crtc, "ACTIVE", 1);
        let (width, height) = self.size();
        self.place(commit, self.primary(), framebuffer, (0, 0), (width, height))
    }

    /// A commit that turns everything off.
    pub fn off(&self) -> Commit {
        let crtc = u32::from(self.crtc);
        let mut commit = self.commit().flag(ALLOW_MODESET);
        commit = self.set(commit, self.connector.into(), "CRTC_ID", 0);
        commit = self.set(commit, crtc, "MODE_ID", 0);
        commit = self.set(commit, crtc, "ACTIVE", 0);
        for plane in [Some(self.primary()), self.cursor()].into_iter().flatten() {
            commit = self.set(commit, plane, "FB_ID", 0);
            commit = self.set(commit, plane, "CRTC_ID", 0);
        }
        commit
    }

    /// A commit that shows another framebuffer on the primary plane.
    pub fn flip(&self, framebuffer: u32) -> Commit {
        self.set(self.commit(), self.primary(), "FB_ID", framebuffer.into())
    }

    /// Adds: `plane` shows the whole of a framebuffer of this size at `at`.
    pub fn place(
        &self,
        commit: Commit,
        plane: u32,
        framebuffer: u32,
        at: (u32, u32),
        size: (u32, u32),
    ) -> Commit {
        let crtc = u32::from(self.crtc);
        let values = [
            ("FB_ID", framebuffer.into()),
            ("CRTC_ID", crtc.into()),
            // The source is in 16.16 fixed point.
            ("SRC_X", 0),
            ("SRC_Y", 0),
            ("SRC_W", u64::from(size.0) << 16),
            ("SRC_H", u64::from(size.1) << 16),
            ("CRTC_X", at.0.into()),
            ("CRTC_Y", at.1.into()),
            ("CRTC_W", size.0.into()),
            ("CRTC_H", size.1.into()),
        ];
        values.into_iter().fold(commit, |commit, (name, value)| self.set(commit, plane, name, value))
    }

    /// Adds one property by name.
    pub fn set(&self, commit: Commit, object: u32, name: &str, value: u64) -> Commit {
        commit.set(object, self.property(object, name), value)
    }

    /// Adds: the primary plane's new framebuffer waits for this fence.
    ///
    /// # Errors
    /// Fails where the fence's fd cannot be duplicated.
    pub fn in_fence(&self, commit: Commit, fence: impl AsFd) -> Result<Commit, Stop> {
        self.in_fence_of(commit, self.primary(), fence)
    }

    /// Adds: the new framebuffer of this plane waits for this fence.
    ///
    /// # Errors
    /// As [`Pipe::in_fence`].
    pub fn in_fence_of(&self, commit: Commit, plane: u32, fence: impl AsFd) -> Result<Commit, Stop> {
        commit.set_fence(plane, self.property(plane, "IN_FENCE_FD"), fence)
    }

    /// Adds: the CRTC gives an out-fence.
    #[must_use]
    pub fn out_fence(&self, commit: Commit) -> Commit {
        let crtc = u32::from(self.crtc);
        commit.want_out_fence(crtc, self.property(crtc, "OUT_FENCE_PTR"))
    }

    /// What the objects hold now, but DPMS: that is no part of a commit's state, and its tail writes it, late where nobody waits
    /// (drm_atomic_helper.c, `drm_atomic_helper_update_legacy_modeset_state()`). May block while a commit is pending.
    ///
    /// # Errors
    /// Fails where the kernel does not tell.
    pub fn state(&self) -> Result<State, Stop> {
        let dpms = self.property(self.connector.into(), "DPMS");
        let mut connector = props::values(&self.card, self.connector)?;
        connector.retain(|(property, _)| *property != dpms);
        Ok(State {
            connector,
            crtc: props::values(&self.card, self.crtc)?,
            primary: props::values(&self.card, self.primary)?,
        })
    }

    /// The id of the framebuffer that the primary plane has.
    ///
    /// # Errors
    /// Fails where the kernel does not tell.
    pub fn shown(&self) -> Result<u32, Stop> {
        let plane = self.card.get_plane(self.primary).must("get the primary plane")?;
        Ok(plane.framebuffer().map_or(0, u32::from))
    }

    /// The value that one of the pipeline's objects has for a property.
    ///
    /// # Errors
    /// Fails where the object has none of that name.
    pub fn value(&self, object: u32, name: &str) -> Result<u64, Stop> {
        let state = self.state()?;
        let id = self.property(object, name);
        let values = match object {
            o if o == u32::from(self.connector) => state.connector,
            o if o == u32::from(self.crtc) => state.crtc,
            _ => state.primary,
        };
        let found = values.into_iter().find(|(property, _)| *property == id);
        found.map(|(_, v)| v).ok_or_else(|| Stop::fail(format!("object {object} has no property {name}")))
    }

    /// Turns everything off and waits until it is.
    ///
    /// # Errors
    /// Fails where the kernel refuses.
    pub fn turn_off(&self) -> Tested {
        self.off().send().must("turn the pipeline off").map(drop)
    }
}
