//! Submissions to the amdgpu twin, `struct drm_amdgpu_cs`: most are nearly right.

use super::call::send;
use super::field::{ADDRESSES, Field, PLACES, STRIDE};
use super::world::World;
use crate::uapi::amdgpu::{
    CHUNK_BO_HANDLES, CHUNK_DEPENDENCIES, CHUNK_IB, CHUNK_SYNCOBJ_IN, CHUNK_SYNCOBJ_OUT,
    CHUNK_TIMELINE_SIGNAL, CHUNK_TIMELINE_WAIT,
};

/// AMDGPU_CS's number.
const CS: u8 = 0x44;

/// `AMDGPU_CHUNK_ID_FENCE` and `_SCHEDULED_DEPENDENCIES` of amdgpu_drm.h, which no other suite uses.
const CHUNK_FENCE: u32 = 0x02;
const CHUNK_SCHEDULED: u32 = 0x07;

/// A chunk: its kind, and its data as words.
type Chunk = (u32, Vec<u64>);

pub(super) fn submit(world: &mut World) {
    let mut chunks = vec![ib(world)];
    for _ in 0..world.random.below(4).saturating_sub(1) {
        chunks.push(other(world));
    }
    if world.random.below(2) == 0 {
        chunks.push(handles(world));
    }
    let mut pointers = Vec::new();
    for chunk in &chunks {
        pointers.push(put(world, chunk));
    }
    let array = world.arena.put(&pointers);
    let (context, list) = (Field::Id.value(world), world.random.below(8).saturating_sub(5));
    let count = match world.random.below(24) {
        0 => Field::Count.value(world),
        _ => pointers.len() as u64,
    };
    let mut bytes: Vec<u8> = Vec::new();
    for word in [context & 0xffff_ffff | list << 32, count & 0xffff_ffff, array] {
        bytes.extend(word.to_le_bytes());
    }
    send(world, CS, &mut bytes);
}

/// `struct drm_amdgpu_cs_chunk`, at the address that this gives.
fn put(world: &mut World, (id, data): &Chunk) -> u64 {
    let at = match world.random.below(48) {
        0 => super::field::bad_address(world),
        _ => world.arena.put(data),
    };
    let length = match world.random.below(32) {
        0 => world.random.next() & 0xffff_ffff,
        _ => data.len() as u64 * 2,
    };
    world.arena.put(&[u64::from(*id) | length << 32, at])
}

/// Commands at one of the addresses: `struct drm_amdgpu_cs_chunk_ib`.
fn ib(world: &mut World) -> Chunk {
    let address = ADDRESSES + world.random.below(PLACES) * STRIDE;
    let (size, kind) = (32 * (1 + world.random.below(6)), world.random.below(3));
    let instance = world.random.below(32) / 31;
    // The first kind of engine has one ring.
    let ring = if kind == 0 { world.random.below(32) / 31 } else { world.random.below(2) };
    (CHUNK_IB, vec![0, address, size | kind << 32, instance | ring << 32])
}

/// The buffers: `struct drm_amdgpu_bo_list_in`, entries behind it.
fn handles(world: &mut World) -> Chunk {
    let (entries, count) = (world.handles(), 1 + world.random.below(3));
    (CHUNK_BO_HANDLES, vec![0, count | 8 << 32, entries])
}

fn other(world: &mut World) -> Chunk {
    let id = |world: &mut World| Field::Id.value(world) & 0xffff_ffff;
    match world.random.below(8) {
        // struct drm_amdgpu_cs_chunk_dep: ring, context, number
        0 => (CHUNK_DEPENDENCIES, vec![0, id(world) << 32, world.random.below(4)]),
        1 => (CHUNK_SCHEDULED, vec![0, id(world) << 32, world.random.below(4)]),
        2 => (CHUNK_SYNCOBJ_IN, vec![id(world) | id(world) << 32]),
        3 | 4 => (CHUNK_SYNCOBJ_OUT, vec![id(world) | id(world) << 32]),
        // struct drm_amdgpu_cs_chunk_syncobj: handle, flags, point
        5 => (CHUNK_TIMELINE_WAIT, vec![id(world), world.random.below(4)]),
        6 => (CHUNK_TIMELINE_SIGNAL, vec![id(world), world.random.below(6)]),
        // struct drm_amdgpu_cs_chunk_fence: handle, offset
        _ => (CHUNK_FENCE, vec![Field::Handle.value(world) & 0xffff_ffff | world.random.below(600) << 35]),
    }
}
