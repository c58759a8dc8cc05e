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
    list.extend(nodes(Path::new("/dev")));
    list.extend(firmware(&kernel_log()));
    list.extend(findings.trouble.iter().cloned());
    list
}

/// Device nodes that this user may not open: no case runs on them.
fn nodes(dev: &Path) -> Vec<String> {
    let folder = |name: &str| fs::read_dir(dev.join(name)).into_iter().flatten().flatten().map(|e| e.path());
    let candidates = folder("dri").chain(folder("dma_heap")).chain([dev.join("udmabuf")]);
    let denied = |path: &std::path::PathBuf| {
        let opened = File::options().read(true).write(true).open(path);
        opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    let mut list: Vec<String> = candidates
        .filter(|path| !path.is_dir() && denied(path))
        .map(|path| format!("{} may not be opened by this user: no case runs on it", path.display()))
        .collect();
    list.sort();
    list
}

/// The whole kernel log as it is now; nothing where it may not be read, which has its own line.
fn kernel_log() -> String {
    let mut bytes = vec![0u8; 8 << 20];
    const READ_ALL: libc::c_int = 3;
    // SAFETY: the kernel writes at most the length that it is given into the live buffer.
    let len = unsafe { libc::klogctl(READ_ALL, bytes.as_mut_ptr().cast(), 8 << 20) };
    bytes.truncate(usize::try_from(len).unwrap_or(0));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Firmware that a driver asked for and did not get (`drivers/base/firmware_loader/main.c`).
fn firmware(log: &str) -> Vec<String> {
    let asked = |line: &str| {
        let (before, after) = line.split_once("Direct firmware load for ")?;
        let name = after.split_whitespace().next()?;
        let device = before.rsplit("] ").next().unwrap_or(before).trim_end_matches([':', ' ']);
        Some(format!("the firmware {name} is missing ({device}): its device lacks what that is for"))
    };
    let mut list: Vec<String> = log.lines().filter_map(asked).collect();
    list.sort();
    list.dedup();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_that_did_not_come_is_named_once() {
        let line =
            "[    3.1] amdgpu 0000:0b:00.0: Direct firmware load for amdgpu/psp.bin failed with error -2\n";
        let found = firmware(&format!("{line}noise\n{line}"));
        assert_eq!(
            found,
            [
                "the firmware amdgpu/psp.bin is missing (amdgpu 0000:0b:00.0): its device lacks what that is for"
            ]
        );
    }

    #[test]
    fn nodes_that_open_are_no_finding() {
        let dev = tempfile::tempdir().unwrap();
        fs::create_dir(dev.path().join("dri")).unwrap();
        fs::write(dev.path().join("dri/card0"), "").unwrap();
        assert_eq!(nodes(dev.path()), Vec::<String>::new());
    }
}
