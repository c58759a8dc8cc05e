//! The processes below this one, as /proc shows them now.

use std::collections::HashMap;
use std::path::PathBuf;

/// A process that runs, or has ended and was not waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Its program; none of a process that has ended or is the kernel's.
    pub(crate) exe: Option<PathBuf>,
}

/// Every process that descends from `root`, without it.
pub(crate) fn descendants(root: u32) -> Vec<Process> {
    let parents = parents();
    let descends = |mut pid: u32| {
        // A chain of parents is short; a process that ends meanwhile may leave it without an end.
        for _ in 0..64 {
            match parents.get(&pid) {
                Some(&parent) if parent == root => return true,
                Some(&parent) => pid = parent,
                None => return false,
            }
        }
        false
    };
    let pids = parents.keys().copied().filter(|&pid| descends(pid));
    pids.map(|pid| Process { pid, exe: std::fs::read_link(format!("/proc/{pid}/exe")).ok() }).collect()
}

/// Each process's parent.
fn parents() -> HashMap<u32, u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, parent(pid)?))).collect()
}

/// The fourth word of /proc/pid/stat; the second, in parentheses, may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a thread of a process is there.
pub(crate) fn is_alive(pid: u32, tid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}/task/{tid}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = descendants(std::process::id());
        assert!(found.iter().any(|process| process.pid == child.id()), "{found:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
