//! What a device could show where: its connectors with monitors, each with a CRTC of its own, and the planes of a CRTC.

use drm::control::{Device as _, Mode, ModeFlags, PlaneType, connector, crtc, plane, property};

use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;

/// A connector with a monitor, one of its modes and a CRTC that can feed it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) connector: connector::Handle,
    pub(super) mode: Mode,
    pub(super) crtc: crtc::Handle,
}

/// Up to `wanted` outputs of the device, no two of them on one CRTC, each with the smallest of its modes: emulated displays
/// draw by CPU.
pub(super) fn outputs(card: &DrmFile, wanted: usize) -> Result<Vec<Output>, Stop> {
    let resources = card.resource_handles().must("list the KMS resources")?;
    let mut found: Vec<Output> = Vec::new();
    for &connector in resources.connectors() {
        if found.len() == wanted {
            break;
        }
        let info = card.get_connector(connector, true).must("probe a connector")?;
        let (connector::State::Connected, Some(mode)) = (info.state(), smallest(info.modes())) else {
            continue;
        };
        let free = |crtc: &crtc::Handle| !found.iter().any(|output| output.crtc == *crtc);
        if let Some(crtc) = feeders(card, &info)?.into_iter().find(free) {
            found.push(Output { connector, mode, crtc });
        }
    }
    Ok(found)
}

fn smallest(modes: &[Mode]) -> Option<Mode> {
    let whole = modes.iter().filter(|mode| !mode.flags().contains(ModeFlags::INTERLACE));
    whole.min_by_key(|mode| u32::from(mode.size().0) * u32::from(mode.size().1)).copied()
}

/// The CRTCs that can feed a connector.
fn feeders(card: &DrmFile, connector: &connector::Info) -> Result<Vec<crtc::Handle>, Stop> {
    let resources = card.resource_handles().must("list the KMS resources")?;
    let mut crtcs = Vec::new();
    for &encoder in connector.encoders() {
        let possible = card.get_encoder(encoder).must("get an encoder")?.possible_crtcs();
        crtcs.extend(resources.filter_crtcs(possible));
    }
    Ok(crtcs)
}

/// A plane of that kind for the CRTC.
pub(super) fn find_plane(
    card: &DrmFile,
    planes: &[plane::Handle],
    crtc: crtc::Handle,
    kind: PlaneType,
) -> Result<Option<plane::Handle>, Stop> {
    let resources = card.resource_handles().must("list the KMS resources")?;
    for &plane in planes {
        let info = card.get_plane(plane).must("get a plane")?;
        let here = resources.filter_crtcs(info.possible_crtcs()).contains(&crtc);
        if here && plane_type(card, plane)? == kind as u64 {
            return Ok(Some(plane));
        }
    }
    Ok(None)
}

fn plane_type(card: &DrmFile, plane: plane::Handle) -> Result<property::RawValue, Stop> {
    let set = card.get_properties(plane).must("get a plane's properties")?;
    for (&id, &value) in set.iter() {
        let info = card.get_property(id).must("get a property")?;
        if info.name().to_bytes() == b"type" {
            return Ok(value);
        }
    }
    Err(Stop::fail("a plane has no type"))
}
