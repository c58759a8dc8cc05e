//! What an operation may speak of, and whether a scenario as a whole can be run.

use super::name::Name;
use super::object::Kind;
use super::op::Op;
use super::scenario::{Process, Scenario};
use super::scope;
use super::target::Target;

/// Checks that an operation speaks of objects of the right kind. What is not declared just now is let through.
pub(super) fn op(op: &Op) -> Result<(), String> {
    let syncobj = |target: &Target| want(target, "a syncobj", Kind::is_syncobj);
    let file = |target: &Target| want(target, "a sync_file", |kind| kind == Kind::SyncFile);
    let buffer = |target: &Target| want(target, "a buffer", |kind| kind == Kind::Buffer);
    let kind = |target: &Target, kind: Kind| want(target, kind.word(), move |k| k == kind);
    let holds = |target: &Target| {
        want(target, "a syncobj or a buffer", |kind| kind.is_syncobj() || kind == Kind::Buffer)
    };
    let fence = |target: &Target| {
        want(target, "a sync_file or a syncobj", |kind| kind.is_syncobj() || kind == Kind::SyncFile)
    };
    let whole = |targets: &[Target]| {
        if targets.is_empty() { Err(format!("`{}` needs at least one", op.word())) } else { Ok(()) }
    };
    match op {
        Op::Create(target) => want(target, "something that is created by itself", Kind::is_created),
        Op::Fence(what) => kind(&what.timeline, Kind::Timeline).and_then(|()| file(&what.to)),
        Op::Signal(targets) => whole(targets).and_then(|()| {
            targets.iter().try_for_each(|target| {
                want(target, "a syncobj, a timeline moved on (`clock+1`) or a vgem fence", |kind| {
                    kind.is_syncobj()
                        || kind == Kind::VgemFence
                        || kind == Kind::Timeline && target.number > 0
                })
            })
        }),
        Op::Reset(targets) => whole(targets).and_then(|()| targets.iter().try_for_each(syncobj)),
        Op::Transfer(way) => syncobj(&way.from).and_then(|()| syncobj(&way.to)),
        Op::Wait(wait) => whole(&wait.points)
            .and_then(|()| wait.points.iter().try_for_each(syncobj))
            .and_then(|()| one_device(&wait.points)),
        Op::Poll(poll) => whole(&poll.files).and_then(|()| {
            poll.files.iter().try_for_each(|target| {
                want(target, "a sync_file or a buffer", |k| matches!(k, Kind::SyncFile | Kind::Buffer))
            })
        }),
        Op::Export(way) => holds(&way.from).and_then(|()| file(&way.to)),
        Op::Import(way) => file(&way.from).and_then(|()| holds(&way.to)),
        Op::Merge(merge) => [&merge.files.0, &merge.files.1, &merge.to].into_iter().try_for_each(file),
        Op::Attach(way) => {
            buffer(&way.from).and_then(|()| kind(&way.to, Kind::VgemFence)).and_then(|()| of_vgem(&way.from))
        }
        Op::Submit(job) => kind(&job.queue, Kind::Queue)
            .and_then(|()| job.waits.iter().chain(&job.signals).try_for_each(fence)),
        Op::Commit(work) => kind(&work.crtc, Kind::Crtc)
            .and_then(|()| work.waits.iter().chain(&work.signals).try_for_each(file)),
        Op::Access(cpu) => buffer(&cpu.buffer),
        Op::Prime(prime) => buffer(&prime.buffer),
        Op::Send(sent) => want(&sent.object, "something that an fd can stand for", sendable),
        Op::Receive(received) => want(&received.object, "something that an fd can stand for", sendable),
        Op::Close(_) | Op::Sleep(_) | Op::Exit(_) | Op::Kill(_) | Op::Start(_) => Ok(()),
    }
}

fn sendable(kind: Kind) -> bool {
    !matches!(kind, Kind::VgemFence | Kind::Queue | Kind::Crtc)
}

fn want(target: &Target, what: &str, fits: impl Fn(Kind) -> bool) -> Result<(), String> {
    match scope::object(target.object.as_str())? {
        Some(object) if !fits(object.kind) => {
            Err(format!("`{}` is a {}, where {what} is needed", target.object, object.kind.word()))
        }
        _ => Ok(()),
    }
}

fn one_device(points: &[Target]) -> Result<(), String> {
    let mut devices = Vec::new();
    for point in points {
        devices.extend(scope::object(point.object.as_str())?.map(|object| object.device));
    }
    devices.dedup();
    match devices.as_slice() {
        [one, other, ..] => {
            Err(format!("one wait cannot be for sync objects on two devices, {one} and {other}"))
        }
        _ => Ok(()),
    }
}

fn of_vgem(buffer: &Target) -> Result<(), String> {
    match scope::object(buffer.object.as_str())? {
        Some(object) if object.device != "vgem" => Err(format!(
            "vgem has fences in buffers of its own only, and `{}` is on {}",
            buffer.object, object.device
        )),
        _ => Ok(()),
    }
}

/// Checks what only the scenario as a whole shows.
pub(super) fn whole(scenario: &Scenario) -> Result<(), String> {
    if scenario.processes.is_empty() {
        return Err("`processes` is empty: there is nothing to run".into());
    }
    for (name, process) in &scenario.processes {
        if process.is_empty() {
            return Err(format!("the process `{name}` has no threads"));
        }
        starts(scenario, name)?;
        for (object, declared) in &scenario.objects {
            let Some(user) = uses(process, object) else { continue };
            let made = makes(process, object);
            let elsewhere = scenario.processes.values().any(|process| created(process, object));
            if !made && (!declared.kind.is_created() || elsewhere) {
                return Err(format!(
                    "{name}/{user} uses `{object}`, which {name} neither makes nor receives"
                ));
            }
        }
    }
    for (object, declared) in &scenario.objects {
        let users: Vec<&Name> = scenario
            .processes
            .iter()
            .filter(|(_, p)| uses(p, object).is_some())
            .map(|(name, _)| name)
            .collect();
        if let ([one, other, ..], true) = (users.as_slice(), declared.is_a_thread()) {
            return Err(format!(
                "`{object}` is used by {one} and {other}, and a queue in software is one process's: \
                 only a GPU's (i915-twin) can be several ones'"
            ));
        }
    }
    labels(scenario)
}

/// Who is started by an operation must be started by another process, once.
fn starts(scenario: &Scenario, name: &Name) -> Result<(), String> {
    let by: Vec<_> =
        scenario.steps().filter(|(_, step)| matches!(&step.op, Op::Start(line) if line.0 == *name)).collect();
    match by.as_slice() {
        [] => Ok(()),
        [(place, _)] if place.process != *name => Ok(()),
        [_] => Err(format!("the process `{name}` cannot start itself")),
        _ => Err(format!("the process `{name}` is started twice")),
    }
}

fn labels(scenario: &Scenario) -> Result<(), String> {
    let mut seen = std::collections::HashSet::new();
    match scenario.steps().filter_map(|(_, step)| step.label.as_ref()).find(|label| !seen.insert(*label)) {
        Some(label) => Err(format!("two steps have the label `{label}`")),
        None => Ok(()),
    }
}

/// The thread of a process that uses an object first.
fn uses<'p>(process: &'p Process, object: &Name) -> Option<&'p Name> {
    let used = |step: &super::step::Step| step.op.targets().iter().any(|target| target.object == *object);
    process.iter().find(|(_, steps)| steps.iter().any(used)).map(|(thread, _)| thread)
}

/// Whether a process makes an object or gets it.
fn makes(process: &Process, object: &Name) -> bool {
    process
        .values()
        .flatten()
        .any(|step| step.op.makes().iter().any(|target| target.object == *object && target.number == 0))
}

/// Whether a process creates an object.
pub(super) fn created(process: &Process, object: &Name) -> bool {
    process.values().flatten().any(|step| matches!(&step.op, Op::Create(target) if target.object == *object))
}
