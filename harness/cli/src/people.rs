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
    fs::read_to_string(path).map_or(Doing::Other, |call| Doing::from_syscall(&call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_lives_and_nobody_else_of_a_process_that_is_not_there() {
        let own = Proc.tasks(std::process::id()).unwrap();
        assert!(own.iter().any(|task| task.tid == nix::unistd::gettid().as_raw() as u32));
        assert_eq!(Proc.tasks(u32::MAX / 2), Some(Vec::new()));
    }
}
