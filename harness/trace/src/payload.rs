//! The parts of a record's payload.

use fencelab_abi::Section;
use fencelab_abi::section::ARG_BEFORE;

/// A payload: an ioctl's argument, and sections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Payload<'r> {
    /// The argument; empty if there is none.
    pub(crate) argument: &'r [u8],
    sections: &'r [u8],
}

impl<'r> Payload<'r> {
    /// A payload whose first `size` bytes are the argument.
    pub(crate) fn new(bytes: &'r [u8], size: usize) -> Self {
        let argument = bytes.get(..size).unwrap_or(bytes);
        Self { argument, sections: bytes.get(size.next_multiple_of(8)..).unwrap_or_default() }
    }

    /// The same with the argument as it was before the call, where the record holds both.
    pub(crate) fn as_passed_in(self) -> Self {
        let before = self.sections().find(|(section, _)| section.id == ARG_BEFORE);
        Self { argument: before.map_or(self.argument, |(_, data)| data), ..self }
    }

    /// Its sections.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (Section, &'r [u8])> + use<'r> {
        let (bytes, mut at) = (self.sections, 0);
        std::iter::from_fn(move || {
            let (section, data, next) = Section::decode(bytes, at)?;
            at = next;
            Some((section, data))
        })
    }
}

/// A number of up to 8 bytes in an argument or element; `None` if that is too short to have it.
pub(crate) fn number(bytes: &[u8], offset: u16, size: u16) -> Option<u64> {
    let start = usize::from(offset);
    let data = bytes.get(start..start + usize::from(size.min(8)))?;
    // Nearly all are of one of two sizes, and then no bytes need to be moved one by one.
    if let Ok(word) = data.try_into() {
        return Some(u32::from_le_bytes(word).into());
    }
    if let Ok(word) = data.try_into() {
        return Some(u64::from_le_bytes(word));
    }
    let mut word = [0; 8];
    word[..data.len()].copy_from_slice(data);
    Some(u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_and_its_sections() {
        let mut bytes = vec![1, 2, 3, 4, 0, 0, 0, 0];
        bytes.extend([ARG_BEFORE, 0, 0, 0, 4, 0, 4, 0, 9, 8, 7, 6, 0, 0, 0, 0]);
        bytes.extend([5, 0, 0, 0, 2, 0, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
        let payload = Payload::new(&bytes, 4);
        assert_eq!(payload.argument, [1, 2, 3, 4]);
        assert_eq!(payload.as_passed_in().argument, [9, 8, 7, 6]);
        assert_eq!(
            payload.sections().map(|(section, data)| (section.id, data.len())).collect::<Vec<_>>(),
            [(ARG_BEFORE, 4), (5, 2)]
        );
    }

    #[test]
    fn numbers_of_older_callers_are_not_there() {
        assert_eq!(number(&[1, 0, 0, 0], 0, 4), Some(1));
        assert_eq!(number(&[1, 0, 0, 0], 4, 8), None);
    }
}
