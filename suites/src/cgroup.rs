//! The cgroup that a process lives in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// This process's cgroup, as a path below the cgroup v2 mount.
///
/// # Errors
/// /proc's, and that there is no such mount.
pub fn own_group() -> io::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    find_group(&mounts, &groups).ok_or_else(|| io::Error::other("cgroup2 is not mounted"))
}

/// A count of a cgroup's `memory.stat`: of bytes or of events (Documentation/admin-guide/cgroup-v2.rst). `None` without a
/// memory controller, or where the kernel does not count it.
pub(crate) fn memory_stat(group: &Path, name: &str) -> Option<u64> {
    let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
    let count = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    count.trim().parse().ok()
}

/// In /proc/PID/mountinfo (proc_pid_mountinfo(5)) the file system's type follows a lone dash, and the mount point is
/// the fifth field; in /proc/PID/cgroup the line of v2 begins with `0::`.
fn find_group(mounts: &str, groups: &str) -> Option<PathBuf> {
    let is_v2 = |line: &&str| line.split_once(" - ").is_some_and(|(_, rest)| rest.starts_with("cgroup2 "));
    let mount = mounts.lines().find(is_v2)?.split(' ').nth(4)?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_beside_version_one() {
        let mounts = "25 30 0:22 / /sys rw - sysfs sysfs rw\n\
                      33 25 0:28 / /sys/fs/cgroup/cpu rw shared:1 - cgroup cgroup rw,cpu\n\
                      34 25 0:29 / /sys/fs/cgroup/unified rw shared:2 - cgroup2 cgroup2 rw\n";
        let groups = "1:cpu:/other\n0::/user.slice/a\n";
        let found = find_group(mounts, groups);
        assert_eq!(found.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/user.slice/a")));
        assert_eq!(find_group(mounts, "1:cpu:/\n"), None);
        assert_eq!(find_group("25 30 0:22 / /sys rw - sysfs sysfs rw\n", groups), None);
    }
}
