//! What may stand in a field of an argument.

use super::world::World;
use crate::uapi::BAD_ADDRESS;

/// The meaning of a field, so that most values come near to one that works.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// A GEM handle: small numbers, as the kernel gives them.
    Handle,
    /// A context, buffer list or sync object: smaller numbers still.
    Id,
    /// A file descriptor of this process.
    Fd,
    /// One of these.
    One(&'static [u64]),
    /// Any of these bits.
    Bits(u64),
    /// A number of bytes, most often of a few pages.
    Size,
    /// A small number of things.
    Count,
    /// A GPU address.
    Address,
    /// The address of some random words.
    Words,
    /// The address of a few small numbers: handles.
    Handles,
    /// The address of a page of user memory.
    Page,
    /// A number of nanoseconds to wait.
    Time,
    /// A point of a timeline.
    Point,
    /// Nothing: padding.
    Zero,
}

/// Where numbers change their meaning.
const EDGES: [u64; 12] = [
    0,
    1,
    2,
    0xfff,
    0x1000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 47,
    i64::MAX as u64,
    u64::MAX - 0xfff,
    u64::MAX,
];

/// GPU addresses at which programs put their buffers: below 4 GiB, so that they fit 32 bits.
pub(super) const ADDRESSES: u64 = 0x1000_0000;
/// From one to the next.
pub(super) const STRIDE: u64 = 0x1_0000;
/// How many there are.
pub(super) const PLACES: u64 = 12;

impl Field {
    /// A value, most often one that could be right.
    pub(super) fn value(self, world: &mut World) -> u64 {
        if world.random.below(12) == 0 {
            return match world.random.below(3) {
                0 => world.random.next(),
                _ => *world.random.pick(&EDGES),
            };
        }
        let random = &mut world.random;
        match self {
            Field::Handle => 1 + random.below(10),
            Field::Id => 1 + random.below(4),
            Field::Fd => world.fd(),
            Field::One(values) => *random.pick(values),
            Field::Bits(bits) => random.next() & random.next() & bits,
            Field::Size => (1 + random.below(8)) << 12,
            Field::Count => random.below(4),
            Field::Address => ADDRESSES + random.below(PLACES) * STRIDE,
            Field::Words => world.words(),
            Field::Handles => world.handles(),
            Field::Page => world.arena.page(random),
            Field::Time => random.below(2_000_000),
            Field::Point => random.below(4),
            Field::Zero => 0,
        }
    }
}

/// An address that nothing is mapped at, in user space or out of it.
pub(super) fn bad_address(world: &mut World) -> u64 {
    *world.random.pick(&[0, BAD_ADDRESS, 0xffff_8880_0000_0000, u64::MAX])
}
