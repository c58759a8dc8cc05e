//! The steps put together: who makes which, what must be handed over, in which order.

use std::collections::{HashMap, HashSet};

use fencelab_scenario::{
    Duration, Fence, Kind, Line, Name, Names, Object, Op, Process, Received, Scenario, Sent, Step, Target,
};
use fencelab_trace::Session;
use fencelab_trace::model::{Model, ObjectId};

use super::calls::{Did, Taken};
use super::names::Naming;
use super::people::People;
use super::{Converted, Options, Timing, order, steps};
use crate::Fidelity;

/// A step on its way into a scenario.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Which recorded call it is of.
    pub(super) call: usize,
    pub(super) process: Name,
    pub(super) thread: Name,
    pub(super) step: Step,
}

/// Makes the scenario.
pub(super) fn build(session: &Session, model: &Model, calls: &[Taken], options: &Options) -> Converted {
    let mut fidelity = Fidelity { calls: calls.len(), ..Fidelity::default() };
    let mut naming = Naming::new(model, options, calls);
    let mut people = People::default();
    let mut drafts: Vec<Draft> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let mut ops = steps::of(call, &mut naming, &mut fidelity);
        ops.extend(messages(session, calls, index, &mut naming, &mut people, &mut fidelity));
        if ops.is_empty() {
            continue;
        }
        let (process, thread) = people.of(session, call.id, call.pid, call.tid);
        let draft =
            |op| Draft { call: index, process: process.clone(), thread: thread.clone(), step: Step::new(op) };
        drafts.extend(ops.into_iter().map(draft));
    }
    hand_over(&mut drafts, &mut naming, &mut fidelity);
    if options.timing == Timing::Original {
        let start = drafts.first().map_or(0, |draft| calls[draft.call].begin_ns);
        for draft in &mut drafts {
            draft.step.at = Some(Duration(calls[draft.call].begin_ns.saturating_sub(start)));
        }
    }
    order::constrain(&mut drafts, calls, options.order.as_ref(), &mut fidelity);
    let mut processes: Names<Process> = Names::new();
    for draft in drafts {
        processes.entry(draft.process).or_default().entry(draft.thread).or_default().push(draft.step);
    }
    fidelity.processes = processes.len();
    fidelity.threads = processes.values().map(Process::len).sum();
    let objects = used(naming.objects, &processes);
    let about = format!("A replay of {} recorded calls", calls.len());
    let scenario = Scenario { about, expect: options.expect, limit: Scenario::LIMIT, objects, processes };
    Converted { scenario, fidelity }
}

/// Only what steps speak of.
fn used(objects: Names<Object>, processes: &Names<Process>) -> Names<Object> {
    let steps = processes.values().flat_map(Process::values).flatten();
    let named: HashSet<&Name> =
        steps.flat_map(|step| step.op.targets()).map(|target| &target.object).collect();
    objects.into_iter().filter(|(name, _)| named.contains(name)).collect()
}

/// fds that a call sends or receives, where the other side is recorded too.
fn messages(
    session: &Session,
    calls: &[Taken],
    index: usize,
    naming: &mut Naming<'_>,
    people: &mut People,
    fidelity: &mut Fidelity,
) -> Vec<Op> {
    let mut ops = Vec::new();
    let call = &calls[index];
    for did in &call.did {
        let (object, other) = match did {
            Did::Sent(object, _) => (*object, receiver(calls, index, *object)),
            Did::Received(object, _) => (*object, sender(calls, index, *object)),
            _ => continue,
        };
        let sends = matches!(did, Did::Sent(..));
        let Some(name) = naming.of(object).filter(|name| is_message(naming, name)) else { continue };
        let Some(other) = other.filter(|other| other.pid != call.pid) else {
            fidelity.leave_out("messages whose other side is not recorded");
            continue;
        };
        let line = Line(people.of(session, other.id, other.pid, other.tid).0);
        let object = Target::of(name);
        let op = if sends {
            Op::Send(Sent { object, to: line })
        } else {
            Op::Receive(Received { object, from: line })
        };
        fidelity.keep(op.word());
        ops.push(op);
    }
    ops
}

fn is_message(naming: &Naming<'_>, name: &Name) -> bool {
    naming.objects.get(name).is_some_and(|object| !matches!(object.kind, Kind::Queue | Kind::Crtc))
}

fn receiver(calls: &[Taken], from: usize, object: ObjectId) -> Option<&Taken> {
    let takes =
        |call: &&Taken| call.did.iter().any(|did| matches!(did, Did::Received(of, _) if *of == object));
    // A receiver that sleeps in its call began it before.
    let sent = calls[from].begin_ns;
    calls.iter().filter(|call| call.end_ns.is_some_and(|end| end >= sent)).find(takes)
}

fn sender(calls: &[Taken], to: usize, object: ObjectId) -> Option<&Taken> {
    let end = calls[to].end_ns?;
    let sends = |call: &&Taken| call.did.iter().any(|did| matches!(did, Did::Sent(of, _) if *of == object));
    calls.iter().rev().filter(|call| call.begin_ns <= end).find(sends)
}

/// What a process uses and neither made nor was sent it has by fork, or from outside. A timeline, a sync object or a buffer is
/// then there from the start; a sync_file is handed over in a message, or has signalled if nobody is known to have made it.
fn hand_over(drafts: &mut Vec<Draft>, naming: &mut Naming<'_>, fidelity: &mut Fidelity) {
    let mut has: HashSet<(Name, Name)> = HashSet::new();
    let mut made: HashMap<Name, usize> = HashMap::new();
    let mut shared: HashSet<Name> = HashSet::new();
    let mut extra: Vec<(usize, Draft)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        for target in draft.step.op.makes().into_iter().filter(|target| target.number == 0) {
            has.insert((draft.process.clone(), target.object.clone()));
            if !matches!(draft.step.op, Op::Receive(_)) {
                made.entry(target.object.clone()).or_insert(index);
            }
        }
        for target in draft.step.op.targets() {
            let object = &target.object;
            let Some(kind) = naming.objects.get(object).map(|object| object.kind) else { continue };
            if matches!(kind, Kind::Queue | Kind::Crtc)
                || !has.insert((draft.process.clone(), object.clone()))
            {
                continue;
            }
            if kind.is_created() {
                shared.insert(object.clone());
                continue;
            }
            let target = Target::of(object.clone());
            match made.get(object).map(|maker| (*maker, &drafts[*maker])) {
                Some((at, maker)) => {
                    let send = Op::Send(Sent { object: target.clone(), to: Line(draft.process.clone()) });
                    let receive = Op::Receive(Received { object: target, from: Line(maker.process.clone()) });
                    extra.push((at + 1, Draft { step: Step::new(send), ..maker.clone() }));
                    extra.push((index, Draft { step: Step::new(receive), ..draft.clone() }));
                    fidelity.replace("sync_files that came by fork by messages");
                }
                None if kind == Kind::SyncFile => {
                    let Some(timeline) = naming.invent("outside", Object::of(Kind::Timeline)) else {
                        continue;
                    };
                    let signalled = Op::Fence(Fence { timeline: Target::of(timeline), value: 0, to: target });
                    extra.push((index, Draft { step: Step::new(signalled), ..draft.clone() }));
                    fidelity.replace("sync_files from outside by signalled ones");
                }
                None => {}
            }
        }
    }
    extra.sort_by_key(|(at, _)| *at);
    for (at, draft) in extra.into_iter().rev() {
        drafts.insert(at, draft);
    }
    let before = drafts.len();
    drafts.retain(|draft| !matches!(&draft.step.op, Op::Create(target) if shared.contains(&target.object)));
    for _ in drafts.len()..before {
        fidelity.replace("objects that came by fork by ones that are there from the start");
    }
}
