//! Less memory than a case wants: a limit on its own cgroup, with swap to give way to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::case::Stop;
use crate::cgroup::own_group;
use crate::must::HasErrno;

/// Swap that must be free, in bytes: more than any case holds.
const SWAP: u64 = 64 << 20;

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
        let group =
            own_group().map_err(|e| Stop::skip(format!("no cgroup to limit the case's memory in: {e}")))?;
        let procs = fs::read_to_string(group.join("cgroup.procs")).map_err(|e| unreadable(&group, &e))?;
        if procs.trim() != std::process::id().to_string() {
            return Err(Stop::skip(format!(
                "others live in {}: their memory is not limited",
                group.display()
            )));
        }
        let (free, allowed) = (free_swap(), allowed_swap(&group));
        if free.min(allowed) < SWAP {
            let mib = free.min(allowed) >> 20;
            return Err(Stop::skip(format!(
                "{mib} MiB of swap for the case, which needs {} MiB",
                SWAP >> 20
            )));
        }
        let squeeze = Squeeze { group };
        match fs::write(squeeze.group.join("memory.max"), bytes.to_string()).map_err(|e| e.errno()) {
            Ok(()) => Ok(squeeze),
            Err(errno) => Err(Stop::skip(format!("the case's memory cannot be limited: {errno}"))),
        }
    }

    /// How many bytes of it are in swap now; `None` where the kernel does not count them.
    pub(crate) fn swapped(&self) -> Option<u64> {
        fs::read_to_string(self.group.join("memory.swap.current")).ok()?.trim().parse().ok()
    }
}

/// How often a case is tried before nothing of it gives way.
const ATTEMPTS: usize = 3;

/// Tries a case until some of its bytes were in swap while it was squeezed, as the attempt says at its end; skips where none
/// ever were.
pub(crate) fn until_swapped(
    whose: &str,
    mut attempt: impl FnMut() -> Result<Option<u64>, Stop>,
) -> Result<(), Stop> {
    for _ in 0..ATTEMPTS {
        if attempt()?.is_some_and(|bytes| bytes > 0) {
            return Ok(());
        }
    }
    Err(Stop::skip(format!(
        "nothing had to give way in {ATTEMPTS} attempts: {whose} pages are not counted as the case's"
    )))
}

impl Drop for Squeeze {
    fn drop(&mut self) {
        // What follows is the case's cleanup: it must not be squeezed as well.
        let _ = fs::write(self.group.join("memory.max"), "max");
    }
}

fn unreadable(group: &Path, error: &io::Error) -> Stop {
    Stop::skip(format!("who lives in {} cannot be read: {error}", group.display()))
}

/// Swap that nobody has taken, in bytes: the columns Size and Used of /proc/swaps are in KiB (mm/swapfile.c, `swap_show()`).
fn free_swap() -> u64 {
    let text = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let free = |line: &str| {
        let mut columns = line.split_ascii_whitespace().skip(2).map(str::parse::<u64>);
        Some(columns.next()?.ok()?.saturating_sub(columns.next()?.ok()?))
    };
    text.lines().skip(1).filter_map(free).sum::<u64>() << 10
}

/// How much swap a group and all above it may have, in bytes: `memory.swap.max` is a number or `max`, and the root has none.
fn allowed_swap(group: &Path) -> u64 {
    let limits = group.ancestors().filter_map(|at| fs::read_to_string(at.join("memory.swap.max")).ok());
    limits.filter_map(|text| text.trim().parse().ok()).min().unwrap_or(u64::MAX)
}
