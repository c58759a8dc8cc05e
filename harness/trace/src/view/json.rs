//! A session for programs: one JSON object a line.
//!
//! The first object describes the session, with its processes and what is missing; then comes one for each call. Times are
//! CLOCK_MONOTONIC in nanoseconds; fields that do not apply are absent.
//!
//! | `type` | fields |
//! | --- | --- |
//! | `session` | `version`, `clock`, `boot_id`, `started` (CLOCK_REALTIME), `first`, `last`, `mode`, `processes`, `losses`, `calls` |
//! | `call` | `at`, `end`, `state`, `pid`, `tid`, `process` (index of `processes`), `name`, `kind`, `ioctl`, `request`, `fd`, `file`, `arguments`, `result`, `error`, `text`, `flags`, `effects` |
//! | `end` | `at` (absent: not known when), `pid`, `tid` (of the thread that called exit), `process`, `name`, `how` (exited, killed, unknown), `status`, `signal`, `core`, `gone`, `text`, `effects` |
//! | `loss` | `what`, `count`, `pid`, `tid`, `after`, `before`, `text` |
//!
//! Within `arguments`, an object behind a handle is `{"handle", "object", "point"}`, an fd `{"fd", "object"}`, flags are
//! `{"bits", "names"}`, a deadline `{"deadline"}`, a timeout `{"timeout"}`, a list that was not recorded whole
//! `{"list", "left_out"}`, a text of which only the beginning was `{"text", "whole"}`. `effects` are as [`crate::model::Effect`] has them, by `do`.

use fencelab_abi::{Kind, flags};
use serde_json::{Map, Value, json};

use super::about::target;
use super::filter::kind_name;
use super::line::{Line, State};
use crate::decode::{self, Field, Names, errno_name};
use crate::model::{Effect, Event, Name, ObjectId, Targets, Until};
use crate::{End, How, Loss, Process, Session};

/// The object that describes a session.
pub fn session_json(session: &Session) -> Value {
    let head = session.head();
    let clock = if session.clock().is_mapped() { "tsc" } else { "monotonic" };
    let processes: Vec<Value> = session
        .processes()
        .iter()
        .map(|process| {
            json!({
                "pid": process.pid,
                "parent": process.parent,
                "exe": process.exe,
                "arguments": process.arguments,
                "entry": process.entry_name(),
                "forked_from": process.forked_from.map(|id| id.0),
                "seen": session.clock().ns(process.seen),
                "unrecorded": process.unrecorded,
                "blind_spots": process.blind_spots().collect::<Vec<_>>(),
                "ended": process.ended().map(|end| how(session, end)),
            })
        })
        .collect();
    json!({
        "type": "session",
        "version": format!("{}.{}", fencelab_abi::VERSION.0, head.minor),
        "clock": clock,
        "boot_id": head.boot_id,
        "started": head.started,
        "first": session.first_ns(),
        "last": session.last_ns(),
        "mode": if head.mode == fencelab_abi::Mode::Flight { "flight" } else { "stop" },
        "processes": processes,
        "losses": session.losses().iter().map(|loss| loss_json(session, loss)).collect::<Vec<_>>(),
        "calls": session.len(),
    })
}

/// How and when a process ended.
fn how(session: &Session, end: &End) -> Value {
    let (how, status, signal, core) = match end.how {
        How::Exited(status) => ("exited", Some(status), None, None),
        How::Killed(signal, core) => ("killed", None, Some(signal), core.then_some(true)),
        How::Exec => ("exec", None, None, None),
        How::Unknown => ("unknown", None, None, None),
    };
    prune(json!({
        "at": end.ticks.map(|ticks| session.clock().ns(ticks)),
        "how": how,
        "status": status,
        "signal": signal,
        "core": core,
        "gone": end.gone,
        "text": end.to_string(),
    }))
}

/// The end of a process.
pub(super) fn end(session: &Session, process: &Process, end: &End, effects: Vec<Value>) -> Value {
    let mut value = how(session, end);
    let more = json!({
        "type": "end",
        "pid": process.pid,
        "tid": end.tid,
        "process": process.id.0,
        "name": process.name(),
        "effects": effects,
    });
    if let (Value::Object(fields), Value::Object(more)) = (&mut value, prune(more)) {
        fields.extend(more);
    }
    value
}

/// Something that is missing.
pub fn loss_json(session: &Session, loss: &Loss) -> Value {
    let thread = loss.thread.and_then(|id| session.thread(id));
    let ns = |ticks: Option<u64>| ticks.map(|ticks| session.clock().ns(ticks));
    prune(json!({
        "type": "loss",
        "what": format!("{:?}", loss.what).to_lowercase(),
        "count": loss.count,
        "pid": thread.map(|thread| thread.pid),
        "tid": thread.map(|thread| thread.tid),
        "after": ns(loss.between.0),
        "before": ns(loss.between.1),
        "text": loss.to_string(),
    }))
}

/// Drops fields that hold nothing.
fn prune(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        other => other,
    }
}

/// A call.
pub(super) fn call(session: &Session, event: &Event<'_>, line: &Line, effects: Vec<Value>) -> Value {
    let call = &event.call;
    let name = |id: ObjectId| event.objects().get(id).map(ToString::to_string);
    let state = match line.state {
        State::Done(_) | State::Resumed(_) => "done",
        State::Unfinished { waits: true, .. } => "waiting",
        State::Unfinished { .. } | State::Begun => "unfinished",
        State::Instant => "instant",
    };
    let error = call.result.filter(|result| *result < 0).map(|result| {
        errno_name(result.saturating_neg()).map_or_else(|| result.unsigned_abs().to_string(), str::to_owned)
    });
    let arguments = event.ioctl.map(|ioctl| structure(&decode::fields(call, ioctl), event));
    prune(json!({
        "type": "call",
        "at": line.at,
        "end": call.exit.map(|exit| session.clock().ns(exit)),
        "state": state,
        "pid": line.pid,
        "tid": line.tid,
        "process": line.process.map(|id| id.0),
        "name": line.name,
        "kind": call.kind.map_or_else(|| call.kind_number.to_string(), |kind| kind_name(kind).to_owned()),
        "ioctl": event.ioctl.map(|ioctl| decode::name_of(ioctl, call.request)),
        "request": (call.kind == Some(Kind::Ioctl)).then_some(call.request.0),
        "fd": (call.fd >= 0).then_some(call.fd),
        "file": event.file().and_then(name),
        "arguments": arguments,
        "timeout": call.timeout_ns(),
        "result": call.result,
        "error": error,
        "text": line.text,
        "flags": call_flags(call.flags),
        "effects": effects,
    }))
}

fn call_flags(bits: u8) -> Option<Vec<&'static str>> {
    let names = [
        (flags::UNREAD, "unread"),
        (flags::FAULT, "injected"),
        (flags::DELAYED, "delayed"),
        (flags::BORROWED, "borrowed"),
        (flags::BY_NUMBER, "by-number"),
        (flags::UNLISTED, "unlisted"),
    ];
    let set: Vec<_> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    (!set.is_empty()).then_some(set)
}

fn structure(fields: &[Field], event: &Event<'_>) -> Value {
    if let [Field { name: "", value: only }] = fields {
        return value(only, event);
    }
    let fields = fields.iter().map(|field| (field.name.to_owned(), value(&field.value, event)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn value(of: &decode::Value, event: &Event<'_>) -> Value {
    use decode::Value as V;
    match of {
        V::Number(number) | V::Address(number) | V::Point(number) => json!(number),
        V::Named(number, name) => json!({ "value": number, "name": name }),
        V::Flags { bits, names, .. } => json!({ "bits": bits, "names": names }),
        V::Deadline(ns) => json!({ "deadline": ns }),
        V::Timeout(ns) => json!({ "timeout": ns }),
        V::Handle { object, handle, point, made } => prune(json!({
            "handle": handle,
            "object": event.names().handle(*object, *handle, *made),
            "point": (*point != 0).then_some(point),
        })),
        V::Fd { fd, made } => prune(json!({ "fd": fd, "object": fd_object(event, *fd, *made) })),
        V::Text(text) => json!(text),
        V::TextStart(text) => json!({ "text": text, "whole": false }),
        V::Bytes(count) => json!({ "bytes": count }),
        V::List(values, 0) => values.iter().map(|of| value(of, event)).collect(),
        V::List(values, left_out) => {
            let list: Value = values.iter().map(|of| value(of, event)).collect();
            json!({ "list": list, "left_out": left_out })
        }
        V::Struct(fields) => structure(fields, event),
    }
}

/// An fd's object without what else is to be known of it.
fn fd_object(event: &Event<'_>, fd: i32, made: bool) -> Option<String> {
    let name = event.names().fd(fd, made)?;
    name.split(' ').next().map(str::to_owned)
}

/// What a step does.
pub(super) fn effects(event: &Event<'_>) -> Vec<Value> {
    event.effects.iter().map(|one| prune(effect(one, event))).collect()
}

fn effect(of: &Effect, event: &Event<'_>) -> Value {
    let id = |id: &ObjectId| event.objects().get(*id).map(ToString::to_string);
    let all = |range: &Targets| event.targets_of(range).iter().map(|t| target(event, t)).collect::<Vec<_>>();
    let on = |verb: &str, object: &ObjectId| json!({ "do": verb, "object": id(object) });
    match of {
        Effect::Met(object) => {
            let opaque = event.objects().get(*object).is_some_and(crate::model::Object::is_opaque);
            json!({ "do": "meet", "object": id(object), "opaque": opaque.then_some(true) })
        }
        Effect::Named(object, name) => named("name", object, name, event),
        Effect::Unnamed(object, name) => named("unname", object, name, event),
        Effect::Used(object) => on("use", object),
        Effect::Ended(object) => on("end", object),
        Effect::Sent(object, socket) => json!({ "do": "send", "object": id(object), "socket": id(socket) }),
        Effect::Received(object, socket) => {
            json!({ "do": "receive", "object": id(object), "socket": id(socket) })
        }
        Effect::Wait { targets, all: every, for_submit, available, until } => json!({
            "do": "wait",
            "for": all(targets),
            "all": every,
            "for_submit": for_submit,
            "available": available,
            "until": match until { Until::At(ns) => Some(ns), _ => None },
            "forever": (*until == Until::Forever).then_some(true),
        }),
        Effect::Woken(result) => json!({ "do": "wake", "result": result }),
        Effect::Signal(targets) => json!({ "do": "signal", "objects": all(targets) }),
        Effect::Reset(targets) => json!({ "do": "reset", "objects": all(targets) }),
        Effect::Submit { queue, fence, waits, signals } => json!({
            "do": "submit",
            "queue": queue.as_ref().and_then(id),
            "fence": id(fence),
            "waits": all(waits),
            "signals": all(signals),
        }),
        Effect::Copy { from, to, adds } => json!({
            "do": "copy", "from": target(event, from), "to": target(event, to), "adds": adds,
        }),
        Effect::Fence { fence, by } => json!({
            "do": "fence", "fence": id(fence), "by": by.as_ref().map(|by| target(event, by)),
        }),
    }
}

fn named(verb: &str, object: &ObjectId, name: &Name, event: &Event<'_>) -> Value {
    let id = |id: &ObjectId| event.objects().get(*id).map(ToString::to_string);
    match name {
        Name::Fd(fd) => json!({ "do": verb, "object": id(object), "fd": fd }),
        Name::Handle(file, handle) => {
            json!({ "do": verb, "object": id(object), "file": id(file), "handle": handle })
        }
    }
}
