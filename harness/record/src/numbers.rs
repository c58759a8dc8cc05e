//! The numbers that processes and threads have in pid namespaces of their own, by which the shim in them knows them.

use std::collections::{HashMap, HashSet};
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use fencelab_abi::ChunkKind;
use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::process::ProcessInfo;
use fencelab_trace::Machine;

use crate::pool::Pool;
use crate::tree;

/// A process, as its pid namespace numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    /// Inode of the namespace; 0: not known.
    pub(crate) namespace: u32,
    pub(crate) pid: u32,
}

impl Number {
    /// That of the process which is `pid` in /proc here; `None`: it is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let own = innermost(&format!("/proc/{pid}/status"))?.0;
        Some(Self { namespace: namespace(pid), pid: own })
    }

    /// What /proc here calls the process of that number; `None`: it is gone, or may not be looked at, or /proc is another
    /// namespace's.
    pub(crate) fn here(self, machine: &Machine) -> Option<u32> {
        if !is_this_namespace() || self.namespace == 0 {
            return None;
        }
        if machine.numbers(self.namespace) {
            return Some(self.pid);
        }
        numbers_in("/proc").find(|&pid| Self::of(pid) == Some(self))
    }

    /// Whether both may be of one process: where a namespace is not known, the number alone says so.
    fn may_be(self, other: Self) -> bool {
        let unknown = self.namespace == 0 || other.namespace == 0;
        self.pid == other.pid && (unknown || self.namespace == other.namespace)
    }
}

/// The processes that the shim has entered in a pool.
#[derive(Default)]
pub(crate) struct Entered(HashMap<u32, Vec<Number>>);

impl Entered {
    pub(crate) fn of(pool: &Pool) -> Self {
        let mut entered = Self::default();
        for index in 0..pool.used() {
            if ChunkInfo::decode(pool.chunk_head(index)).is_none_or(|info| info.kind != ChunkKind::Process) {
                continue;
            }
            if let Some(process) = ProcessInfo::decode(&pool.chunk(index)) {
                let number = Number { namespace: process.pid_namespace, pid: process.pid };
                entered.0.entry(number.pid).or_default().push(number);
            }
        }
        entered
    }

    pub(crate) fn has(&self, number: Number) -> bool {
        self.0.get(&number.pid).is_some_and(|known| known.iter().any(|known| known.may_be(number)))
    }
}

/// A thread of a process, as its pid namespace numbers it.
pub(crate) type Task = (Number, u32);

/// Threads that are there, looked up in /proc: those of other namespaces once, all together.
pub(crate) struct Alive {
    machine: Machine,
    /// Of the namespaces below the one that /proc shows.
    below: Option<HashSet<Task>>,
}

impl Alive {
    /// To be asked about threads that were met before: /proc is looked at later.
    pub(crate) fn new() -> Self {
        Self { machine: Machine::here(), below: None }
    }

    /// Whether a thread is there. Of one in an unknown namespace it is said late rather than early that it is gone: as long as
    /// any thread has its numbers.
    pub(crate) fn has(&mut self, (number, tid): Task) -> bool {
        if self.machine.numbers(number.namespace) && is_this_namespace() {
            return tree::is_alive(number.pid, tid);
        }
        let below = self.below.get_or_insert_with(below);
        let here = || number.namespace == 0 && tree::is_alive(number.pid, tid);
        let there = |namespace| below.contains(&(Number { namespace, ..number }, tid));
        // Tasks whose namespace may not be read are under 0.
        let any = || below.iter().any(|&(other, thread)| other.pid == number.pid && thread == tid);
        there(number.namespace) || there(0) || here() || number.namespace == 0 && any()
    }
}

/// Whether /proc numbers processes as we are numbered.
fn is_this_namespace() -> bool {
    let own = std::fs::read_link("/proc/self").ok();
    own.is_some_and(|own| own == Path::new(&std::process::id().to_string()))
}

/// All threads that /proc numbers otherwise than their own namespace does.
fn below() -> HashSet<Task> {
    let mut found = HashSet::new();
    for pid in numbers_in("/proc") {
        let Some((own, depth)) = innermost(&format!("/proc/{pid}/status")) else { continue };
        if depth < 2 {
            continue;
        }
        let number = Number { namespace: namespace(pid), pid: own };
        for tid in numbers_in(&format!("/proc/{pid}/task")) {
            let tid = innermost(&format!("/proc/{pid}/task/{tid}/status"));
            found.extend(tid.map(|(tid, _)| (number, tid)));
        }
    }
    found
}

fn numbers_in(folder: &str) -> impl Iterator<Item = u32> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Inode of a process's pid namespace; 0 of one that we may not look at.
fn namespace(pid: u32) -> u32 {
    std::fs::metadata(format!("/proc/{pid}/ns/pid")).map_or(0, |ns| ns.st_ino() as u32)
}

/// The last number in the line `NSpid` of a status file, and how many there are: from the namespace of /proc inwards
/// (proc_pid_status(5), since Linux 4.1).
fn innermost(status: &str) -> Option<(u32, usize)> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some((line.split_whitespace().last()?.parse().ok()?, line.split_whitespace().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_its_own_number() {
        let own = std::process::id();
        let number = Number::of(own).unwrap();
        assert_eq!(number.pid, own);
        assert_ne!(number.namespace, 0);
        assert_eq!(Number::of(0x7fff_fff0), None);
        let mut alive = Alive::new();
        assert!(alive.has((number, own)));
        assert!(!alive.has((number, 0x7fff_fff0)));
        // In an unknown namespace it may be this one; in another one it is not.
        assert!(alive.has((Number { namespace: 0, ..number }, own)));
        assert!(!alive.has((Number { namespace: 1, ..number }, own)));
    }

    #[test]
    fn a_number_is_found_in_its_own_namespace_alone() {
        let (machine, own) = (Machine::here(), Number::of(std::process::id()).unwrap());
        assert_eq!(own.here(&machine), Some(own.pid));
        assert_eq!(Number { namespace: 1, ..own }.here(&machine), None);
        assert_eq!(Number { namespace: 0, ..own }.here(&machine), None);
    }

    #[test]
    fn a_number_says_nothing_of_another_namespace() {
        let number = |namespace, pid| Number { namespace, pid };
        assert!(number(5, 1).may_be(number(5, 1)) && number(0, 1).may_be(number(5, 1)));
        assert!(!number(5, 1).may_be(number(6, 1)) && !number(0, 1).may_be(number(5, 2)));
    }
}
