//! Less memory than a case wants: a limit on its own cgroup, with swap to give way to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Stop;
use crate::must::{HasErrno, Must};

/// The cgroup v2 of this process; none where there is no such hierarchy.
///
/// # Errors
/// Fails where /proc does not say.
pub(crate) fn own_group() -> Result<Option<PathBuf>, Stop> {
    let own = fs::read_to_string("/proc/self/cgroup").must("read this process's cgroup")?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(path.map(|path| Path::new("/sys/fs/cgroup").join(path)))
}

/// The case's cgroup, limited until this is dropped.
#[derive(Debug)]
pub(crate) struct Squeeze {
    group: PathBuf,
}

impl Squeeze {
    /// At most `bytes` for this process and what the kernel charges to it: who asks for more, whatever it holds, goes through
    /// reclaim first (mm/memcontrol.c, `try_charge_memcg()`).
    ///
    /// # Errors
    /// Skips where the process has no cgroup to itself, where that has no memory controller, and where nothing could give
    /// way for want of swap.
    pub(crate) fn to(bytes: usize) -> Result<Squeeze, Stop> {
        let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
        if swaps.lines().count() < 2 {
            return Err(Stop::skip("no swap here: the case would be killed for want of memory"));
        }
        let group = own_group()?.ok_or_else(|| Stop::skip("no cgroup v2 to limit the case's memory in"))?;
        let mine = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        if mine.trim() != std::process::id().to_string() {
            return Err(Stop::skip(format!(
                "others live in {}: their memory is not limited",
                group.display()
            )));
        }
        let squeeze = Squeeze { group };
        match fs::write(squeeze.group.join("memory.max"), bytes.to_string()).map_err(|e| e.errno()) {
            Ok(()) => Ok(squeeze),
            Err(errno) => Err(Stop::skip(format!("the case's memory cannot be limited: {errno}"))),
        }
    }

    /// How many bytes of it are in swap now.
    ///
    /// # Errors
    /// Fails where the kernel does not say.
    pub(crate) fn swapped(&self) -> Result<u64, Stop> {
        let text = fs::read_to_string(self.group.join("memory.swap.current"));
        let text = text.must("read how much of the case is in swap")?;
        text.trim().parse().map_err(|_| Stop::fail(format!("memory.swap.current says `{}`", text.trim())))
    }
}

impl Drop for Squeeze {
    fn drop(&mut self) {
        // What follows is the case's cleanup: it must not be squeezed as well.
        let _ = fs::write(self.group.join("memory.max"), "max");
    }
}
