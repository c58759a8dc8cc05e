//! The chunks of an amdgpu submission (include/uapi/drm/amdgpu_drm.h, struct drm_amdgpu_cs_chunk).

use fencelab_abi::Object;

use super::value::{Field, Value};
use crate::payload::{Payload, number};

/// What a chunk is, by AMDGPU_CHUNK_ID_*: its name, and the bytes of one of its entries.
fn kind(id: u64) -> Option<(&'static str, usize)> {
    Some(match id {
        1 => ("IB", 32),
        2 => ("FENCE", 8),
        3 => ("DEPENDENCIES", 24),
        4 => ("SYNCOBJ_IN", 4),
        5 => ("SYNCOBJ_OUT", 4),
        6 => ("BO_HANDLES", 16),
        7 => ("SCHEDULED_DEPENDENCIES", 24),
        8 => ("SYNCOBJ_TIMELINE_WAIT", 16),
        9 => ("SYNCOBJ_TIMELINE_SIGNAL", 16),
        10 => ("CP_GFX_SHADOW", 32),
        _ => return None,
    })
}

/// The data of the chunk that is element `parent - 1` of section `id`.
pub(crate) fn data<'r>(payload: &Payload<'r>, id: u8, parent: usize) -> &'r [u8] {
    let inner = id.wrapping_add(0x10);
    let mut sections = payload.sections();
    let ours = sections.find(|(section, _)| section.id == inner && usize::from(section.parent) == parent);
    ours.map_or(&[], |(_, data)| data)
}

/// A chunk as a value.
pub(super) fn chunk(payload: &Payload<'_>, id: u8, parent: usize, bytes: &[u8]) -> Value {
    let chunk_id = number(bytes, 0, 4).unwrap_or(0);
    let dwords = number(bytes, 4, 4).unwrap_or(0);
    let data = data(payload, id, parent);
    let Some((name, size)) = kind(chunk_id) else {
        return Value::Struct(vec![
            field("chunk_id", Value::Number(chunk_id)),
            field("length_dw", Value::Number(dwords)),
        ]);
    };
    let mut fields = vec![field("chunk_id", Value::Named(chunk_id, name))];
    let entries: Vec<Value> =
        data.chunks_exact(size).filter_map(|entry| self::entry(chunk_id, entry)).collect();
    let total = dwords * 4 / size as u64;
    let left_out = total.saturating_sub(entries.len() as u64);
    if entries.is_empty() {
        fields.push(field("length_dw", Value::Number(dwords)));
    } else {
        fields.push(field("data", Value::List(entries, left_out)));
    }
    Value::Struct(fields)
}

fn field(name: &'static str, value: Value) -> Field {
    Field { name, value }
}

/// One entry of a chunk that names something.
fn entry(chunk_id: u64, bytes: &[u8]) -> Option<Value> {
    let word = |at| number(bytes, at, 4).unwrap_or(0);
    let long = |at| number(bytes, at, 8).unwrap_or(0);
    let handle = |object, handle, point| Value::Handle { object, handle, point, made: false };
    Some(match chunk_id {
        1 => Value::Struct(vec![
            field("ip_type", Value::Number(word(16))),
            field("ip_instance", Value::Number(word(20))),
            field("ring", Value::Number(word(24))),
            field("ib_bytes", Value::Number(word(12))),
        ]),
        3 | 7 => Value::Struct(vec![
            field("ctx_id", handle(Object::Queue, word(12), 0)),
            field("ring", Value::Number(word(8))),
            field("handle", Value::Number(long(16))),
        ]),
        4 | 5 => handle(Object::Syncobj, word(0), 0),
        8 | 9 => handle(Object::Syncobj, word(0), long(8)),
        _ => return None,
    })
}
