//! What keeps a machine from showing all it could, each thing with what it costs.

use std::fs::{self, File};
use std::path::Path;

use fencelab_bench::protocol::Lockdep;

/// What the agent has got of this machine so far.
pub(crate) struct Findings<'a> {
    /// Why the kernel log cannot be read, if so.
    pub(crate) kmsg: Option<String>,
    /// Records name their callers; unknown before there is one.
    pub(crate) callers: Option<bool>,
    /// Why fences cannot be traced, if so.
    pub(crate) trace: Option<String>,
    /// Why cases get no cgroup, if so.
    pub(crate) cells: Option<String>,
    /// Lockdep's state.
    pub(crate) lockdep: Lockdep,
    /// Things that went wrong at the start: modules that did not load.
    pub(crate) trouble: &'a [String],
}

/// The list.
pub(crate) fn examine(findings: &Findings<'_>) -> Vec<String> {
    let mut list = Vec::new();
    let root = nix::unistd::geteuid().is_root();
    if !root {
        list.push("not root: what only root may read or open is missing below".into());
    }
    match findings.lockdep {
        Lockdep::Armed => {}
        Lockdep::Off => list.push(
            "lockdep is off since an earlier report of this boot: no result can be called clean before a reboot".into(),
        ),
        Lockdep::Absent if Path::new("/proc/lockdep_stats").exists() => {
            list.push("lockdep's state cannot be read: results cannot be told from those with lockdep off".into());
        }
        Lockdep::Absent => list.push(
            "the kernel has no lockdep (CONFIG_PROVE_LOCKING): no broken rule about locks shows itself".into(),
        ),
    }
    if let Some(error) = &findings.kmsg {
        list.push(format!("the kernel log cannot be read (/dev/kmsg: {error}): no splat is seen"));
    }
    if findings.callers == Some(false) {
        list.push(
            "kernel messages do not name their caller (CONFIG_PRINTK_CALLER): splats are tied to cases by comm and time"
                .into(),
        );
    }
    if let Some(error) = &findings.trace {
        list.push(format!(
            "fences are not traced ({error}): hangs are judged without the fences' own events"
        ));
    }
    list.extend(findings.cells.clone());
    if !readable("/proc/self/stack") {
        list.push("stacks cannot be read (/proc/PID/stack): a stuck case's dossier has none".into());
    }
    list.extend(debugfs(root));
    let hung = fs::read_to_string("/proc/sys/kernel/hung_task_timeout_secs");
    if hung.map_or(true, |text| text.trim() == "0") {
        list.push("hung tasks are not detected (CONFIG_DETECT_HUNG_TASK or its timeout is 0)".into());
    }
    list.extend(findings.trouble.iter().cloned());
    list
}

fn debugfs(root: bool) -> Option<String> {
    const COST: &str = "no sw_sync fences, and dossiers without lists of fences and buffers";
    let folder = Path::new("/sys/kernel/debug");
    if fs::read_dir(folder).is_err() && !root {
        return Some(format!("debugfs cannot be read: {COST}"));
    }
    if fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none()) {
        return Some(format!("debugfs is not mounted on /sys/kernel/debug: {COST}"));
    }
    if !folder.join("sync/sw_sync").exists() {
        return Some(
            "the kernel has no sw_sync (CONFIG_SW_SYNC): cases that need a fence at will are skipped".into(),
        );
    }
    None
}

fn readable(path: &str) -> bool {
    File::open(path).and_then(std::io::read_to_string).is_ok()
}
