//! Processes that ran unrecorded, and why.
//!
//! Three accounts are compared with the processes that the shim has entered in the pool: what /proc showed while the command
//! ran, the children that recorded processes made, and the programs that they turned into by exec.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fencelab_abi::Kind;
use fencelab_abi::process::{Entry, ProcessInfo};
use fencelab_abi::section::PATH;
use fencelab_trace::{Chunk, chunks};

use crate::elf::{Program, program};
use crate::pool::Pool;

/// A process that ran unrecorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// Process.
    pub pid: u32,
    /// Its program, as far as it is known.
    pub program: Option<PathBuf>,
    /// Why.
    pub reason: Reason,
}

/// Why the shim did not get into a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The program is linked statically: no ld.so, no preload.
    Static,
    /// The program is for another machine, or for 32 bits.
    Foreign,
    /// The program is set-user-ID or has capabilities: ld.so takes no preload from the environment.
    Privileged,
    /// It was started with an environment that lacks the session.
    Environment,
    /// An earlier chroot, change of user, or filter of system calls kept it from the session.
    Confined,
    /// Another program traced it, a debugger maybe, and a process has one tracer.
    Traced,
    /// None of the known ways.
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Static => "it is linked statically",
            Self::Foreign => "it is built for another machine",
            Self::Privileged => "it is set-user-ID",
            Self::Environment => "its environment lacks the session",
            Self::Confined => "its process was confined before it was started",
            Self::Traced => "another program traced it",
            Self::Unknown => "the reason is not known",
        })
    }
}

/// A program that the records say was started.
#[derive(Clone, Debug)]
struct Started {
    /// When, in ticks.
    at: u64,
    path: PathBuf,
    lacks_session: bool,
}

/// What the pool says of processes.
#[derive(Default)]
pub(crate) struct Account {
    /// By process: when each of its programs was seen to start, in ticks. Forked children are in with 0.
    seen: HashMap<u32, Vec<u64>>,
    started: BTreeMap<u32, Started>,
    confined: HashMap<u32, u64>,
}

impl Account {
    /// Reads the whole pool.
    pub(crate) fn of(pool: &Pool) -> Self {
        let mut account = Self::default();
        for (_, chunk) in chunks(pool) {
            match chunk.process() {
                Some(process) => account.process(&process),
                None => account.records(&chunk),
            }
        }
        account
    }

    fn process(&mut self, process: &ProcessInfo<'_>) {
        let at = if process.entry == Some(Entry::Fork) { 0 } else { process.seen };
        self.seen.entry(process.pid).or_default().push(at);
    }

    fn records(&mut self, chunk: &Chunk) {
        let pid = chunk.info.pid;
        for (index, slot) in chunk.records() {
            let start = || {
                let path = chunk.section(index, &slot, PATH).unwrap_or_default();
                let path = PathBuf::from(OsStr::from_bytes(&path));
                Started { at: slot.enter, path, lacks_session: slot.request != 0 }
            };
            match Kind::from_u8(slot.kind) {
                Some(Kind::Exec) if slot.result < 0 => _ = self.started.remove(&pid),
                Some(Kind::Exec) => _ = self.started.insert(pid, start()),
                Some(Kind::Spawn) if slot.result > 0 => _ = self.started.insert(slot.result as u32, start()),
                Some(Kind::Confined) => _ = self.confined.insert(pid, slot.enter),
                _ => {}
            }
        }
    }

    /// Whether the shim got into a process at all.
    pub(crate) fn has(&self, pid: u32) -> bool {
        self.seen.contains_key(&pid)
    }

    /// Programs that were started and never entered themselves in the pool.
    pub(crate) fn missing(&self) -> Vec<Unseen> {
        let entered =
            |pid: &u32, at: u64| self.seen.get(pid).is_some_and(|times| times.iter().any(|&time| time >= at));
        let missing = self.started.iter().filter(|(pid, started)| !entered(pid, started.at));
        missing.map(|(&pid, started)| self.unseen(pid, Some(&started.path), started.lacks_session)).collect()
    }

    /// Says why a process was not seen.
    pub(crate) fn unseen(&self, pid: u32, path: Option<&Path>, lacks_session: bool) -> Unseen {
        let reason = match path.and_then(reason_of_file) {
            Some(reason) => reason,
            None if lacks_session => Reason::Environment,
            None if self.confined.contains_key(&pid) => Reason::Confined,
            None => Reason::Unknown,
        };
        Unseen { pid, program: path.map(Path::to_path_buf), reason }
    }
}

/// What about a program's file keeps a preloaded shim out; `None`: nothing, or it cannot be read.
pub fn obstacle(path: &Path) -> Option<Reason> {
    reason_of_file(path)
}

fn reason_of_file(path: &Path) -> Option<Reason> {
    const SET_ID: u32 = 0o6000;
    let path = find(path)?;
    if path.metadata().is_ok_and(|meta| meta.mode() & SET_ID != 0) {
        return Some(Reason::Privileged);
    }
    match program(&path).ok()? {
        Program::Static => Some(Reason::Static),
        Program::Foreign => Some(Reason::Foreign),
        Program::Script(interpreter) => reason_of_file(&interpreter).filter(|_| interpreter != path),
        Program::Dynamic | Program::Other => None,
    }
}

/// A path as exec finds it: names without a slash are looked for in PATH.
fn find(path: &Path) -> Option<PathBuf> {
    if path.as_os_str().as_bytes().contains(&b'/') {
        return Some(path.to_path_buf());
    }
    const USUAL: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];
    USUAL.iter().map(|folder| Path::new(folder).join(path)).find(|path| path.exists())
}
