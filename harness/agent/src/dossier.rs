//! What is seen of a case that overran its limit, before anything is killed.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fencelab_bench::protocol::Dossier;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, pipe2};

use crate::tasks;

/// How long looking at a case may take. Reading a stack waits for a task that is in an exec, and `bufinfo` for the
/// reservation of every buffer, which is what a stuck case may be holding.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// debugfs' own lists of fences and buffers, the one that takes no sleeping lock first.
const LISTS: [&str; 2] = ["sync/info", "dma_buf/bufinfo"];

/// The longest list that is kept, in bytes.
const LIST: usize = 256 << 10;

/// A look that is being taken, by a thread that may never come back.
#[derive(Debug)]
pub(crate) struct Examination {
    seen: Arc<Mutex<Dossier>>,
    finished: OwnedFd,
    limit: Duration,
    until: Instant,
}

impl Examination {
    /// Begins to look at these processes, for that long at most.
    ///
    /// # Errors
    /// When there is no thread or pipe to be had.
    pub(crate) fn start(processes: Vec<Pid>, limit: Duration) -> io::Result<Self> {
        let seen = Arc::new(Mutex::new(Dossier::default()));
        let (finished, finish) = pipe2(OFlag::O_CLOEXEC)?;
        let shared = Arc::clone(&seen);
        thread::Builder::new().name("dossier".into()).spawn(move || {
            look(&processes, &shared);
            drop(finish);
        })?;
        Ok(Examination { seen, finished, limit, until: Instant::now() + limit })
    }

    /// Ready (POLLHUP) when the look is taken.
    pub(crate) fn finished(&self) -> BorrowedFd<'_> {
        self.finished.as_fd()
    }

    /// When it is given up.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// What has been seen so far.
    pub(crate) fn seen(&self) -> Dossier {
        let mut dossier = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let count = dossier.tasks.len();
        dossier.ladder.insert(0, format!("took the stacks of {count} tasks"));
        for list in LISTS {
            if !dossier.debugfs.iter().any(|(name, _)| name == list) {
                dossier
                    .ladder
                    .push(format!("debugfs {list} did not answer within {} s", self.limit.as_secs()));
            }
        }
        dossier
    }
}

/// Looks at these processes and waits for what is seen: all that there was, if it came within the limit.
///
/// # Errors
/// When there is no thread or pipe to be had.
pub fn examine(processes: Vec<Pid>, limit: Duration) -> io::Result<Dossier> {
    let examination = Examination::start(processes, limit)?;
    let mut fds = [PollFd::new(examination.finished(), PollFlags::POLLIN)];
    // What has been seen by then is what there is, however the wait ended.
    let _ = poll(&mut fds, PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX));
    Ok(examination.seen())
}

fn look(processes: &[Pid], seen: &Mutex<Dossier>) {
    let note =
        |add: &mut dyn FnMut(&mut Dossier)| add(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
    for pid in processes {
        let mut threads = tasks::threads(*pid);
        note(&mut |dossier| dossier.tasks.append(&mut threads));
    }
    let mut blocked = tasks::blocked_kernel_threads();
    note(&mut |dossier| dossier.blocked.append(&mut blocked));
    for list in LISTS {
        let text = match fs::read(format!("/sys/kernel/debug/{list}")) {
            Ok(text) => String::from_utf8_lossy(&text[..text.len().min(LIST)]).into_owned(),
            Err(error) => format!("({error})"),
        };
        note(&mut |dossier| dossier.debugfs.push((list.into(), text.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_names_every_process() {
        // Not this process: its list of threads is cut short when a thread of another test ends meanwhile.
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let examination = Examination::start(vec![Pid::from_raw(pid)], LIMIT).unwrap();
        let mut fds = [PollFd::new(examination.finished(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE).unwrap();
        let dossier = examination.seen();
        child.kill().unwrap();
        child.wait().unwrap();
        let seen: Vec<(i32, i32)> = dossier.tasks.iter().map(|t| (t.pid, t.tid)).collect();
        assert_eq!(seen, [(pid, pid)]);
        assert_eq!(dossier.debugfs.len(), LISTS.len());
        assert_eq!(dossier.ladder, ["took the stacks of 1 tasks"]);
    }
}
