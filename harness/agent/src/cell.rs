//! Where a job's processes live: a cgroup of their own, or, where there is none to be had, whatever descends from
//! this agent. Nothing of a job outlives it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use fencelab_suites::cgroup::own_group;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::tasks;

/// Makes cells.
#[derive(Debug)]
pub(crate) struct Cells {
    /// The cgroup below which cells are made.
    base: Option<PathBuf>,
    made: u64,
}

impl Cells {
    /// Looks for a cgroup v2 folder to make cells in: this process's own. Why there is none, where there is none.
    pub(crate) fn find() -> (Self, Option<String>) {
        // Orphans come to us: to be waited for, and without a cgroup to be found at all.
        let _ = nix::sys::prctl::set_child_subreaper(true);
        match own_group().and_then(usable) {
            Ok(base) => (Cells { base: Some(base), made: 0 }, None),
            Err(error) => {
                let cost = "processes that a case leaves behind are hunted one by one, and its memory is not counted";
                (Cells { base: None, made: 0 }, Some(format!("no cgroup v2 for cases ({error}): {cost}")))
            }
        }
    }

    /// A fresh cell.
    pub(crate) fn make(&mut self) -> Cell {
        self.made += 1;
        let group = self.base.as_ref().and_then(|base| Group::make(base, self.made).ok());
        match group {
            Some(group) => Cell::Group(group),
            None => Cell::Descendants,
        }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        if let Some(base) = &self.base {
            let _ = fs::remove_dir(base);
        }
    }
}

/// Makes our own folder there, with the memory and pids controllers where we may have them.
fn usable(own: PathBuf) -> io::Result<PathBuf> {
    // Only the root group may hold processes and hand controllers down. Elsewhere cells have what was handed to us: memory would
    // be refused, and pids would make a threaded domain of the group, below which no process can be started
    // (Documentation/admin-guide/cgroup-v2.rst, "Threads").
    if is_root(&own) {
        hand_down(&own);
    }
    remove_stale(&own);
    let base = own.join(format!("fencelab-{}", std::process::id()));
    match fs::create_dir(&base) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let kind = fs::read_to_string(base.join("cgroup.type"))?;
    if kind.trim() != "domain" {
        let _ = fs::remove_dir(&base);
        return Err(io::Error::other(format!("a group below {} is `{}`", own.display(), kind.trim())));
    }
    hand_down(&base);
    Ok(base)
}

/// Lets the groups below have the memory and pids controllers, as far as this one has them.
fn hand_down(group: &Path) {
    for controller in ["+memory", "+pids"] {
        let _ = write(&group.join("cgroup.subtree_control"), controller);
    }
}

/// The root group is the one that has no type.
fn is_root(group: &Path) -> bool {
    !group.join("cgroup.type").exists()
}

/// What agents that were killed left behind, the processes first.
fn remove_stale(own: &Path) {
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix("fencelab-")?.parse().ok());
        if owner.is_some_and(|pid| !tasks::lives(Pid::from_raw(pid))) {
            let _ = write(&entry.path().join("cgroup.kill"), "1");
            for job in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(job.path());
            }
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

/// Where one job's processes live.
#[derive(Debug)]
pub(crate) enum Cell {
    /// In a cgroup.
    Group(Group),
    /// Below this process, which is their subreaper.
    Descendants,
}

/// A cgroup, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    path: PathBuf,
    folder: OwnedFd,
    events: File,
}

/// The most processes that a job may have: a fork bomb ends here.
const PIDS_MAX: &str = "4096";

impl Group {
    fn make(base: &Path, number: u64) -> io::Result<Self> {
        let path = base.join(format!("job-{number}"));
        fs::create_dir(&path)?;
        let _ = write(&path.join("pids.max"), PIDS_MAX);
        let open = || Ok((File::open(&path)?.into(), File::open(path.join("cgroup.events"))?));
        match open() {
            Ok((folder, events)) => Ok(Group { path, folder, events }),
            Err(error) => {
                let _ = fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    /// Reading it is also what makes the descriptor quiet until the next change.
    fn is_populated(&self) -> bool {
        let mut text = [0; 128];
        let read = self.events.read_at(&mut text, 0).unwrap_or(0);
        text[..read].windows(11).any(|w| w == b"populated 1")
    }

    fn procs(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).map(Pid::from_raw).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Refused while an unkillable task is in it: then it stays, empty of purpose.
        let _ = fs::remove_dir(&self.path);
    }
}

impl Cell {
    /// Kills what lives in it, and waits so long for its end.
    pub(crate) fn empty(&self, within: Duration) {
        let until = Instant::now() + within;
        while !self.is_empty() && Instant::now() < until {
            self.kill();
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The folder to start the first process in.
    pub(crate) fn folder(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Cell::Group(group) => Some(group.folder.as_fd()),
            Cell::Descendants => None,
        }
    }

    /// A descriptor that is ready (POLLPRI) after the cell became empty. Without a cgroup SIGCHLD tells.
    pub(crate) fn events(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Cell::Group(group) => Some(group.events.as_fd()),
            Cell::Descendants => None,
        }
    }

    /// Whether nothing lives in it any more.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Cell::Group(group) => !group.is_populated(),
            Cell::Descendants => self.processes().is_empty(),
        }
    }

    /// The processes that live in it; dead ones that nobody has waited for are none.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let pids = match self {
            Cell::Group(group) => group.procs(),
            Cell::Descendants => tasks::descendants(nix::unistd::getpid()),
        };
        pids.into_iter().filter(|pid| tasks::lives(*pid)).collect()
    }

    /// Asks every process to end.
    pub(crate) fn terminate(&self) {
        for pid in self.processes() {
            let _ = kill(pid, Signal::SIGTERM);
        }
    }

    /// Kills every process, those that are being forked at this moment too.
    pub(crate) fn kill(&self) {
        if let Cell::Group(group) = self {
            // Since Linux 5.14; before that, and beside it, one by one.
            if write(&group.path.join("cgroup.kill"), "1").is_ok() {
                return;
            }
        }
        for pid in self.processes() {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// The highest memory use, in bytes.
    pub(crate) fn memory_peak(&self) -> Option<u64> {
        match self {
            Cell::Group(group) => {
                fs::read_to_string(group.path.join("memory.peak")).ok()?.trim().parse().ok()
            }
            Cell::Descendants => None,
        }
    }
}
