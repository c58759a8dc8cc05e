//! An ioctl's argument as named values.

use fencelab_abi::ioctl::{Follow, Role};
use fencelab_abi::{Ioctl, Object, ioctl};

use super::amdgpu;
use super::array::elements;
use super::flags;
use super::value::{Field, Value};
use crate::Call;
use crate::model::until::are_so;
use crate::payload::{Payload, number};

/// The fields of an ioctl's argument. What the call would have made is left out if it failed or has not returned, and so
/// are padding that holds 0, fields that an older caller does not pass, pointers to what is shown in their place, and
/// counts that it shows.
pub fn fields(call: &Call<'_>, ioctl: &Ioctl) -> Vec<Field> {
    let mut fields = Vec::new();
    for field in ioctl.fields {
        let bytes = if is_output(field) { call.after.argument } else { call.before.argument };
        if is_output(field) && !call.succeeded() || is_noise(call, ioctl, field) {
            continue;
        }
        match follow_of(ioctl, field) {
            Some(listed) => fields.extend(followed(call, ioctl, listed, field)),
            None => fields.extend(one(field, bytes, ioctl).filter(|shown| !is_empty_padding(shown))),
        }
    }
    fold_points(&mut fields);
    zip_points(&mut fields);
    fields
}

/// Whether a field tells what came back.
fn is_output(field: &ioctl::Field) -> bool {
    let made =
        matches!(field.role, Role::Makes(_) | Role::MakesFd(_) | Role::MakesSyncobjFd | Role::MakesSyncobj);
    made || field.name.starts_with("out.") || matches!(field.name, "first_signaled" | "sequence_ns")
}

/// Fields that say nothing: counts and sizes of what is shown, unused members of unions.
fn is_noise(call: &Call<'_>, ioctl: &Ioctl, field: &ioctl::Field) -> bool {
    let counts = ioctl.follow.iter().any(|follow| match follow.count {
        ioctl::Count::Field(offset, _) => offset == field.offset && field.role == Role::Count,
        _ => false,
    });
    let has_array = |follow: &Follow| shown(call, ioctl, follow);
    counts && ioctl.follow.iter().any(has_array)
        || field.role == Role::Pointer && number(call.before.argument, field.offset, field.size) == Some(0)
}

fn is_empty_padding(field: &Field) -> bool {
    let last = field.name.rsplit('.').next().unwrap_or_default();
    let padding =
        ["pad", "_pad", "pad2", "__pad", "reserved", "rsvd", "mbz"].iter().any(|name| last.starts_with(name));
    padding && matches!(field.value, Value::Number(0) | Value::Bytes(_))
}

/// The pointers that lie at a field. i915's execbuffer has two at one place, of which flags choose.
fn follow_of<'i>(ioctl: &'i Ioctl, field: &ioctl::Field) -> Option<&'i [Follow]> {
    let first = ioctl.follow.iter().position(|follow| follow.pointer == field.offset && field.size == 8)?;
    let count = ioctl.follow[first..].iter().take_while(|follow| follow.pointer == field.offset).count();
    ioctl.follow.get(first..first + count)
}

fn section_id(ioctl: &Ioctl, follow: &Follow) -> u8 {
    let index = ioctl.follow.iter().position(|other| std::ptr::eq(other, follow)).unwrap_or(0);
    index as u8 + 1
}

/// Where the elements of a pointer are recorded: outputs with what came back.
fn payload_of<'r>(call: &Call<'r>, follow: &Follow) -> Payload<'r> {
    if follow.output { call.after } else { call.before }
}

fn shown(call: &Call<'_>, ioctl: &Ioctl, follow: &Follow) -> bool {
    let id = section_id(ioctl, follow);
    elements(&payload_of(call, follow), follow, id, 0, call.before.argument).is_some()
}

fn followed(call: &Call<'_>, ioctl: &Ioctl, follows: &[Follow], field: &ioctl::Field) -> Option<Field> {
    for follow in follows {
        let id = section_id(ioctl, follow);
        let payload = payload_of(call, follow);
        if let Some(value) = list(&payload, ioctl, follow, id, 0, call.before.argument) {
            return Some(Field { name: field.name, value });
        }
    }
    one(field, call.before.argument, ioctl)
}

fn list(
    payload: &Payload<'_>,
    ioctl: &Ioctl,
    follow: &Follow,
    id: u8,
    parent: usize,
    holder: &[u8],
) -> Option<Value> {
    let found = elements(payload, follow, id, parent, holder)?;
    if let [ioctl::Field { name: "", role: Role::Text, .. }] = follow.element {
        return Some(Value::Text(text(&found.flatten().copied().collect::<Vec<_>>())));
    }
    let whole = found.clone();
    let mut values = Vec::new();
    for (index, bytes) in found.enumerate() {
        values.push(element(payload, ioctl, follow, id, index + 1, bytes, whole.is_whole(bytes)));
    }
    let left_out = whole.left_out(values.len());
    Some(Value::List(values, left_out))
}

fn element(
    payload: &Payload<'_>,
    ioctl: &Ioctl,
    follow: &Follow,
    id: u8,
    parent: usize,
    bytes: &[u8],
    is_whole: bool,
) -> Value {
    if follow.name == "in.chunks" {
        return amdgpu::chunk(payload, id, parent, bytes);
    }
    let mut fields = Vec::new();
    let known = if is_whole { follow.element } else { follow.element.get(..2).unwrap_or_default() };
    for field in known {
        let nth = follow.inner.iter().position(|inner| inner.pointer == field.offset && field.size == 8);
        let inner = nth.and_then(|nth| {
            let inner = follow.inner.get(nth)?;
            list(payload, ioctl, inner, id.wrapping_add(0x10 * (nth as u8 + 1)), parent, bytes)
        });
        match inner {
            Some(value) => fields.push(Field { name: field.name, value }),
            None => fields.extend(one(field, bytes, ioctl).filter(|shown| !is_empty_padding(shown))),
        }
    }
    fold_points(&mut fields);
    zip_points(&mut fields);
    match <[Field; 1]>::try_from(fields) {
        Ok([Field { name: "", value }]) => value,
        Ok(fields) => Value::Struct(fields.into()),
        Err(fields) => Value::Struct(fields),
    }
}

/// One field's value; `None` if the caller's argument is too short to have it.
fn one(field: &ioctl::Field, bytes: &[u8], ioctl: &Ioctl) -> Option<Field> {
    let start = usize::from(field.offset);
    let name = field.name;
    if field.role == Role::Text && name.is_empty() {
        return (!bytes.is_empty()).then(|| Field { name, value: argument_text(bytes) });
    }
    let data = bytes.get(start..start + usize::from(field.size))?;
    if field.role == Role::Text {
        return Some(Field { name, value: Value::Text(text(data)) });
    }
    if field.size > 8 {
        return Some(Field { name, value: words(field, data) });
    }
    let number = number(bytes, field.offset, field.size)?;
    if let Role::TimeoutOrDeadline(bits) = field.role {
        let is_deadline = number as i64 >= 0 && are_so(bits, bytes)?;
        let role = if is_deadline { Role::Deadline } else { Role::Timeout };
        return Some(Field { name, value: value(&ioctl::Field { role, ..*field }, number, ioctl) });
    }
    Some(Field { name, value: value(field, number, ioctl) })
}

fn value(field: &ioctl::Field, number: u64, ioctl: &Ioctl) -> Value {
    let handle = |object, made| Value::Handle { object, handle: number, point: 0, made };
    match field.role {
        Role::Plain | Role::Count | Role::DeadlineSeconds => flags::constant(ioctl.name, field.name, number)
            .map_or(Value::Number(number), |name| Value::Named(number, name)),
        Role::Flags => flags::flags(ioctl.name, field.name, field.size, number),
        Role::Pointer => Value::Address(number),
        Role::Point => Value::Point(number),
        Role::OpenDeadline if (number as i64) < 0 => Value::Timeout(number as i64),
        Role::Deadline | Role::OpenDeadline => Value::Deadline(number as i64),
        Role::Timeout | Role::TimeoutOrDeadline(_) => Value::Timeout(number as i64),
        Role::Uses(object) | Role::Ends(object) => handle(object, false),
        Role::Makes(object) => handle(object, true),
        Role::MakesSyncobj => handle(Object::Syncobj, true),
        Role::UsesFd(_) => Value::Fd { fd: number as i32, made: false },
        Role::MakesFd(_) | Role::MakesSyncobjFd => Value::Fd { fd: number as i32, made: true },
        Role::Text => Value::Bytes(usize::from(field.size)),
    }
}

/// An array in place: of u32s where they can be, else so many bytes.
fn words(field: &ioctl::Field, data: &[u8]) -> Value {
    if field.role != Role::Plain || !data.len().is_multiple_of(4) || data.len() > 64 {
        return Value::Bytes(data.len());
    }
    if data.iter().all(|&byte| byte == 0) && field.name.contains("res") {
        return Value::Bytes(data.len());
    }
    let words = data.chunks_exact(4).map(|word| Value::Number(number(word, 0, 4).unwrap_or(0)));
    Value::List(words.collect(), 0)
}

/// An argument that is a text, of which the request's size says how much was recorded.
fn argument_text(bytes: &[u8]) -> Value {
    if bytes.contains(&0) { Value::Text(text(bytes)) } else { Value::TextStart(text(bytes)) }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Puts a point to the sync object that it is on.
fn fold_points(fields: &mut Vec<Field>) {
    const PAIRS: [(&str, &str); 4] = [
        ("src_handle", "src_point"),
        ("dst_handle", "dst_point"),
        ("handle", "point"),
        ("handle", "timeline_value"),
    ];
    for (handle_name, point_name) in PAIRS {
        let find = |fields: &[Field], name: &str| fields.iter().position(|field| field.name == name);
        let (Some(at), Some(point_at)) = (find(fields, handle_name), find(fields, point_name)) else {
            continue;
        };
        let Value::Point(of) = fields[point_at].value else { continue };
        if let Value::Handle { object: Object::Syncobj, point, .. } = &mut fields[at].value {
            *point = of;
            fields.remove(point_at);
        }
    }
}

/// Puts the points of one list to the sync objects of another.
fn zip_points(fields: &mut Vec<Field>) {
    const PAIRS: [(&str, &str); 2] = [("handles", "points"), ("handles_ptr", "values_ptr")];
    for (handles_name, points_name) in PAIRS {
        let Some(at) = fields.iter().position(|field| field.name == handles_name) else { continue };
        let Some(points_at) = fields.iter().position(|field| field.name == points_name) else { continue };
        let Value::List(points, _) = fields[points_at].value.clone() else { continue };
        let Value::List(handles, _) = &mut fields[at].value else { continue };
        if handles.len() != points.len() {
            continue;
        }
        for (handle, point) in handles.iter_mut().zip(points) {
            set_point(handle, &point);
        }
        fields.remove(points_at);
    }
}

fn set_point(handle: &mut Value, of: &Value) {
    match (handle, of) {
        (Value::Handle { point, .. }, Value::Point(of)) => *point = *of,
        (Value::Struct(fields), of) => {
            let handle = fields.iter_mut().find(|field| matches!(field.value, Value::Handle { .. }));
            if let Some(field) = handle {
                set_point(&mut field.value, of);
            }
        }
        _ => {}
    }
}
