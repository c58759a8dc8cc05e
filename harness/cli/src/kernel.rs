//! What the kernel says of recorded processes: taken by `watch`, kept in the session's folder, read by `analyze`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fencelab_events::Dossier;
use fencelab_fences::kernel::{Look, Task};
use nix::unistd::Pid;

/// In a session's folder.
const FOLDER: &str = "kernel";

/// How long a look may take: debugfs' list of buffers takes the reservation of each, which may be what is stuck. Whoever
/// watches waits for it.
const LIMIT: Duration = Duration::from_millis(300);

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

/// What an agent saw, of a stuck case for one.
pub(crate) fn of_dossier(dossier: &Dossier) -> Look {
    let task = |task: &fencelab_events::Task| Task {
        pid: task.pid.cast_unsigned(),
        tid: task.tid.cast_unsigned(),
        comm: task.comm.clone(),
        state: task.state.to_string(),
        syscall: task.syscall.clone(),
        // In its place an agent says in parentheses why it could not be read.
        stack: if task.stack.starts_with('(') { String::new() } else { task.stack.clone() },
    };
    let tasks = dossier.tasks.iter().chain(&dossier.blocked).map(task).collect();
    Look { at_ns: 0, tasks, lists: dossier.debugfs.clone() }
}

/// Looks at processes and at the kernel's own threads that sleep uninterruptibly, at that time by CLOCK_MONOTONIC.
pub(crate) fn take(pids: &[u32], at_ns: u64) -> Result<Look> {
    let pids = pids.iter().map(|pid| Pid::from_raw(pid.cast_signed())).collect();
    let dossier = fencelab_agent::examine(pids, LIMIT).context("look at the kernel")?;
    Ok(Look { at_ns, ..of_dossier(&dossier) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_kept_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let look = take(&[std::process::id()], 7).unwrap();
        assert!(look.tasks.iter().any(|task| task.tid == std::process::id()), "{look:?}");
        assert_eq!(look.lists.len(), 2);
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
