//! Submissions to the i915 twin, `struct drm_i915_gem_execbuffer2`: most are nearly right.

use super::call::send;
use super::field::{ADDRESSES, Field, STRIDE};
use super::world::World;
use crate::uapi::i915::{
    EXEC_FENCE_ARRAY, EXEC_FENCE_IN, EXEC_FENCE_OUT, EXEC_USE_EXTENSIONS, EXT_TIMELINE_FENCES, OBJECT_48B,
    OBJECT_ASYNC, OBJECT_PINNED, OBJECT_WRITE,
};

/// I915_GEM_EXECBUFFER2_WR's number.
const EXECBUFFER2: u8 = 0x69;

pub(super) fn submit(world: &mut World) {
    let count = 1 + world.random.below(4);
    let objects = objects(world, count);
    let (mut flags, mut cliprects, mut fences) = (world.random.below(5), 0, 0);
    match world.random.below(4) {
        0 => {
            flags |= EXEC_FENCE_ARRAY;
            (cliprects, fences) = (array(world), 1 + world.random.below(3));
        }
        1 => {
            flags |= EXEC_USE_EXTENSIONS;
            cliprects = extension(world);
        }
        _ => {}
    }
    if world.random.below(3) == 0 {
        flags |= EXEC_FENCE_OUT;
    }
    if world.random.below(6) == 0 {
        flags |= EXEC_FENCE_IN;
    }
    if world.random.below(24) == 0 {
        flags ^= 1 << world.random.below(24);
    }
    let length = 32 * world.random.below(6);
    let context = match world.random.below(4) {
        0 => Field::Id.value(world),
        _ => 0,
    };
    let words = [
        objects,
        // buffer_count and batch_start_offset
        match world.random.below(32) {
            0 => Field::Count.value(world) & 0xffff_ffff,
            _ => count,
        },
        // batch_len and DR1
        length,
        // DR4 and num_cliprects
        fences << 32,
        cliprects,
        flags,
        context,
        world.fd(),
    ];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    send(world, EXECBUFFER2, &mut bytes);
}

/// `struct drm_i915_gem_exec_object2`, one after another, most of them at addresses of their own.
fn objects(world: &mut World, count: u64) -> u64 {
    let mut words = Vec::new();
    let first = world.random.below(4);
    for number in 0..count {
        let handle = match world.random.below(16) {
            0 => Field::Handle.value(world),
            _ => 1 + (first + number) % 10,
        };
        let bits = OBJECT_WRITE | OBJECT_PINNED | OBJECT_ASYNC;
        let mut flags = OBJECT_48B | world.random.next() & bits;
        if number + 1 == count {
            // The batch, which may not be written to.
            flags = OBJECT_48B | OBJECT_PINNED;
        }
        let offset = ADDRESSES + number * STRIDE;
        words.extend([handle & 0xffff_ffff, 0, 0, offset, flags, 0, 0]);
    }
    match world.random.below(32) {
        0 => super::field::bad_address(world),
        _ => world.arena.put(&words),
    }
}

/// `struct drm_i915_gem_exec_fence`: sync objects to wait for (1), to signal (2), or both.
fn array(world: &mut World) -> u64 {
    let fence = |world: &mut World| (1 + world.random.below(4)) | (1 + world.random.below(2)) << 32;
    let words: Vec<u64> = (0..4).map(|_| fence(world)).collect();
    world.arena.put(&words)
}

/// `struct drm_i915_gem_execbuffer_ext_timeline_fences`.
fn extension(world: &mut World) -> u64 {
    let (handles, points) = (array(world), world.words());
    let next = match world.random.below(16) {
        0 => super::field::bad_address(world),
        _ => 0,
    };
    let count = world.random.below(4);
    world.arena.put(&[next, u64::from(EXT_TIMELINE_FENCES), 0, 0, count, handles, points])
}
