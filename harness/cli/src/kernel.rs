//! What the kernel says of recorded processes: taken by `watch`, kept in the session's folder, read by `analyze`.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fencelab_events::Dossier;
use fencelab_fences::kernel::{Look, Task};

/// In a session's folder.
const FOLDER: &str = "kernel";

/// debugfs' own lists of fences and buffers, the one that takes no sleeping lock first.
const LISTS: [&str; 2] = ["sync/info", "dma_buf/bufinfo"];

/// How long all lists together may take: bufinfo takes the reservation of every buffer, which may be what is stuck.
const LIMIT: Duration = Duration::from_secs(1);

/// The looks that lie in a session's folder.
pub(crate) fn read(folder: &Path) -> Result<Vec<Look>> {
    let Ok(entries) = fs::read_dir(folder.join(FOLDER)) else { return Ok(Vec::new()) };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    paths.sort();
    let look = |path: &std::path::PathBuf| {
        let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))
    };
    paths.iter().map(look).collect()
}

/// Keeps a look in a session's folder.
pub(crate) fn keep(folder: &Path, look: &Look) -> Result<()> {
    let folder = folder.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let path = folder.join(format!("{:020}.json", look.at_ns));
    fs::write(&path, serde_json::to_vec(look)?).with_context(|| format!("write {}", path.display()))
}

/// What a run's agent saw of a stuck case.
pub(crate) fn of_dossier(dossier: &Dossier) -> Look {
    let task = |task: &fencelab_events::Task| Task {
        pid: task.pid.cast_unsigned(),
        tid: task.tid.cast_unsigned(),
        comm: task.comm.clone(),
        state: task.state.to_string(),
        syscall: task.syscall.clone(),
        stack: task.stack.clone(),
    };
    let tasks = dossier.tasks.iter().chain(&dossier.blocked).map(task).collect();
    Look { at_ns: 0, tasks, lists: dossier.debugfs.clone() }
}

/// Looks at processes and at the kernel's own threads that sleep uninterruptibly, at that time by CLOCK_MONOTONIC.
pub(crate) fn take(pids: &[u32], at_ns: u64) -> Look {
    let mut tasks: Vec<Task> = pids.iter().flat_map(|pid| threads(*pid)).collect();
    tasks.extend(blocked_kernel_threads());
    Look { at_ns, tasks, lists: lists() }
}

fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn threads(pid: u32) -> Vec<Task> {
    let tids = numbers(&format!("/proc/{pid}/task"));
    tids.into_iter().filter_map(|tid| task(pid, tid)).collect()
}

fn task(pid: u32, tid: u32) -> Option<Task> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/task/{tid}/{name}"));
    let stat = read("stat").ok()?;
    // The name may hold parentheses of its own: its last one closes it (proc_pid_stat(5)).
    let (head, rest) = stat.rsplit_once(") ")?;
    let comm = head.split_once(" (")?.1.to_owned();
    let state = rest.chars().take(1).collect();
    let line = |name| read(name).unwrap_or_default().trim_end().to_owned();
    Some(Task { pid, tid, comm, state, syscall: line("syscall"), stack: line("stack") })
}

/// Kernel threads have no command line.
fn blocked_kernel_threads() -> Vec<Task> {
    let is_kernel = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.is_empty());
    let tasks = numbers("/proc").into_iter().filter(is_kernel).filter_map(|pid| task(pid, pid));
    tasks.filter(|task| task.state == "D").collect()
}

/// The lists, as far as they can be read in time: whoever reads one may sleep for ever.
fn lists() -> Vec<(String, String)> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for name in LISTS {
            let text = fs::read(format!("/sys/kernel/debug/{name}"));
            let text =
                text.map_or_else(|error| format!("({error})"), |text| String::from_utf8_lossy(&text).into());
            if send.send((name.to_owned(), text)).is_err() {
                return;
            }
        }
    });
    let until = Instant::now() + LIMIT;
    let next = || receive.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_kept_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let look = take(&[std::process::id()], 7);
        assert!(look.tasks.iter().any(|task| task.tid == std::process::id()), "{look:?}");
        assert_eq!(look.lists.len(), LISTS.len());
        keep(folder.path(), &look).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [look]);
    }

    #[test]
    fn a_damaged_look_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        fs::write(folder.path().join(FOLDER).join("1.json"), "{").unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(format!("{error:#}").contains("kernel/1.json"), "{error:#}");
    }
}
