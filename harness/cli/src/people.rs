//! What live processes do, from /proc.

use std::fs;
use std::path::Path;

use fencelab_fences::graph::{Doing, People, Task};

/// Asks /proc.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proc;

impl People for Proc {
    fn tasks(&self, pid: u32) -> Option<Vec<Task>> {
        let folder = format!("/proc/{pid}/task");
        let Ok(entries) = fs::read_dir(&folder) else {
            // Gone; or /proc is not there to ask.
            return Path::new("/proc/self").exists().then(Vec::new);
        };
        let tids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let living = tids.filter(|tid| !is_dead(&folder, *tid));
        Some(living.map(|tid: u32| Task { tid, doing: doing(&format!("{folder}/{tid}/syscall")) }).collect())
    }
}

/// A zombie is dead, and so is what is about to be one.
fn is_dead(folder: &str, tid: u32) -> bool {
    let stat = fs::read_to_string(format!("{folder}/{tid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, None | Some('Z' | 'X'))
}

fn doing(path: &str) -> Doing {
    match fs::read_to_string(path) {
        Ok(call) if is_private_futex(&call) => Doing::Futex,
        _ => Doing::Other,
    }
}

/// Whether /proc/PID/syscall tells of a futex wait without a timeout that only the process's own threads can end: its
/// number, then its arguments (Documentation/filesystems/proc.rst).
fn is_private_futex(call: &str) -> bool {
    const COMMAND: u64 = 0x7f;
    const PRIVATE: u64 = 0x80;
    let mut words = call.split_whitespace();
    let number: Option<i64> = words.next().and_then(|word| word.parse().ok());
    let arguments: Vec<u64> =
        words.filter_map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect();
    let (Some(number), [_, operation, _, timeout, ..]) = (number, arguments.as_slice()) else { return false };
    // FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET.
    let waits = matches!(operation & COMMAND, 0 | 6 | 9);
    number == nix::libc::SYS_futex && waits && operation & PRIVATE != 0 && *timeout == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_futex_without_an_end_is_told_from_others() {
        let wait = format!("{} 0x7f00 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f01", nix::libc::SYS_futex);
        assert!(is_private_futex(&wait));
        assert!(!is_private_futex(&wait.replace("0x189 0x0 0x0", "0x189 0x0 0x7ffe")), "it has a timeout");
        assert!(!is_private_futex(&wait.replace("0x189", "0x109")), "others can reach it");
        assert!(!is_private_futex("running\n"));
        assert!(!is_private_futex("-1 0x7ffd 0x7f01\n"));
    }

    #[test]
    fn this_thread_lives_and_nobody_else_of_a_process_that_is_not_there() {
        let own = Proc.tasks(std::process::id()).unwrap();
        assert!(own.iter().any(|task| task.tid == nix::unistd::gettid().as_raw() as u32));
        assert_eq!(Proc.tasks(u32::MAX / 2), Some(Vec::new()));
    }
}
