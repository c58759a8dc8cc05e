//! What a record holds of an ioctl's argument and of what its pointers lead to.

use fencelab_abi::ioctl::{Bits, Count, Shape};
use fencelab_abi::plan::{MAX_FOLLOW, Plan, Step};
use fencelab_abi::record::{MAX_SLOTS, payload_len};
use fencelab_abi::section::{Section, TRUNCATED};

use crate::readable::{self, Trust, load};
use crate::ring::Draft;

/// Elements of one array whose own pointers are followed.
const MAX_PARENTS: usize = 16;
/// Elements of an array that are looked at at all.
const MAX_ELEMENTS: usize = 1024;

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
            Self::Write(draft) => {
                let mut at = 0;
                while at < len {
                    // SAFETY: below `len`.
                    draft.word(unsafe { load(address + at, (len - at).min(8)) });
                    at += 8;
                }
            }
        }
    }

    /// Writes a section of memory that is there.
    ///
    /// # Safety
    ///
    /// As for [`Sink::copy`].
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
fn header(id: u8, parent: usize, len: usize, total: usize, truncated: bool) -> u64 {
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
            let wanted = match phase {
                Phase::Before => !step.output,
                Phase::After => step.output,
                Phase::Whole => true,
            };
            if wanted {
                let id = index as u8 + 1;
                self.array(plan, step, id, 0, sink);
            }
        }
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

    /// Copies as many elements as fit and can be read. False: not all.
    fn copy(&mut self, sink: &mut Sink<'_>) -> bool {
        match self.shape {
            Shape::Array(_) | Shape::Strided(..) => {
                if self.stride == 0 {
                    return false;
                }
                let fits = self.count.min(sink.room() / self.stride);
                if fits == 0 || !readable::check(self.start, fits * self.stride, self.trust) {
                    self.bytes = 0;
                    let whole = self.count == 0;
                    self.count = 0;
                    return whole;
                }
                self.bytes = fits * self.stride;
                // SAFETY: checked.
                unsafe { sink.copy(self.start, self.bytes) };
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
                return (index < self.count).then(|| (self.start + index * self.stride, self.stride));
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

fn holds(address: usize, size: usize, bits: &Bits) -> bool {
    bits.mask == 0
        || field(address, size, bits.offset, if bits.wide { 8 } else { 4 }) & bits.mask == bits.value
}
