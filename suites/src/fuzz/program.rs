//! Which call comes next.

use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::field::{ADDRESSES, PLACES, STRIDE};
use super::world::World;
use super::{call, core, submit_amdgpu, submit_i915, table};
use crate::child::Child;
use crate::random::Random;
use crate::uapi::twin::{self, Op};

/// Buffers that a furnished file has.
const BUFFERS: u64 = 8;

const PAGE: usize = 4096;

/// Gives every file contexts, buffers at addresses, and sync objects, so that calls have something to go wrong with.
pub(super) fn begin(world: &mut World) {
    world.each(furnish);
}

/// One step: most often a call of the table, now and then something that is none.
pub(super) fn step(world: &mut World) {
    world.turn();
    let amdgpu = world.is_amdgpu();
    match world.random.below(64) {
        0..=19 => pick(world, if amdgpu { table::AMDGPU } else { table::I915 }),
        20..=31 => pick(world, core::CORE),
        32..=47 if amdgpu => submit_amdgpu::submit(world),
        32..=47 => submit_i915::submit(world),
        48..=55 => write_commands(world),
        56 | 57 => world.close(),
        58 => world.arena.disturb(&mut world.random),
        59 => call::nonsense(world),
        60 => furnish(world),
        _ => seldom(world),
    }
}

fn seldom(world: &mut World) {
    match world.random.below(16) {
        0 => {
            world.reopen();
            furnish(world);
        }
        1 => world.command(),
        // Pages that a job writes to, shared with another process for a moment.
        2 => drop(Child::spawn(|_| Ok(())).map(Child::join)),
        _ => pick(world, core::CORE),
    }
}

/// The kernel gives the lowest numbers that are free, so that what is made here has those that later calls name.
fn furnish(world: &mut World) {
    let amdgpu = world.is_amdgpu();
    for _ in 0..2 {
        // CTX or GEM_CONTEXT_CREATE; SYNCOBJ_CREATE, signalled
        let (number, words): (u8, &[u64]) = if amdgpu { (0x42, &[1, 0]) } else { (0x6d, &[0]) };
        call::send_words(world, number, words);
        call::send_words(world, 0xbf, &[1 << 32]);
    }
    for place in 0..BUFFERS {
        // GEM_CREATE
        let (number, words): (u8, &[u64]) =
            if amdgpu { (0x40, &[0x4000, 0, 2, 0]) } else { (0x5b, &[0x4000, 0]) };
        call::send_words(world, number, words);
        if amdgpu {
            // GEM_VA: map, readable and writable
            let address = ADDRESSES + place * STRIDE;
            call::send_words(world, 0x48, &[place + 1, 1 | 0xe << 32, address, 0, 0x4000]);
        }
    }
}

fn pick(world: &mut World, calls: &'static [call::Call]) {
    let index = world.random.below(calls.len() as u64) as usize;
    calls[index].make(world);
}

/// Maps a buffer, and writes commands into it.
fn write_commands(world: &mut World) {
    let handle = 1 + world.random.below(BUFFERS);
    // GEM_MMAP answers in its first word, GEM_MMAP_OFFSET (write-back) in its second.
    let (number, words, at): (u8, &[u64], usize) =
        if world.is_amdgpu() { (0x41, &[handle], 0) } else { (0x64, &[handle, 0, 2, 0], 8) };
    let answer = call::send_words(world, number, words);
    let offset = answer.and_then(|bytes| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)));
    let Some(offset) = offset else { return };
    let random = &mut world.random;
    let words: Vec<u8> = (0..1 + random.below(6)).flat_map(|_| op_bytes(random)).collect();
    let size = NonZeroUsize::MIN.saturating_add(PAGE - 1);
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    let file = world.file();
    // SAFETY: the number need not be an open descriptor: then the call fails.
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    // SAFETY: a new map at an address of the kernel's choice touches no other memory.
    let map = unsafe { mmap(None, size, access, MapFlags::MAP_SHARED, file, offset as libc::off_t) };
    world.count(map.is_ok());
    let Ok(map) = map else { return };
    copy(&words, map.as_ptr().cast());
    // SAFETY: the map was made above and nothing refers to it.
    let _ = unsafe { munmap(map, PAGE) };
}

/// Has the kernel copy the bytes, so that a page which cannot be had is an error and no signal.
fn copy(bytes: &[u8], to: *mut libc::c_void) {
    let Ok((reader, writer)) = nix::unistd::pipe() else { return };
    if nix::unistd::write(&writer, bytes).is_ok() {
        // SAFETY: `to` is a map of a page, and the bytes are fewer; if it cannot be written to, the call fails.
        unsafe { libc::read(reader.as_raw_fd(), to, bytes.len()) };
    }
}

/// One command of a job, most often one that can be executed.
fn op_bytes(random: &mut Random) -> [u8; 32] {
    let address = |random: &mut Random| ADDRESSES + random.below(PLACES) * STRIDE + (random.below(512) << 3);
    let op = match random.below(64) {
        0 => Op { op: twin::HANG, ..Op::default() },
        1 => Op {
            op: random.next() as u32,
            pad: 0,
            len: random.next(),
            dst: random.next(),
            src: random.next(),
        },
        2..=7 => Op { op: twin::DELAY, src: random.below(5_000_000), ..Op::default() },
        8..=11 => Op::default(),
        _ => Op {
            op: 1 + random.below(3) as u32,
            pad: 0,
            len: random.below(1024) << 3,
            dst: address(random),
            src: address(random),
        },
    };
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(op.words()) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
