//! The recorded calls with what each did, beginning and end together.

use std::collections::HashMap;
use std::io;

use fencelab_trace::model::{Effect, Model, Moment, ObjectId, Target, Targets, Until};
use fencelab_trace::{CallId, Session};

use super::Options;

/// What a call did, with its targets.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Did {
    Met(ObjectId),
    Ended(ObjectId),
    Sent(ObjectId, ObjectId),
    Received(ObjectId, ObjectId),
    Wait { targets: Vec<Target>, all: bool, for_submit: bool, available: bool, until: Until },
    Signal(Vec<Target>),
    Reset(Vec<Target>),
    Submit { queue: Option<ObjectId>, fence: ObjectId, waits: Vec<Target>, signals: Vec<Target> },
    Copy { from: Target, to: Target },
    Fence { fence: ObjectId, by: Option<Target> },
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) id: CallId,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) name: &'static str,
    pub(super) begin_ns: u64,
    pub(super) end_ns: Option<u64>,
    pub(super) result: Option<i32>,
    /// What an ioctl was made on.
    pub(super) file: Option<ObjectId>,
    /// The first two words of its argument.
    pub(super) words_in: [u32; 2],
    pub(super) did: Vec<Did>,
}

/// All calls that are asked for, in the order in which they were made, and the model at its end.
pub(super) fn take(session: &Session, options: &Options) -> io::Result<(Vec<Taken>, Model)> {
    let mut model = Model::new(session);
    let mut list: Vec<Taken> = Vec::new();
    let mut at: HashMap<CallId, usize> = HashMap::new();
    while let Some(event) = model.next(session)? {
        let id = event.call.id;
        let thread = session.thread(id.thread);
        let (pid, tid) = thread.map_or((0, 0), |thread| (thread.pid, thread.tid));
        if !options.pids.is_empty() && !options.pids.contains(&pid) || !is_within(options, event.entered_ns())
        {
            continue;
        }
        let index = *at.entry(id).or_insert_with(|| {
            let name = event.ioctl.map_or("", |ioctl| ioctl.name);
            list.push(Taken {
                id,
                pid,
                tid,
                name,
                begin_ns: event.entered_ns(),
                end_ns: None,
                result: event.call.result,
                file: event.file(),
                words_in: [0, 4].map(|at| word(event.call.argument_in(), at)),
                did: Vec::new(),
            });
            list.len() - 1
        });
        let call = &mut list[index];
        if event.moment == Moment::End {
            let end_ns = session.clock().ns(event.ticks);
            if !is_within(options, end_ns) {
                // In the part that is asked for it had not returned.
                call.result = None;
                continue;
            }
            call.end_ns = Some(end_ns);
        }
        let targets = |range: &Targets| event.targets_of(range).to_vec();
        call.did.extend(event.effects.iter().filter_map(|effect| did(effect, &targets)));
    }
    Ok((list, model))
}

fn is_within(options: &Options, ns: u64) -> bool {
    options.between_ns.is_none_or(|(from, to)| (from..=to).contains(&ns))
}

/// A 32-bit word of an argument; 0 where it is too short.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn did(effect: &Effect, targets: &dyn Fn(&Targets) -> Vec<Target>) -> Option<Did> {
    Some(match effect {
        Effect::Met(object) => Did::Met(*object),
        Effect::Ended(object) => Did::Ended(*object),
        Effect::Sent(object, socket) => Did::Sent(*object, *socket),
        Effect::Received(object, socket) => Did::Received(*object, *socket),
        Effect::Wait { targets: range, all, for_submit, available, until } => Did::Wait {
            targets: targets(range),
            all: *all,
            for_submit: *for_submit,
            available: *available,
            until: *until,
        },
        Effect::Signal(range) => Did::Signal(targets(range)),
        Effect::Reset(range) => Did::Reset(targets(range)),
        Effect::Submit { queue, fence, waits, signals } => {
            Did::Submit { queue: *queue, fence: *fence, waits: targets(waits), signals: targets(signals) }
        }
        Effect::Copy { from, to, .. } => Did::Copy { from: *from, to: *to },
        Effect::Fence { fence, by } => Did::Fence { fence: *fence, by: *by },
        _ => return None,
    })
}
