//! Tasks as /proc shows them (proc_pid_stat(5)).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use fencelab_bench::protocol::Task;
use nix::unistd::Pid;

/// The fields of /proc/PID/stat that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) comm: String,
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) flags: u32,
}

impl Stat {
    /// Reads a task's line; none when the task is gone.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&fs::read(folder.join("stat")).ok()?))
    }

    /// The name may hold spaces and parentheses of its own: its last one closes it.
    fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        let (comm, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let flags = fields.nth(4)?.parse().ok()?;
        Some(Stat { pid: pid.parse().ok()?, comm: comm.into(), state, parent, flags })
    }

    /// PF_KTHREAD (include/linux/sched.h).
    pub(crate) fn is_kernel_thread(&self) -> bool {
        self.flags & 0x0020_0000 != 0
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Every process of the machine.
pub(crate) fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_pid = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
    entries
        .filter(|e| e.file_name().to_str().is_some_and(is_pid))
        .filter_map(|e| Stat::read(&e.path()))
        .collect()
}

/// Whether a process runs, or could: a dead one that nobody has waited for yet does not. A dead leader whose other
/// threads live is alive.
pub(crate) fn lives(pid: Pid) -> bool {
    let folder = format!("/proc/{pid}/task");
    let threads = fs::read_dir(folder).into_iter().flatten().flatten();
    threads.filter_map(|t| Stat::read(&t.path())).any(|t| !t.is_dead())
}

/// The processes below `root`.
pub(crate) fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for stat in all() {
        children.entry(stat.parent).or_default().push(stat.pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root.as_raw()];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(Pid::from_raw(child));
            open.push(child);
        }
    }
    found
}

/// Every thread of a process, with its stack where it can be read.
pub(crate) fn threads(pid: Pid) -> Vec<Task> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| task(pid.as_raw(), &entry.path())).collect()
}

/// Kernel threads in uninterruptible sleep.
pub(crate) fn blocked_kernel_threads() -> Vec<Task> {
    let is_blocked = |stat: &Stat| stat.is_kernel_thread() && stat.state == 'D';
    let blocked = all().into_iter().filter(is_blocked);
    blocked.filter_map(|stat| task(stat.pid, Path::new(&format!("/proc/{}", stat.pid)))).collect()
}

fn task(pid: i32, folder: &Path) -> Option<Task> {
    let stat = Stat::read(folder)?;
    let read = |name: &str| {
        let text = fs::read(folder.join(name)).unwrap_or_else(|error| format!("({error})").into());
        String::from_utf8_lossy(&text).trim_end().to_owned()
    };
    Some(Task {
        pid,
        tid: stat.pid,
        comm: stat.comm,
        state: stat.state,
        wchan: read("wchan"),
        syscall: read("syscall"),
        stack: read("stack"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_is_read_whole() {
        let line = "12 (a) b (c)) D 2 0 0 0 -1 69238880 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.pid, stat.comm.as_str(), stat.state, stat.parent), (12, "a) b (c)", 'D', 2));
        assert!(stat.is_kernel_thread());
        assert_eq!(Stat::parse("12 (a"), None);
    }

    #[test]
    fn this_process_and_its_threads_are_there() {
        let own = nix::unistd::getpid();
        assert!(lives(own));
        assert!(threads(own).iter().all(|t| t.pid == own.as_raw()) && !threads(own).is_empty());
        let parent = nix::unistd::getppid();
        assert!(descendants(parent).contains(&own));
        assert!(!descendants(own).contains(&own));
    }
}
