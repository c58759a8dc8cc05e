//! What a plane shows: the blob of its property IN_FORMATS (`struct drm_format_modifier_blob` of
//! `include/uapi/drm/drm_mode.h`).

use drm::control::Device as _;

use super::Pipe;
use crate::case::Stop;
use crate::must::Must;

/// The modifiers with which the pipeline's primary plane shows this format, in the kernel's order.
///
/// # Errors
/// Skips where the plane has no IN_FORMATS: the driver knows no modifiers.
pub fn modifiers(pipe: &Pipe, fourcc: u32) -> Result<Vec<u64>, Stop> {
    if pipe.property(pipe.primary(), "IN_FORMATS") == 0 {
        return Err(Stop::skip(format!("{} has no modifiers: no IN_FORMATS", pipe.card().name())));
    }
    let blob = pipe.value(pipe.primary(), "IN_FORMATS")?;
    let bytes = pipe.card().get_property_blob(blob).must("get the blob of IN_FORMATS")?;
    parse(&bytes, fourcc).ok_or_else(|| Stop::fail(format!("IN_FORMATS is cut: {} bytes", bytes.len())))
}

/// As [`modifiers`]; none where the driver knows no modifiers.
///
/// # Errors
/// Fails where IN_FORMATS cannot be read.
pub fn listed(pipe: &Pipe, fourcc: u32) -> Result<Vec<u64>, Stop> {
    match modifiers(pipe, fourcc) {
        Err(Stop::Skip(_)) => Ok(Vec::new()),
        answer => answer,
    }
}

/// The modifiers of one format; none where the blob is shorter than it says.
fn parse(bytes: &[u8], fourcc: u32) -> Option<Vec<u64>> {
    let word = |at: usize| bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes);
    let long = |at: usize| bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes);
    // The header's offsets and counts may be anything.
    let nth = |start: u32, n: u32, size: usize| size.checked_mul(n as usize)?.checked_add(start as usize);
    let [formats, formats_at, modifiers, modifiers_at] = [word(8)?, word(12)?, word(16)?, word(20)?];
    let mut index = None;
    for n in 0..formats {
        if word(nth(formats_at, n, 4)?)? == fourcc {
            index = Some(n);
        }
    }
    let Some(index) = index else { return Some(Vec::new()) };
    let mut found = Vec::new();
    for n in 0..modifiers {
        // `struct drm_format_modifier`: a mask of 64 formats, the first one's index, padding, the modifier.
        let at = nth(modifiers_at, n, 24)?;
        let (mask, first, modifier) = (long(at)?, word(at + 8)?, long(at + 16)?);
        let bit = index.checked_sub(first).filter(|&bit| bit < 64);
        if bit.is_some_and(|bit| mask >> bit & 1 == 1) {
            found.push(modifier);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats A, B and C; modifier 7 for A and C, 9 for B.
    fn blob() -> Vec<u8> {
        let mut bytes = Vec::new();
        [1u32, 0, 3, 24, 2, 40].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        [0xa, 0xb, 0xc, 0].iter().for_each(|word: &u32| bytes.extend(word.to_le_bytes()));
        for (mask, modifier) in [(0b101u64, 7u64), (0b010, 9)] {
            bytes.extend(mask.to_le_bytes());
            bytes.extend([0; 8]);
            bytes.extend(modifier.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn each_format_has_its_modifiers() {
        let of = |fourcc| parse(&blob(), fourcc);
        assert_eq!(of(0xa), Some(vec![7]));
        assert_eq!(of(0xb), Some(vec![9]));
        assert_eq!(of(0xc), Some(vec![7]));
        assert_eq!(of(0xd), Some(vec![]));
    }

    #[test]
    fn a_cut_blob_is_none() {
        let whole = blob();
        assert!((0..whole.len()).filter(|&n| n != 0).all(|n| parse(&whole[..n], 0xa).is_none()));
    }

    #[test]
    fn a_header_that_points_beyond_the_blob_is_none() {
        // How many formats and where, how many modifiers and where.
        for at in [8, 12, 16, 20] {
            for wrong in [u32::MAX, u32::MAX - 3, 1 << 30] {
                let mut bytes = blob();
                bytes[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
                assert_eq!(parse(&bytes, 0xa), None, "{wrong:#x} at {at}");
            }
        }
    }
}
