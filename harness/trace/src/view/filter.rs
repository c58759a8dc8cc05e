//! Which calls to show.

use fencelab_abi::{FdClass, Kind};

use crate::model::{Effect, Event, ObjectId, ObjectKind, Objects, Target};
use crate::{Call, Process, Session};

/// Which calls to show: those that match one of each list that is not empty.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Processes, by pid or by name.
    pub processes: Vec<String>,
    /// Threads, by tid.
    pub threads: Vec<u32>,
    /// From when to when calls were made: CLOCK_MONOTONIC, in nanoseconds.
    pub between_ns: Option<(u64, u64)>,
    /// fds that the call is made on, names or brings.
    pub fds: Vec<i32>,
    /// Objects, as `syncobj:7` says.
    pub objects: Vec<(ObjectKind, u32)>,
    /// Kinds of calls: `ioctl`, `close` and so on; or `wait`, `signal`, `submit` for what calls do.
    pub kinds: Vec<String>,
}

/// A filter that cannot match anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// Not the name of an object.
    #[error("{0} is no object: KIND:NUMBER, with KIND one of {kinds}", kinds = kinds())]
    Object(String),
    /// Not a kind of call.
    #[error("{0} is no kind of call; there are {known}", known = call_kinds().join(", "))]
    Kind(String),
}

fn kinds() -> String {
    let names: Vec<&str> = ObjectKind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

/// What `--kind` takes.
fn call_kinds() -> Vec<&'static str> {
    let recorded = (1..=u8::MAX)
        .filter_map(Kind::from_u8)
        .filter(|kind| !matches!(kind, Kind::IoctlEnter | Kind::IoctlExit | Kind::PollExit | Kind::Dropped));
    recorded.map(kind_name).chain(["wait", "signal", "submit"]).collect()
}

/// The name of a kind of call.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::IoctlEnter | Kind::IoctlExit => "ioctl",
        Kind::PollEnter | Kind::PollExit => "poll",
        kind => kind.name(),
    }
}

impl Filter {
    /// Adds an object by its name.
    ///
    /// # Errors
    ///
    /// When it is no object's name.
    pub fn add_object(&mut self, name: &str) -> Result<(), BadFilter> {
        self.objects.push(Objects::parse(name).ok_or_else(|| BadFilter::Object(name.to_owned()))?);
        Ok(())
    }

    /// Adds a kind of call by its name.
    ///
    /// # Errors
    ///
    /// When there is no such kind.
    pub fn add_kind(&mut self, name: &str) -> Result<(), BadFilter> {
        if !call_kinds().contains(&name) {
            return Err(BadFilter::Kind(name.to_owned()));
        }
        self.kinds.push(name.to_owned());
        Ok(())
    }

    /// Whether the caller matches.
    pub(super) fn takes_caller(&self, session: &Session, call: &Call<'_>) -> bool {
        let thread = session.thread(call.id.thread);
        let process = thread.and_then(|thread| thread.process).and_then(|id| session.process(id));
        let pid = thread.map(|thread| thread.pid.to_string());
        let ours = |wanted: &String| {
            Some(wanted) == pid.as_ref() || process.is_some_and(|process| process.name() == wanted)
        };
        let processes = self.processes.is_empty() || self.processes.iter().any(ours);
        let at = session.clock().ns(call.enter);
        let then = self.between_ns.is_none_or(|(from, to)| (from..=to).contains(&at));
        processes && then && (self.threads.is_empty() || self.threads.contains(&call.tid))
    }

    /// Whether the end of a process, by that thread and at that time of CLOCK_MONOTONIC, matches.
    pub(super) fn takes_process(&self, process: &Process, tid: u32, at: u64) -> bool {
        let pid = process.pid.to_string();
        let ours = |wanted: &String| *wanted == pid || process.name() == wanted;
        let then = self.between_ns.is_none_or(|(from, to)| (from..=to).contains(&at));
        let processes = self.processes.is_empty() || self.processes.iter().any(ours);
        processes && then && (self.threads.is_empty() || self.threads.contains(&tid))
    }

    /// Whether what the call is matches.
    pub(super) fn takes_kind(&self, event: &Event<'_>) -> bool {
        let is = |wanted: &String| match wanted.as_str() {
            "wait" => event.effects.iter().any(|effect| matches!(effect, Effect::Wait { .. })),
            "signal" => event.effects.iter().any(|effect| matches!(effect, Effect::Signal(_))),
            "submit" => event.effects.iter().any(|effect| matches!(effect, Effect::Submit { .. })),
            name => event.call.kind.is_some_and(|kind| kind_name(kind) == name),
        };
        self.kinds.is_empty() || self.kinds.iter().any(is)
    }

    /// Whether the call has to do with one of the fds.
    pub(super) fn takes_fd(&self, event: &Event<'_>) -> bool {
        use fencelab_abi::ioctl::Role;
        let call = &event.call;
        let is_fd = call.result.is_some_and(|fd| self.fds.contains(&fd)) && brings_fd(event);
        let named = event.effects.iter().any(|effect| match effect {
            Effect::Named(_, name) | Effect::Unnamed(_, name) => {
                matches!(name, crate::model::Name::Fd(fd) if self.fds.contains(fd))
            }
            _ => false,
        });
        let fields = event.ioctl.map_or(&[][..], |ioctl| ioctl.fields).iter();
        let mut used = fields.filter(|field| matches!(field.role, Role::UsesFd(_))).filter_map(|field| {
            crate::payload::number(call.argument_in(), field.offset, field.size).map(|fd| fd as i32)
        });
        self.fds.is_empty()
            || self.fds.contains(&call.fd)
            || is_fd
            || named
            || used.any(|fd| self.fds.contains(&fd))
            || call.fds().chain(call.polled()).any(|fd| self.fds.contains(&fd))
    }

    /// Whether a step has to do with one of the objects.
    pub(super) fn takes_object(&self, event: &Event<'_>) -> bool {
        if self.objects.is_empty() {
            return true;
        }
        let ours = |id: ObjectId| {
            let object = event.objects().get(id);
            object.is_some_and(|object| self.objects.contains(&(object.kind, object.serial)))
        };
        event.file().is_some_and(ours) || event.effects.iter().any(|effect| mentions(effect, event, &ours))
    }
}

fn brings_fd(event: &Event<'_>) -> bool {
    let kinds = [Kind::Open, Kind::Dup, Kind::Accept, Kind::PidfdOpen, Kind::PidfdGetfd];
    event.call.kind.is_some_and(|kind| kinds.contains(&kind))
        || event.ioctl.is_some_and(|ioctl| ioctl.returns.is_some_and(|class| class != FdClass::Unknown))
}

/// Whether an effect is on an object of those.
pub(super) fn mentions(effect: &Effect, event: &Event<'_>, ours: &dyn Fn(ObjectId) -> bool) -> bool {
    let target = |target: &Target| target_object(target).is_some_and(ours);
    let any = |range| event.targets_of(range).iter().any(target);
    match effect {
        Effect::Met(id)
        | Effect::Named(id, _)
        | Effect::Unnamed(id, _)
        | Effect::Used(id)
        | Effect::Ended(id) => ours(*id),
        Effect::Sent(id, socket) | Effect::Received(id, socket) => ours(*id) || ours(*socket),
        Effect::Wait { targets, .. } | Effect::Signal(targets) | Effect::Reset(targets) => any(targets),
        Effect::Submit { queue, fence, waits, signals } => {
            queue.is_some_and(ours) || ours(*fence) || any(waits) || any(signals)
        }
        Effect::Copy { from, to, .. } => target(from) || target(to),
        Effect::Fence { fence, by } => ours(*fence) || by.as_ref().is_some_and(target),
        Effect::Woken(_) => false,
    }
}

/// The object that a target is on.
pub(super) fn target_object(target: &Target) -> Option<ObjectId> {
    match target {
        Target::Point(id, _)
        | Target::File(id)
        | Target::Buffer(id, _)
        | Target::Fence(id)
        | Target::Timeline(id, _)
        | Target::Seqno(Some(id), _) => Some(*id),
        Target::Seqno(None, _) | Target::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_match_is_refused_with_what_can() {
        let mut filter = Filter::default();
        assert!(filter.add_object("syncobj:7").is_ok() && filter.add_kind("send-fds").is_ok());
        let object = filter.add_object("syncobj").unwrap_err().to_string();
        assert!(object.starts_with("syncobj is no object") && object.contains("dma-buf"), "{object}");
        let kind = filter.add_kind("ioctls").unwrap_err().to_string();
        assert!(kind.contains("close-range") && !kind.contains("poll-enter"), "{kind}");
    }
}
