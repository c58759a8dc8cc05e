//! What each call is as operations of a scenario.

use fencelab_scenario::{Access, Cpu, Duration, Fence, Merge, Op, Poll, Target, Timeout, Wait, Way};
use fencelab_trace::model::{Access as RecordedAccess, ObjectId, ObjectKind, Target as Recorded, Until};

use super::calls::{Did, Taken};
use super::names::Naming;
use crate::Fidelity;

/// The operations of a call: none for one that has nothing to do with fences, or nothing to replay.
pub(super) fn of(call: &Taken, naming: &mut Naming<'_>, fidelity: &mut Fidelity) -> Vec<Op> {
    let failed = call.result.is_some_and(|result| result < 0);
    let waits = call.did.iter().any(|did| matches!(did, Did::Wait { .. }));
    let matters = call.did.iter().any(|did| !matches!(did, Did::Met(_) | Did::Ended(_)));
    if failed && !waits {
        if matters {
            fidelity.leave_out("calls that were refused");
        } else {
            fidelity.other += 1;
        }
        return Vec::new();
    }
    let ops = Reading { call, naming, fidelity }.read();
    if ops.is_empty() {
        fidelity.other += usize::from(!matters);
    }
    ops
}

/// A call being read.
pub(super) struct Reading<'c, 'n, 'a> {
    pub(super) call: &'c Taken,
    pub(super) naming: &'n mut Naming<'a>,
    pub(super) fidelity: &'n mut Fidelity,
}

impl Reading<'_, '_, '_> {
    fn read(&mut self) -> Vec<Op> {
        let did = &self.call.did;
        let submit = did.iter().find_map(|did| match did {
            Did::Submit { queue, fence, waits, signals } => Some((*queue, *fence, waits, signals)),
            _ => None,
        });
        if let Some((queue, fence, waits, signals)) = submit {
            return self.job(queue, fence, waits, signals);
        }
        let made = did
            .iter()
            .find_map(|did| if let Did::Fence { fence, by } = did { Some((*fence, *by)) } else { None });
        if let Some((fence, by)) = made {
            return self.fence(fence, by);
        }
        let copies: Vec<(Recorded, Recorded)> = did
            .iter()
            .filter_map(|did| if let Did::Copy { from, to } = did { Some((*from, *to)) } else { None })
            .collect();
        if let [(Recorded::File(one), to), (Recorded::File(other), _)] = copies[..] {
            return self.merge(one, other, to);
        }
        let mut ops = Vec::new();
        for (from, to) in copies {
            ops.extend(self.copy(from, to));
        }
        for did in did {
            ops.extend(self.other(did));
        }
        ops
    }

    pub(super) fn kept(&mut self, op: Op) -> Vec<Op> {
        self.fidelity.keep(op.word());
        vec![op]
    }

    pub(super) fn left_out(&mut self, why: &str) -> Vec<Op> {
        self.fidelity.leave_out(why);
        Vec::new()
    }

    /// sw_sync's fences and vgem's.
    fn fence(&mut self, fence: ObjectId, by: Option<Recorded>) -> Vec<Op> {
        let to = self.call.did.iter().find_map(|did| match did {
            Did::Copy { from: Recorded::Fence(of), to } if *of == fence => Some(*to),
            _ => None,
        });
        let Some(to) = to else { return self.left_out("fences that nothing holds") };
        match (by, to) {
            (Some(Recorded::Timeline(timeline, value)), Recorded::File(_)) => {
                let (Some(timeline), Some(to)) = (self.naming.of(timeline), self.naming.target(to)) else {
                    return Vec::new();
                };
                let value = u32::try_from(value).unwrap_or(u32::MAX);
                self.kept(Op::Fence(Fence { timeline: Target::of(timeline), value, to }))
            }
            (_, Recorded::Buffer(..)) => self.left_out("vgem's fences"),
            _ => self.left_out("fences of unknown makers"),
        }
    }

    fn merge(&mut self, one: ObjectId, other: ObjectId, to: Recorded) -> Vec<Op> {
        let files = (self.naming.of(one), self.naming.of(other), self.naming.target(to));
        let (Some(one), Some(other), Some(to)) = files else { return Vec::new() };
        self.kept(Op::Merge(Merge { files: (Target::of(one), Target::of(other)), to }))
    }

    fn copy(&mut self, from: Recorded, to: Recorded) -> Vec<Op> {
        let access = match (from, to) {
            (Recorded::Buffer(_, access), _) | (_, Recorded::Buffer(_, access)) => as_whose(access),
            _ => Access::Read,
        };
        let ends = (self.naming.target(from), self.naming.target(to));
        let (Some(source), Some(target)) = ends else {
            return self
                .left_out("copies of fences from or to what no scenario has (sequence numbers, eventfds)");
        };
        let way = Way { from: source, to: target, access };
        match (from, to) {
            (Recorded::Point(..), Recorded::Point(..)) => self.kept(Op::Transfer(way)),
            (Recorded::Point(..) | Recorded::Buffer(..), Recorded::File(_)) => self.kept(Op::Export(way)),
            (Recorded::File(_), Recorded::Point(..) | Recorded::Buffer(..)) => self.kept(Op::Import(way)),
            _ => self.left_out("copies of fences in ways that no scenario has"),
        }
    }

    fn other(&mut self, did: &Did) -> Vec<Op> {
        match did {
            Did::Met(object) => self.met(*object),
            Did::Ended(object) if self.naming.kind(*object) == Some(ObjectKind::SwSync) => {
                match self.naming.of(*object) {
                    Some(name) => self.kept(Op::Close(Target::of(name))),
                    None => Vec::new(),
                }
            }
            Did::Wait { targets, all, for_submit, available, until } => {
                self.wait(targets, *all, (*for_submit, *available), *until)
            }
            Did::Signal(targets) => self.targets(targets, Op::Signal),
            Did::Reset(targets) => self.targets(targets, Op::Reset),
            _ => Vec::new(),
        }
    }

    fn targets(&mut self, targets: &[Recorded], op: fn(Vec<Target>) -> Op) -> Vec<Op> {
        let found: Vec<Target> = targets.iter().filter_map(|target| self.naming.target(*target)).collect();
        if found.is_empty() {
            return self.left_out("signals of vgem's fences");
        }
        let op = op(found);
        let op = match op {
            // The binary cell is what is reset.
            Op::Reset(targets) => {
                Op::Reset(targets.into_iter().map(|target| Target::of(target.object)).collect())
            }
            op => op,
        };
        self.kept(op)
    }

    /// Something is made.
    fn met(&mut self, object: ObjectId) -> Vec<Op> {
        const CREATE_SIGNALED: u32 = 1;
        let kind = self.naming.kind(object);
        if !matches!(kind, Some(ObjectKind::Syncobj | ObjectKind::SwSync)) || self.naming.is_opaque(object) {
            return Vec::new();
        }
        let Some(name) = self.naming.of(object) else { return Vec::new() };
        if self.call.name.ends_with("SYNCOBJ_CREATE") && self.call.words_in[1] & CREATE_SIGNALED != 0 {
            self.naming.is_signalled(&name);
        }
        self.kept(Op::Create(Target::of(name)))
    }

    fn wait(
        &mut self,
        targets: &[Recorded],
        all: bool,
        (for_submit, available): (bool, bool),
        until: Until,
    ) -> Vec<Op> {
        let timeout = match until {
            Until::Forever => Timeout::Forever,
            Until::At(at) => Timeout::After(Duration(at.saturating_sub(self.call.begin_ns))),
            // A limit that could not be read, or that an older recorder left out: where it passed, the time that it took was it.
            Until::Unknown if self.call.result == Some(0) => {
                let took = self.call.end_ns.unwrap_or(self.call.begin_ns).saturating_sub(self.call.begin_ns);
                Timeout::After(Duration(took))
            }
            Until::Unknown => Timeout::Forever,
        };
        if timeout == Timeout::After(Duration(0)) {
            return self.left_out("looks that do not wait");
        }
        // Whatever ends so far away is for ever.
        let timeout = if matches!(timeout, Timeout::After(Duration(ns)) if ns > 3_600_000_000_000) {
            Timeout::Forever
        } else {
            timeout
        };
        let found: Vec<Target> = targets.iter().filter_map(|target| self.naming.target(*target)).collect();
        if found.len() < targets.len() {
            let why = if targets.iter().all(|t| *t == Recorded::Unknown) {
                "waits for what no record tells"
            } else {
                "waits for sequence numbers and eventfds"
            };
            self.fidelity.leave_out(why);
        }
        if found.is_empty() {
            return Vec::new();
        }
        match targets.first() {
            Some(Recorded::Point(..)) => self.kept(Op::Wait(Wait {
                points: found,
                any: !all,
                for_submit,
                available,
                deadline: None,
                timeout,
            })),
            Some(Recorded::Buffer(_, access)) if all => {
                self.kept(Op::Access(Cpu { buffer: found[0].clone(), access: as_whose(*access) }))
            }
            _ => self.kept(Op::Poll(Poll { files: found, timeout })),
        }
    }
}

pub(super) fn as_whose(access: RecordedAccess) -> Access {
    match access {
        RecordedAccess::Read => Access::Read,
        RecordedAccess::Write => Access::Write,
    }
}
