//! Reading numbers out of bytes that somebody else wrote, so maybe cut short.

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Text in a field of fixed size: up to its first NUL, as bytes.
pub(crate) fn text_at(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(len);
    field.get(..end)
}
