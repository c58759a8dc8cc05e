//! Sections: the parts of a payload behind an ioctl's argument.

use crate::bytes::u16_at;

/// The argument as it was before the call, of an ioctl that overwrites what was passed in.
pub const ARG_BEFORE: u8 = 0x80;
/// Path, as bytes.
pub const PATH: u8 = 0x81;
/// Driver's name, as DRM_IOCTL_VERSION gives it.
pub const DRIVER: u8 = 0x82;
/// Array of i32 fds.
pub const FDS: u8 = 0x83;
/// Socket address, from sun_path on; an abstract one begins with NUL.
pub const ADDRESS: u8 = 0x84;
/// u32 of flags.
pub const FLAGS: u8 = 0x85;
/// fds that an atomic commit wrote through OUT_FENCE_PTR properties: [`OutFence`](crate::section::OUT_FENCE_SIZE)
/// entries of u32 object, u32 property, i32 fd, u32 zero.
pub const OUT_FENCES: u8 = 0x86;
/// i64 of nanoseconds that a call waits at most; below zero: for ever. Since format 1.2.
pub const TIMEOUT: u8 = 0x87;
/// Size of an entry of [`OUT_FENCES`].
pub const OUT_FENCE_SIZE: usize = 16;

/// The section holds less than there was: the array was longer than what a record can hold.
pub const TRUNCATED: u8 = 1;

/// Header of a section. Its data follows, padded to 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Section {
    /// What it is; 0 ends the sections.
    pub id: u8,
    /// [`TRUNCATED`].
    pub flags: u8,
    /// For what hangs below an element of another section: 1 + the element's index there. Else 0.
    pub parent: u16,
    /// Bytes of data that follow.
    pub len: u16,
    /// Elements that the program passed; 65535 for that many and more.
    pub total: u16,
}

impl Section {
    /// Size of the header.
    pub const SIZE: usize = 8;

    /// Reads a header and its data at `at`; also gives where the next one starts. `None` at the end.
    pub fn decode(payload: &[u8], at: usize) -> Option<(Self, &[u8], usize)> {
        let head = payload.get(at..at.checked_add(Self::SIZE)?)?;
        let section = Self {
            id: head[0],
            flags: head[1],
            parent: u16_at(head, 2)?,
            len: u16_at(head, 4)?,
            total: u16_at(head, 6)?,
        };
        if section.id == 0 {
            return None;
        }
        let start = at + Self::SIZE;
        let data = payload.get(start..start + usize::from(section.len))?;
        Some((section, data, start + usize::from(section.len).next_multiple_of(8)))
    }
}
