//! Who could still do something.

use fencelab_trace::Session;
use fencelab_trace::model::{Model, ObjectId, ObjectKind, Origin};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a thread does, as the kernel says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It sleeps in a futex that only threads of its own process can reach, without a time limit.
    Futex,
    /// Anything else.
    Other,
}

impl Doing {
    /// What `/proc/PID/task/TID/syscall` tells.
    pub fn from_syscall(text: &str) -> Self {
        if is_private_futex(text) { Self::Futex } else { Self::Other }
    }
}

/// futex (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
const FUTEX: i64 = if cfg!(target_arch = "x86_64") { 202 } else { 98 };

/// Whether /proc/PID/syscall tells of a futex wait without a timeout that only the process's own threads can end: its
/// number, then its arguments (Documentation/filesystems/proc.rst).
fn is_private_futex(call: &str) -> bool {
    const COMMAND: u64 = 0x7f;
    const PRIVATE: u64 = 0x80;
    let mut words = call.split_whitespace();
    let number: Option<i64> = words.next().and_then(|word| word.parse().ok());
    let arguments: Vec<u64> =
        words.filter_map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect();
    let (Some(number), [_, operation, _, timeout, ..]) = (number, arguments.as_slice()) else { return false };
    // FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET.
    let waits = matches!(operation & COMMAND, 0 | 6 | 9);
    number == FUTEX && waits && operation & PRIVATE != 0 && *timeout == 0
}

/// A thread that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub tid: u32,
    /// What it does.
    pub doing: Doing,
}

/// Who asks the kernel what a live session's processes do.
pub trait People {
    /// The threads of a process; none of one that is gone. `None`: it is not known.
    fn tasks(&self, pid: u32) -> Option<Vec<Task>>;
}

/// For sessions of which only the trace is left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl People for Nobody {
    fn tasks(&self, _pid: u32) -> Option<Vec<Task>> {
        None
    }
}

/// Who has which object at one moment.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    by_object: FxHashMap<ObjectId, Vec<u32>>,
    in_flight: FxHashSet<ObjectId>,
    threads: FxHashMap<u32, Vec<u32>>,
    /// Processes that made an object, left no child that has it, and are gone.
    dead_owners: FxHashMap<ObjectId, u32>,
}

impl Holders {
    /// Asks the model for the holders of what fences can be signalled through, at that tick.
    pub fn of(model: &Model, session: &Session, at: u64) -> Self {
        let objects = model.objects();
        let matters = |id: ObjectId| {
            let kind = objects.get(id).map(|object| object.kind);
            matches!(kind, Some(ObjectKind::Syncobj | ObjectKind::SwSync | ObjectKind::DrmFile))
        };
        let mut holders = Self { in_flight: model.in_flight().into_iter().collect(), ..Self::default() };
        for holder in model.holders(&matters) {
            holders.add(holder.object, holder.pid);
        }
        for thread in session.threads() {
            holders.add_thread(thread.pid, thread.id.0);
        }
        let timelines = holders.by_object.keys().copied();
        let timelines =
            timelines.filter(|id| objects.get(*id).is_some_and(|object| object.kind == ObjectKind::SwSync));
        let dead = timelines.filter_map(|id| Some((id, holders.dead_owner_of(model, session, id, at)?)));
        holders.dead_owners = dead.collect();
        holders
    }

    /// The process that made an object and is gone, if it left it to nobody: whoever has it was only shown it.
    fn dead_owner_of(&self, model: &Model, session: &Session, id: ObjectId, at: u64) -> Option<u32> {
        let object = model.objects().get(id).filter(|object| object.origin == Origin::Made)?;
        let owner = session.process(session.thread(object.first.thread)?.process?)?;
        let is_heir = |pid: &u32| {
            let process = session.processes().iter().rev().find(|process| process.pid == *pid);
            process.is_none_or(|process| process.parent == owner.pid || process.forked_from == Some(owner.id))
        };
        let is_left = self.of_object(id).iter().any(is_heir);
        (owner.is_gone_at(at) && !is_left).then_some(owner.pid)
    }

    /// The process that made an object and is gone, if nobody who has it was to act in its place.
    pub fn dead_owner(&self, object: ObjectId) -> Option<u32> {
        self.dead_owners.get(&object).copied()
    }

    #[cfg(test)]
    pub(crate) fn bury(&mut self, object: ObjectId, owner: u32) {
        self.dead_owners.insert(object, owner);
    }

    pub(crate) fn add(&mut self, object: ObjectId, pid: u32) {
        let pids = self.by_object.entry(object).or_default();
        if pids.last() != Some(&pid) {
            pids.push(pid);
        }
    }

    pub(crate) fn add_thread(&mut self, pid: u32, thread: u32) {
        self.threads.entry(pid).or_default().push(thread);
    }

    /// The processes that have an object.
    pub fn of_object(&self, object: ObjectId) -> &[u32] {
        self.by_object.get(&object).map_or(&[], Vec::as_slice)
    }

    /// Whether an object lies in a message that nobody has received.
    pub fn is_in_flight(&self, object: ObjectId) -> bool {
        self.in_flight.contains(&object)
    }

    /// A process's threads that made recorded calls: indices of [`fencelab_trace::Session::threads`].
    pub fn threads(&self, pid: u32) -> &[u32] {
        self.threads.get(&pid).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_futex_without_an_end_is_told_from_others() {
        let wait = format!("{} 0x7f00 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f01", FUTEX);
        assert!(is_private_futex(&wait));
        assert!(!is_private_futex(&wait.replace("0x189 0x0 0x0", "0x189 0x0 0x7ffe")), "it has a timeout");
        assert!(!is_private_futex(&wait.replace("0x189", "0x109")), "others can reach it");
        assert!(!is_private_futex("running\n"));
        assert!(!is_private_futex("-1 0x7ffd 0x7f01\n"));
    }
}
