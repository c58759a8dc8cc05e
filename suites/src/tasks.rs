//! Kernel threads that sleep inside a function: which worker serves a commit that hangs.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::case::Stop;
use crate::must::HasErrno;
use crate::waiter::state;

/// How long a worker may take to get there on a loaded, emulated machine.
const PATIENCE: Duration = Duration::from_secs(4);

/// A kernel thread, asleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleeper {
    /// Its id, as kernel reports name it.
    pub tid: i32,
    /// Its name, `kworker/u8:1`.
    pub name: String,
    /// `S` or `D`.
    pub state: char,
}

/// The kernel threads whose stack holds `function`, once there are `count` of them.
///
/// # Errors
/// Skips where stacks cannot be read (not root, or no `CONFIG_STACKTRACE`), fails where there are never as many.
pub fn kernel_threads_in(function: &str, count: usize) -> Result<Vec<Sleeper>, Stop> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let found = look(function)?;
        if found.len() == count {
            return Ok(found);
        }
        if Instant::now() > patience {
            return Err(Stop::fail(format!(
                "kernel threads in {function}: expected {count}, found {found:?}"
            )));
        }
        sleep(Duration::from_millis(20));
    }
}

fn look(function: &str) -> Result<Vec<Sleeper>, Stop> {
    let entries = fs::read_dir("/proc").map_err(|e| Stop::fail(format!("failed to list /proc: {e}")))?;
    let tids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    let mut found = Vec::new();
    for tid in tids {
        found.extend(sleeper(tid, function)?);
    }
    Ok(found)
}

/// The thread, if it is one of the kernel's and sleeps in `function`; one that went meanwhile is none.
fn sleeper(tid: i32, function: &str) -> Result<Option<Sleeper>, Stop> {
    let read = |file| fs::read_to_string(format!("/proc/{tid}/{file}"));
    // Of all processes only the kernel's own have no memory map.
    if read("maps").map_or(true, |maps| !maps.is_empty()) {
        return Ok(None);
    }
    let stack = match read("stack") {
        Ok(stack) => stack,
        Err(error) if matches!(error.errno(), Errno::EACCES | Errno::EPERM) => {
            return Err(Stop::skip(format!("the kernel's stacks cannot be read: {error}")));
        }
        Err(_) => return Ok(None),
    };
    let has = stack.lines().any(|line| function_of(line) == Some(function));
    let state = read("stat").ok().as_deref().and_then(state);
    match (has, state) {
        (true, Some(state @ ('S' | 'D'))) => {
            let name = read("comm").unwrap_or_default().trim().to_owned();
            Ok(Some(Sleeper { tid, name, state }))
        }
        _ => Ok(None),
    }
}

/// The function of a line of `/proc/TID/stack`: `[<0>] dma_fence_default_wait+0x1b0/0x250 [module]`.
fn function_of(line: &str) -> Option<&str> {
    line.split_once("] ")?.1.split('+').next()
}

#[cfg(test)]
mod tests {
    use super::function_of;

    #[test]
    fn a_stack_s_line_names_its_function() {
        assert_eq!(function_of("[<0>] commit_work+0x12/0x50 [drm_kms_helper]"), Some("commit_work"));
        assert_eq!(function_of("[<0>] 0xffffffff"), Some("0xffffffff"));
        assert_eq!(function_of(""), None);
    }
}
