//! A writeback connector: what a CRTC shows, written into a framebuffer ("DOC: Writeback" in
//! `drivers/gpu/drm/drm_writeback.c`).

use drm::ClientCapability;
use drm::control::{Device as _, connector};

use super::props::Props;
use super::{Commit, Pipe};
use crate::case::Stop;
use crate::must::Must;

/// A pipeline's writeback connector, its property ids at hand. It takes the monitor's place: a driver need not feed both at a
/// time (`drm_atomic_check_valid_clones()`), and vkms of 6.12 does not. On drop the CRTC is turned off.
#[derive(Debug)]
pub struct Writeback {
    connector: connector::Handle,
    props: Props,
    off: Option<Commit>,
}

impl Writeback {
    /// The first one that the pipeline's CRTC can feed.
    ///
    /// # Errors
    /// Skips devices without one.
    pub fn of(pipe: &Pipe) -> Result<Self, Stop> {
        let card = pipe.card();
        card.client_cap(ClientCapability::WritebackConnectors)?;
        let resources = card.resource_handles().must("list the KMS resources")?;
        for &handle in resources.connectors() {
            let info = card.get_connector(handle, false).must("get a connector")?;
            if info.interface() != connector::Interface::Writeback {
                continue;
            }
            for &encoder in info.encoders() {
                let possible = card.get_encoder(encoder).must("get an encoder")?.possible_crtcs();
                if resources.filter_crtcs(possible).contains(&pipe.crtc()) {
                    let mut props = Props::default();
                    props.learn(card, handle)?;
                    return Ok(Self::on(pipe, handle, props));
                }
            }
        }
        Err(Stop::skip(format!("{} has no writeback connector", card.name())))
    }

    fn on(pipe: &Pipe, connector: connector::Handle, props: Props) -> Self {
        let mut writeback = Writeback { connector, props, off: None };
        writeback.off = Some(writeback.set(pipe.off(), "CRTC_ID", 0));
        writeback
    }

    /// The connector's id.
    pub fn id(&self) -> u32 {
        self.connector.into()
    }

    /// Adds one of its properties by name.
    pub fn set(&self, commit: Commit, name: &str, value: u64) -> Commit {
        commit.set(self.id(), self.props.id(self.id(), name), value)
    }

    /// Adds: the CRTC feeds this connector instead of the monitor.
    pub fn attach(&self, pipe: &Pipe, commit: Commit) -> Commit {
        let commit = pipe.set(commit, pipe.connector().into(), "CRTC_ID", 0);
        self.set(commit, "CRTC_ID", u32::from(pipe.crtc()).into())
    }

    /// Adds: what the CRTC shows is written into this framebuffer.
    pub fn job(&self, pipe: &Pipe, commit: Commit, framebuffer: u32) -> Commit {
        self.set(self.attach(pipe, commit), "WRITEBACK_FB_ID", framebuffer.into())
    }

    /// Adds: the write gives an out-fence.
    #[must_use]
    pub fn out_fence(&self, commit: Commit) -> Commit {
        commit.want_out_fence(self.id(), self.props.id(self.id(), "WRITEBACK_OUT_FENCE_PTR"))
    }
}

impl Drop for Writeback {
    fn drop(&mut self) {
        if let Some(off) = self.off.take() {
            let _ = off.send();
        }
    }
}
