//! What a record holds of an ioctl's argument and of what its pointers lead to.

use fencelab_abi::ioctl::{Count, Shape};
use fencelab_abi::plan::{Condition, MAX_FOLLOW, Plan, Step};
use fencelab_abi::record::{MAX_SLOTS, payload_len};
use fencelab_abi::section::{Section, TRUNCATED};

use crate::readable::{self, Trust, load};
use crate::ring::Draft;

/// Elements of one array whose own pointers are followed.
const MAX_PARENTS: usize = 16;
/// Elements of an array that are looked at at all.
pub(crate) const MAX_ELEMENTS: usize = 1024;

/// Which pointers to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Those to what is passed in.
    Before,
    /// Those to what came back.
    After,
    /// All.
    Whole,
}

impl Phase {
    #[inline]
    fn wants(self, step: &Step) -> bool {
        match self {
            Self::Before => !step.output,
            Self::After => step.output,
            Self::Whole => true,
        }
    }
}

/// An argument in the program's memory.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Where it is.
    pub address: usize,
    /// Bytes that the caller passes.
    pub size: usize,
    /// How far it can be trusted to be there.
    pub trust: Trust,
    /// Elements that each of its pointers had room for before the call, as the kernel may count further.
    pub room: [u32; MAX_FOLLOW],
}

/// Where the pieces go: counted first, then written.
pub enum Sink<'a> {
    /// Only their length.
    Size(usize),
    /// Into a record.
    Write(&'a mut Draft),
}

impl Sink<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Size(len) => *len,
            Self::Write(draft) => draft.len,
        }
    }

    fn room(&self) -> usize {
        match self {
            Self::Size(len) => payload_len(MAX_SLOTS).saturating_sub(*len),
            Self::Write(draft) => draft.room(),
        }
    }

    fn word(&mut self, word: u64) {
        match self {
            Self::Size(len) => *len += 8,
            Self::Write(draft) => draft.word(word),
        }
    }

    /// Copies bytes of the program's memory, padded to 8.
    ///
    /// # Safety
    ///
    /// They are there.
    #[inline]
    unsafe fn copy(&mut self, address: usize, len: usize) {
        match self {
            Self::Size(total) => *total += len.next_multiple_of(8),
            // SAFETY: as promised.
            Self::Write(draft) => unsafe { draft.copy(address, len) },
        }
    }

    /// Writes a section of memory that is there.
    ///
    /// # Safety
    ///
    /// They are there.
    pub unsafe fn section(&mut self, id: u8, address: usize, len: usize, total: usize) {
        if self.room() < 16 {
            return;
        }
        let fits = len.min(self.room() - Section::SIZE);
        self.word(header(id, 0, fits, total, fits < len));
        // SAFETY: as promised.
        unsafe { self.copy(address, fits) };
    }
}

/// A section's header as a word.
#[inline]
pub(crate) fn header(id: u8, parent: usize, len: usize, total: usize, truncated: bool) -> u64 {
    let flags = if truncated { TRUNCATED } else { 0 };
    let total = total.min(0xffff) as u64;
    u64::from(id) | u64::from(flags) << 8 | (parent as u64) << 16 | (len as u64) << 32 | total << 48
}

impl Argument {
    /// Whether the argument itself may be read.
    pub fn is_there(&self) -> bool {
        self.size > 0 && readable::check(self.address, self.size, self.trust)
    }

    /// Appends the argument's bytes. Only if [`Argument::is_there`].
    #[inline]
    pub fn copy(&self, sink: &mut Sink<'_>) {
        // SAFETY: checked by the caller.
        unsafe { sink.copy(self.address, self.size) };
    }

    /// Appends what its pointers lead to.
    pub fn follow(&self, plan: &Plan, phase: Phase, sink: &mut Sink<'_>) {
        for (index, step) in plan.steps().iter().enumerate() {
            if phase.wants(step) {
                let id = index as u8 + 1;
                self.array(plan, step, id, 0, sink);
            }
        }
    }

    /// Bytes that the sections of [`Argument::follow`] need at most, if that is easily told: if its pointers lead to arrays
    /// that its own fields count.
    #[inline]
    pub fn simple_len(&self, plan: &Plan, phase: Phase) -> Option<usize> {
        let mut len = 0;
        for (index, step) in plan.steps().iter().enumerate() {
            let Shape::Array(stride) = step.shape else { return None };
            if !step.inner().is_empty() || matches!(step.count, Count::SumOf(_)) {
                return None;
            }
            if phase.wants(step) && field(self.address, self.size, step.pointer, 8) != 0 {
                let count = self.count(plan, step).min(self.room[index % MAX_FOLLOW] as usize);
                let bytes = count.min(MAX_ELEMENTS) * usize::from(stride);
                len += Section::SIZE + bytes.next_multiple_of(8);
            }
        }
        Some(len)
    }

    /// Counts, before the call, what the pointers to outputs have room for.
    pub fn measure(&mut self, plan: &Plan) {
        for (room, step) in self.room.iter_mut().zip(plan.steps()) {
            *room = match step.count {
                Count::Field(offset, width) if step.output => {
                    field(self.address, self.size, offset, width) as u32
                }
                _ => u32::MAX,
            };
        }
    }

    fn count(&self, plan: &Plan, step: &Step) -> usize {
        match step.count {
            Count::Fixed(count) => usize::from(count),
            Count::Field(offset, width) => field(self.address, self.size, offset, width) as usize,
            Count::SumOf(id) => {
                plan.steps().get(usize::from(id) - 1).map_or(0, |counts| self.sum(plan, counts))
            }
        }
    }

    /// The sum of an array of u32s.
    fn sum(&self, plan: &Plan, step: &Step) -> usize {
        let count = self.count(plan, step).min(MAX_ELEMENTS);
        let start = field(self.address, self.size, step.pointer, 8) as usize;
        if count == 0 || !readable::check(start, count * 4, self.trust) {
            return 0;
        }
        // SAFETY: checked.
        (0..count).map(|at| unsafe { load(start + at * 4, 4) as usize }).sum()
    }

    fn array(&self, plan: &Plan, step: &Step, id: u8, parent: usize, sink: &mut Sink<'_>) {
        let start = field(self.address, self.size, step.pointer, 8) as usize;
        if start == 0 || !holds(self.address, self.size, &step.only_if) || sink.room() < 16 {
            return;
        }
        let total = self.count(plan, step).min(self.room[(usize::from(id & 0xf) - 1) % MAX_FOLLOW] as usize);
        let mut elements = Elements::new(self, step, start, total);
        let mark = sink.len();
        sink.word(0);
        let whole = elements.copy(sink);
        let len = sink.len() - mark - Section::SIZE;
        if let Sink::Write(draft) = sink {
            draft.patch(mark, header(id, parent, elements.bytes.min(len), total, !whole));
        }
        if !step.inner().is_empty() {
            elements.descend(self, plan, step.inner(), id, sink);
        }
    }
}

/// The elements of an array, wherever they are.
struct Elements {
    shape: Shape,
    start: usize,
    count: usize,
    stride: usize,
    trust: Trust,
    /// Bytes copied, without padding.
    bytes: usize,
}

impl Elements {
    fn new(argument: &Argument, step: &Step, start: usize, total: usize) -> Self {
        let stride = match step.shape {
            Shape::Array(size) | Shape::Pointers(size) | Shape::Chain(_, size) => usize::from(size),
            Shape::Strided(_, at) => field(argument.address, argument.size, at, 4) as usize & 0xfff,
        };
        let count = total.min(MAX_ELEMENTS);
        Self { shape: step.shape, start, count, stride, trust: argument.trust, bytes: 0 }
    }

    /// Bytes of an element that the kernel may read: no more than one has, and than they are apart.
    fn known(&self) -> usize {
        match self.shape {
            Shape::Strided(size, _) => self.stride.min(size.into()),
            _ => self.stride,
        }
    }

    /// Copies as many elements as fit and can be read. False: not all.
    fn copy(&mut self, sink: &mut Sink<'_>) -> bool {
        match self.shape {
            Shape::Array(_) | Shape::Strided(..) => {
                if self.stride == 0 {
                    return false;
                }
                let fits = self.count.min(sink.room() / self.stride);
                let len = fits * self.stride;
                // Of the last element the kernel reads no more than it knows of: what is behind need not be there.
                let read = len - (self.stride - self.known());
                if fits == 0 || !readable::check(self.start, read, self.trust) {
                    self.bytes = 0;
                    let whole = self.count == 0;
                    self.count = 0;
                    return whole;
                }
                self.bytes = len;
                // SAFETY: checked.
                unsafe { sink.copy(self.start, read) };
                (read.next_multiple_of(8)..len).step_by(8).for_each(|_| sink.word(0));
                let whole = fits == self.count;
                self.count = fits;
                whole
            }
            Shape::Pointers(_) | Shape::Chain(..) => {
                let mut at = 0;
                while let Some((address, size)) = self.element(at) {
                    if sink.room() < size {
                        return false;
                    }
                    // SAFETY: `element` has checked it.
                    unsafe { sink.copy(address, size) };
                    self.bytes += size.next_multiple_of(8);
                    at += 1;
                }
                true
            }
        }
    }

    /// Address and size of an element that can be read.
    fn element(&self, index: usize) -> Option<(usize, usize)> {
        let (address, size) = match self.shape {
            Shape::Array(_) | Shape::Strided(..) => {
                return (index < self.count).then(|| (self.start + index * self.stride, self.known()));
            }
            Shape::Pointers(size) => {
                let slot = self.start + index * 8;
                if index >= self.count || !readable::check(slot, 8, self.trust) {
                    return None;
                }
                // SAFETY: checked.
                (unsafe { load(slot, 8) as usize }, usize::from(size))
            }
            Shape::Chain(kind, size) => self.node(index, kind, usize::from(size))?,
        };
        (address != 0 && readable::check(address, size, self.trust)).then_some((address, size))
    }

    /// The list's node of that index: 16 bytes, or what its kind has.
    fn node(&self, index: usize, kind: u32, size: usize) -> Option<(usize, usize)> {
        const NODE: usize = 16;
        const MAX_NODES: usize = 8;
        let mut address = self.start;
        for _ in 0..index.min(MAX_NODES) {
            if address == 0 || !readable::check(address, NODE, self.trust) {
                return None;
            }
            // SAFETY: checked.
            address = unsafe { load(address, 8) as usize };
        }
        if index >= MAX_NODES || address == 0 || !readable::check(address, NODE, self.trust) {
            return None;
        }
        // SAFETY: checked.
        let ours = unsafe { load(address + 8, 4) as u32 } == kind;
        Some((address, if ours { size } else { NODE }))
    }

    /// Follows the pointers in the first elements.
    fn descend(&self, argument: &Argument, plan: &Plan, inner: &[Step], id: u8, sink: &mut Sink<'_>) {
        for index in 0..MAX_PARENTS {
            let Some((address, size)) = self.element(index) else { return };
            let element = Argument { address, size, trust: argument.trust, room: [u32::MAX; MAX_FOLLOW] };
            for (nth, step) in inner.iter().enumerate() {
                let inner_id = id + 0x10 * (nth as u8 + 1);
                element.array(plan, step, inner_id, index + 1, sink);
            }
        }
    }
}

/// A number in an argument; 0 if the caller's is too short to have it.
fn field(address: usize, size: usize, offset: u16, width: u8) -> u64 {
    let (offset, width) = (usize::from(offset), usize::from(width));
    if offset + width > size {
        return 0;
    }
    // SAFETY: the argument was checked by whoever made it.
    unsafe { load(address + offset, width) }
}

fn holds(address: usize, size: usize, bits: &Condition) -> bool {
    bits.mask == 0 || field(address, size, bits.offset, 4) as u32 & bits.mask == bits.value
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use fencelab_abi::record::{COMMIT_OFFSET, PAYLOAD_OFFSET};
    use fencelab_abi::{Driver, FdClass, Request, SLOT_SIZE, plan, table};
    use std::vec::Vec;

    /// A section as a test compares it: id, parent, data as words.
    type Found = (u8, u16, Vec<u32>);

    /// Follows what an ioctl's argument points to, and reads the record back.
    fn follow(name: &str, argument: &[u64]) -> Vec<Found> {
        let ioctl = table::all().find(|ioctl| ioctl.name == name).unwrap();
        let request = Request(u32::from(ioctl.key.0) << 8 | u32::from(ioctl.key.1));
        let (plan, _) = plan::find(request, || FdClass::Drm(ioctl.driver.unwrap_or(Driver::Other))).unwrap();
        let size = usize::from(ioctl.size);
        assert!(size <= size_of_val(argument), "{name} has {size} bytes");
        let argument = Argument {
            address: argument.as_ptr() as usize,
            size,
            trust: Trust::Proven,
            room: [u32::MAX; MAX_FOLLOW],
        };
        let mut need = Sink::Size(0);
        argument.follow(plan, Phase::Whole, &mut need);
        let mut slots = [[0u64; SLOT_SIZE / 8]; MAX_SLOTS];
        let mut draft = Draft::in_memory(&mut slots);
        argument.follow(plan, Phase::Whole, &mut Sink::Write(&mut draft));
        assert_eq!(need.len(), draft.len, "{name}: counted and written");
        let simple = argument.simple_len(plan, Phase::Whole);
        assert!(simple.is_none_or(|simple| simple >= need.len()), "{name}: told easily, {simple:?}");
        let bytes: Vec<u8> = slots.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        let payload = [&bytes[PAYLOAD_OFFSET..COMMIT_OFFSET], &bytes[SLOT_SIZE..]].concat();
        sections(&payload)
    }

    fn sections(payload: &[u8]) -> Vec<Found> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some((section, data, next)) = Section::decode(payload, at) {
            let words = data.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
            found.push((section.id, section.parent, words));
            at = next;
        }
        found
    }

    fn two(low: u32, high: u32) -> u64 {
        u64::from(high) << 32 | u64::from(low)
    }

    #[test]
    fn handles_and_points_of_a_wait() {
        let (handles, points) = ([7u32, 8], [5u64, 6]);
        let argument = [handles.as_ptr() as u64, points.as_ptr() as u64, 0, two(2, 0), 0, 0];
        let expected = [(1, 0, std::vec![7, 8]), (2, 0, std::vec![5, 0, 6, 0])];
        assert_eq!(follow("DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT", &argument), expected);
    }

    #[test]
    fn properties_of_a_commit_are_as_many_as_the_objects_counts_add_up_to() {
        let (objects, counts, properties, values) = ([40u32, 41], [1u32, 2], [1u32, 2, 3], [10u64, 20, 30]);
        let argument = [
            two(0, 2),
            objects.as_ptr() as u64,
            counts.as_ptr() as u64,
            properties.as_ptr() as u64,
            values.as_ptr() as u64,
            0,
            0,
        ];
        let found = follow("DRM_IOCTL_MODE_ATOMIC", &argument);
        assert_eq!(found[2], (3, 0, std::vec![1, 2, 3]));
        assert_eq!(found[3], (4, 0, std::vec![10, 0, 20, 0, 30, 0]));
    }

    #[test]
    fn chunks_of_an_amdgpu_submission_and_their_data() {
        let (first, second) = ([3u32, 4], [9u32]);
        let chunks = [[two(4, 2), first.as_ptr() as u64], [two(5, 1), second.as_ptr() as u64]];
        let pointers = [chunks[0].as_ptr() as u64, chunks[1].as_ptr() as u64];
        let argument = [two(1, 0), two(2, 0), pointers.as_ptr() as u64];
        let found = follow("DRM_IOCTL_AMDGPU_CS", &argument);
        assert_eq!(found[0].2.len(), 8, "two chunks of 16 bytes");
        assert_eq!(found[1..], [(0x11, 1, std::vec![3, 4]), (0x11, 2, std::vec![9])]);
    }

    #[test]
    fn timeline_fences_in_an_i915_extension_list() {
        const USE_EXTENSIONS: u64 = 1 << 21;
        let (fences, values) = ([two(7, 1), two(8, 2)], [100u64, 200]);
        let last: [u64; 7] = [0, two(0, 0), 0, 0, 2, fences.as_ptr() as u64, values.as_ptr() as u64];
        let other: [u64; 4] = [last.as_ptr() as u64, two(99, 0), 0, 0];
        let argument = [0, 0, 0, 0, other.as_ptr() as u64, USE_EXTENSIONS, 0, 0];
        let found = follow("DRM_IOCTL_I915_GEM_EXECBUFFER2_WR", &argument);
        let list = found.iter().find(|section| section.0 == 3).unwrap();
        assert_eq!(list.2.len(), (16 + 56) / 4, "a node of a kind unknown, and a whole one");
        let below: Vec<_> = found.iter().filter(|section| section.1 != 0).cloned().collect();
        let expected = [(0x13, 2, std::vec![7, 1, 8, 2]), (0x23, 2, std::vec![100, 0, 200, 0])];
        assert_eq!(below, expected);
    }

    #[test]
    fn syncs_of_each_panthor_queue() {
        let syncs = [[two(1, 7), 5u64]];
        // struct drm_panthor_queue_submit: 40 bytes, the syncs' stride and count, then where they are.
        let queue: [u64; 5] = [0, 0, 0, two(16, 1), syncs.as_ptr() as u64];
        let argument = [two(3, 0), two(40, 1), queue.as_ptr() as u64];
        let found = follow("DRM_IOCTL_PANTHOR_GROUP_SUBMIT", &argument);
        assert_eq!(found.last(), Some(&(0x11, 1, std::vec![1, 7, 5, 0])));
    }

    #[test]
    fn syncs_of_an_msm_submission_are_read_as_the_kernel_reads_them() {
        const IN: u32 = 0x0800_0000;
        // Three words apart, and the last has two: the third is not there.
        let syncs = [two(7, 0), 5, u64::MAX, two(8, 1), 6];
        let bad = 8u64;
        let submit = |flags| [two(flags, 0), 0, 0, 0, 0, syncs.as_ptr() as u64, bad, two(2, 3), 24];
        let all = std::vec![7, 0, 5, 0, u32::MAX, u32::MAX, 8, 1, 6, 0, 0, 0];
        assert_eq!(follow("DRM_IOCTL_MSM_GEM_SUBMIT", &submit(IN)), [(2, 0, all)]);
        assert_eq!(follow("DRM_IOCTL_MSM_GEM_SUBMIT", &submit(0)), []);
    }

    #[test]
    fn more_than_a_record_holds_is_cut_and_says_so() {
        let handles = [1u32; 3000];
        let argument = [handles.as_ptr() as u64, 0, two(3000, 0), 0, 0];
        let found = follow("DRM_IOCTL_SYNCOBJ_WAIT", &argument);
        let copied = found[0].2.len();
        assert!((500..1000).contains(&copied), "{copied} handles");
    }
}
