//! What a pointer of an argument led to: the elements of one section.

use fencelab_abi::Section;
use fencelab_abi::ioctl::{Count, Follow, Shape};

use crate::payload::{Payload, number};

/// The recorded elements of an array.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'r> {
    data: &'r [u8],
    shape: Shape,
    stride: usize,
    /// Elements that the program passed; 65535 for that many and more where no field says how many.
    pub(crate) total: u64,
}

/// The elements that pointer `follow` of an argument or element led to. `id` is the section's; `parent` is 0, or 1 + the
/// index of the element that the pointer is in; `holder` are the bytes that it is in. `None`: none were recorded.
pub(crate) fn elements<'r>(
    payload: &Payload<'r>,
    follow: &Follow,
    id: u8,
    parent: usize,
    holder: &[u8],
) -> Option<Elements<'r>> {
    let ours = |section: &Section| section.id == id && usize::from(section.parent) == parent;
    let (section, data) = payload.sections().find(|(section, _)| ours(section))?;
    let stride = match follow.shape {
        Shape::Array(size) => usize::from(size),
        Shape::Pointers(size) => usize::from(size).next_multiple_of(8),
        // The recorder takes no more of a stride than this.
        Shape::Strided(_, at) => number(holder, at, 4).unwrap_or(0) as usize & 0xfff,
        Shape::Chain(..) => NODE,
    };
    Some(Elements { data, shape: follow.shape, stride, total: total(&section, follow, holder) })
}

/// How many elements the program passed. A section counts to 65535 only, and stays there.
fn total(section: &Section, follow: &Follow, holder: &[u8]) -> u64 {
    let counted = u64::from(section.total);
    match follow.count {
        Count::Field(at, size) if section.total == u16::MAX => {
            number(holder, at, u16::from(size)).map_or(counted, |passed| passed.max(counted))
        }
        _ => counted,
    }
}

/// Bytes of a list's node of another kind.
const NODE: usize = 16;

impl<'r> Elements<'r> {
    /// Elements that were not recorded.
    pub(crate) fn left_out(&self, shown: usize) -> u64 {
        match self.shape {
            // How long a list is, nobody counted.
            Shape::Chain(..) => 0,
            _ => self.total.saturating_sub(shown as u64),
        }
    }

    /// Whether a list's node is of the kind that has more than its head; elements of arrays always are.
    pub(crate) fn is_whole(&self, element: &[u8]) -> bool {
        !matches!(self.shape, Shape::Chain(..)) || element.len() > NODE
    }

    fn size_of_next(&self) -> Option<usize> {
        match self.shape {
            Shape::Chain(kind, size) => {
                let ours = number(self.data, 8, 4)? == u64::from(kind);
                Some(if ours { usize::from(size) } else { NODE })
            }
            _ => (self.stride > 0).then_some(self.stride),
        }
    }
}

impl<'r> Iterator for Elements<'r> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        let size = self.size_of_next()?;
        let element = self.data.get(..size)?;
        self.data = self
            .data
            .get(size.next_multiple_of(if self.stride.is_multiple_of(8) { 8 } else { 1 })..)
            .unwrap_or_default();
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ioctls;
    use fencelab_abi::{Driver, FdClass, Request};

    fn section(id: u8, parent: u16, total: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![id, 0];
        bytes.extend(parent.to_le_bytes());
        bytes.extend((data.len() as u16).to_le_bytes());
        bytes.extend(total.to_le_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    #[test]
    fn handles_and_how_many_are_missing() {
        let wait = ioctls::find(Request(0xc028_64c3), FdClass::Unknown).unwrap();
        let bytes = section(1, 0, 5, &[7, 0, 0, 0, 8, 0, 0, 0]);
        let found = elements(&Payload::new(&bytes, 0), &wait.ioctl.follow[0], 1, 0, &[]).unwrap();
        assert_eq!(found.clone().map(|element| element[0]).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(found.left_out(2), 3);
    }

    #[test]
    fn a_list_has_nodes_of_two_sizes() {
        let exec = ioctls::find(Request(0xc040_6469), FdClass::Drm(Driver::I915)).unwrap();
        let mut data = vec![0; NODE];
        data[8] = 9;
        data.extend(vec![0; 56]);
        let bytes = section(3, 0, 1, &data);
        let found = elements(&Payload::new(&bytes, 0), &exec.ioctl.follow[2], 3, 0, &[]).unwrap();
        assert_eq!(found.map(<[u8]>::len).collect::<Vec<_>>(), [16, 56]);
    }
}
