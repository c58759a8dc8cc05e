//! One ioctl of a table: its number, and what its argument's fields mean.

use super::core;
use super::field::Field;
use super::world::World;

/// The longest argument of the tables, and room behind it for numbers that claim to be longer.
const LONGEST: usize = 512;

/// An ioctl.
#[derive(Debug)]
pub(super) struct Call {
    /// Its number among DRM's: 0x40 and up are the driver's.
    pub(super) number: u8,
    /// Its fields in their order, each with its size in bytes: 4 or 8. What follows them is zero.
    pub(super) fields: &'static [(Field, u8)],
    /// Bytes of the argument; more than the fields have, where the rest may be anything.
    pub(super) size: usize,
}

/// A call whose fields are all of it.
pub(super) const fn call(number: u8, fields: &'static [(Field, u8)]) -> Call {
    let (mut size, mut index) = (0, 0);
    while index < fields.len() {
        size += fields[index].1 as usize;
        index += 1;
    }
    Call { number, fields, size }
}

impl Call {
    /// Makes the call with random values, on a random file.
    pub(super) fn make(&self, world: &mut World) {
        let mut bytes = Vec::with_capacity(self.size);
        for (field, size) in self.fields {
            let value = field.value(world).to_le_bytes();
            bytes.extend_from_slice(&value[..usize::from(*size)]);
        }
        bytes.resize(self.size, 0);
        send(world, self.number, &mut bytes);
    }
}

/// Makes an ioctl with this argument, which then holds the answer; now and then its number tells another size than the
/// argument has. Whether it was taken.
pub(super) fn send(world: &mut World, number: u8, bytes: &mut Vec<u8>) -> bool {
    let told = match world.random.below(24) {
        0 => world.random.below(LONGEST as u64) as usize,
        _ => bytes.len(),
    };
    bytes.resize(LONGEST, 0);
    if let Some(at) = core::count_at(number) {
        bytes[at + 2..at + 4].fill(0);
    }
    let request = nix::request_code_readwrite!(b'd', number, told);
    let file = world.file();
    // SAFETY: the kernel reads and writes at most the 511 bytes that a number can tell, which `bytes` has; every address in
    // them is of the arena, or one that nothing of this process lies at.
    let answer = unsafe { libc::ioctl(file, request, bytes.as_mut_ptr()) };
    world.count(answer >= 0);
    answer >= 0
}

/// Makes an ioctl whose argument is these words; the answer, if it was taken.
pub(super) fn send_words(world: &mut World, number: u8, words: &[u64]) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    send(world, number, &mut bytes).then_some(bytes)
}

/// Makes an ioctl of which nothing makes sense.
pub(super) fn nonsense(world: &mut World) {
    let number = world.random.below(256) as u8;
    let mut bytes: Vec<u8> = Vec::new();
    for _ in 0..world.random.below(12) {
        // Small numbers: as an address, none is that of this process's own memory.
        bytes.extend((world.random.below(1 << 16) | world.random.below(16) << 32).to_le_bytes());
    }
    send(world, number, &mut bytes);
}
