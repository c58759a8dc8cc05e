//! What a device could show where: its connectors with monitors, each with a CRTC of its own, and the planes of a CRTC.

use drm::control::{Device as _, Mode, ModeFlags, PlaneType, connector, crtc, plane, property};

use super::assign::assign;
use crate::case::Stop;
use crate::must::Must;
use crate::open::DrmFile;

/// A connector with a monitor, one of its modes, a CRTC that can feed it, and that CRTC's planes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) connector: connector::Handle,
    pub(super) mode: Mode,
    pub(super) crtc: crtc::Handle,
    pub(super) primary: Option<plane::Handle>,
    pub(super) cursor: Option<plane::Handle>,
}

/// Up to `wanted` outputs of the device, no two of them on one CRTC or with one plane, each with the smallest of its modes:
/// emulated displays draw by CPU.
pub(super) fn outputs(card: &DrmFile, wanted: usize) -> Result<Vec<Output>, Stop> {
    let pairs = fed(card, wanted)?;
    let crtcs: Vec<crtc::Handle> = pairs.iter().map(|&(_, _, crtc)| crtc).collect();
    let planes = card.plane_handles().must("list the planes")?;
    let primaries = assign(&planes_for(card, &planes, &crtcs, PlaneType::Primary)?);
    let cursors = assign(&planes_for(card, &planes, &crtcs, PlaneType::Cursor)?);
    let all = pairs.into_iter().zip(primaries).zip(cursors);
    Ok(all
        .map(|(((connector, mode, crtc), primary), cursor)| Output { connector, mode, crtc, primary, cursor })
        .collect())
}

/// Up to `wanted` connectors with monitors, each with a mode and a CRTC of its own.
fn fed(card: &DrmFile, wanted: usize) -> Result<Vec<(connector::Handle, Mode, crtc::Handle)>, Stop> {
    let resources = card.resource_handles().must("list the KMS resources")?;
    let (mut lit, mut choices, mut given) = (Vec::new(), Vec::new(), Vec::new());
    for &connector in resources.connectors() {
        if given.iter().flatten().count() == wanted {
            break;
        }
        let info = card.get_connector(connector, true).must("probe a connector")?;
        let (connector::State::Connected, Some(mode)) = (info.state(), smallest(info.modes())) else {
            continue;
        };
        lit.push((connector, mode));
        choices.push(feeders(card, &info)?);
        given = assign(&choices);
    }
    let each = lit.into_iter().zip(given);
    Ok(each.filter_map(|((connector, mode), crtc)| Some((connector, mode, crtc?))).collect())
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

/// For each of the CRTCs, the planes of that kind that can show something on it.
fn planes_for(
    card: &DrmFile,
    planes: &[plane::Handle],
    crtcs: &[crtc::Handle],
    kind: PlaneType,
) -> Result<Vec<Vec<plane::Handle>>, Stop> {
    let resources = card.resource_handles().must("list the KMS resources")?;
    let mut found = vec![Vec::new(); crtcs.len()];
    for &plane in planes {
        if plane_type(card, plane)? != kind as u64 {
            continue;
        }
        let info = card.get_plane(plane).must("get a plane")?;
        let possible = resources.filter_crtcs(info.possible_crtcs());
        for (crtc, found) in crtcs.iter().zip(&mut found) {
            if possible.contains(crtc) {
                found.push(plane);
            }
        }
    }
    Ok(found)
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
