//! What a step does to one object, in words.

use crate::model::{Effect, Event, Name, ObjectId, Origin, Target, Targets, Until};

use super::filter::target_object;

/// What a step does to objects of those, a phrase each.
pub(super) fn about(event: &Event<'_>, ours: &dyn Fn(ObjectId) -> bool) -> Vec<String> {
    let mut phrases = Vec::new();
    for effect in event.effects {
        phrases.extend(phrase(effect, event, ours));
    }
    phrases.dedup();
    phrases
}

fn phrase(effect: &Effect, event: &Event<'_>, ours: &dyn Fn(ObjectId) -> bool) -> Option<String> {
    let name = |id: ObjectId| event.objects().get(id).map_or_else(|| "?".to_owned(), ToString::to_string);
    let on = |target: &Target| target_object(target).is_some_and(ours);
    match effect {
        Effect::Met(id) if ours(*id) => Some(format!("{} {}", name(*id), met(event, *id))),
        Effect::Named(id, Name::Fd(fd)) if ours(*id) => Some(format!("{} gets fd {fd}", name(*id))),
        Effect::Named(id, Name::Handle(file, handle)) if ours(*id) => {
            Some(format!("{} gets handle {handle} of {}", name(*id), name(*file)))
        }
        Effect::Unnamed(id, Name::Fd(fd)) if ours(*id) => Some(format!("{} loses fd {fd}", name(*id))),
        Effect::Unnamed(id, Name::Handle(file, handle)) if ours(*id) => {
            Some(format!("{} loses handle {handle} of {}", name(*id), name(*file)))
        }
        Effect::Ended(id) if ours(*id) => Some(format!("{} ends: no name of it is left", name(*id))),
        Effect::Sent(id, socket) if ours(*id) || ours(*socket) => {
            Some(format!("{} is sent on {}", name(*id), name(*socket)))
        }
        Effect::Received(id, socket) if ours(*id) || ours(*socket) => {
            Some(format!("{} is received on {}", name(*id), name(*socket)))
        }
        Effect::Wait { targets, all, for_submit, until, .. } => {
            let words = list(event, targets, &on)?;
            let how = if *all || targets.len() < 2 { "waits for" } else { "waits for any of several, also" };
            let submit = if *for_submit { ", even before it is submitted" } else { "" };
            let ever = if *until == Until::Forever { ", for ever" } else { "" };
            Some(format!("{how} {words}{submit}{ever}"))
        }
        Effect::Signal(targets) => Some(format!("signals {}", list(event, targets, &on)?)),
        Effect::Reset(targets) => Some(format!("empties {}", list(event, targets, &on)?)),
        Effect::Submit { queue, fence, waits, signals } => {
            let waits = list(event, waits, &on).map(|words| format!("waits for {words}"));
            let signals = list(event, signals, &on).map(|words| format!("signals {words}"));
            let own = (queue.is_some_and(ours) || ours(*fence)).then(|| format!("signals {}", name(*fence)));
            let words: Vec<String> = waits.into_iter().chain(signals).chain(own).collect();
            (!words.is_empty()).then(|| format!("the work {}", words.join(" and ")))
        }
        Effect::Copy { from, to, adds } if on(from) || on(to) => {
            let how = if *adds { "are added to" } else { "go to" };
            Some(format!("fences of {} {how} {}", target(event, from), target(event, to)))
        }
        Effect::Fence { fence, by } if ours(*fence) || by.as_ref().is_some_and(on) => {
            let by =
                by.as_ref().map_or_else(|| "a device or another call".to_owned(), |by| target(event, by));
            Some(format!("{} is signalled by {by}", name(*fence)))
        }
        _ => None,
    }
}

fn met(event: &Event<'_>, id: ObjectId) -> &'static str {
    match event.objects().get(id).map(|object| object.origin) {
        Some(Origin::Made) => "is made",
        Some(Origin::Kernel) => "is the kernel's own",
        Some(Origin::Inherited) => "is opaque: it was there before the trace",
        Some(Origin::Unseen) | None => "is opaque: where it came from was not seen",
    }
}

/// The targets of a list that are on objects of those; `None`: none is.
fn list(event: &Event<'_>, range: &Targets, on: &dyn Fn(&Target) -> bool) -> Option<String> {
    let ours: Vec<String> =
        event.targets_of(range).iter().filter(|target| on(target)).map(|t| target(event, t)).collect();
    (!ours.is_empty()).then(|| ours.join(", "))
}

/// A target by name.
pub(super) fn target(event: &Event<'_>, target: &Target) -> String {
    let name = |id: &ObjectId| event.objects().get(*id).map_or_else(|| "?".to_owned(), ToString::to_string);
    match target {
        Target::Point(id, 0) | Target::File(id) | Target::Buffer(id, _) | Target::Fence(id) => name(id),
        Target::Point(id, point) => format!("{}@{point}", name(id)),
        Target::Seqno(Some(id), number) => format!("{} number {number}", name(id)),
        Target::Seqno(None, number) => format!("number {number}"),
        Target::Timeline(id, value) => format!("{}+{value}", name(id)),
        Target::Unknown => "what is not recorded".to_owned(),
    }
}
