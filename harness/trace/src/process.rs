//! The processes that the shim has been in.

use fencelab_abi::pool::NO_CHUNK;
use fencelab_abi::process::{Entry, ProcessInfo, blind};

use crate::end::{End, How};
use crate::id::ProcessId;

/// One program that one process ran: an exec begins another.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its index in [`crate::Session::processes`].
    pub id: ProcessId,
    /// Process, as its pid namespace numbers it.
    pub pid: u32,
    /// Its parent when it was first seen.
    pub parent: u32,
    /// How the shim came in; `None`: a way newer than this version.
    pub entry: Option<Entry>,
    /// [`blind`].
    pub blind: u32,
    /// Whether an argument of a call that has not returned could not be read.
    pub unread: bool,
    /// Effective user.
    pub user: u32,
    /// Ticks when it was first seen.
    pub seen: u64,
    /// Calls that went by unrecorded.
    pub unrecorded: u64,
    /// Path of the executable.
    pub exe: String,
    /// Command line.
    pub arguments: Vec<String>,
    /// The process that it was forked from, if that was recorded.
    pub forked_from: Option<ProcessId>,
    pub(crate) forked_from_chunk: Option<u32>,
    /// The program that its pid ran before.
    pub(crate) before: Option<ProcessId>,
    /// Inode of the pid namespace that `pid` is of; 0: not known.
    pub(crate) pid_namespace: u32,
    /// What its header says of its end.
    pub(crate) told: Option<End>,
    /// What is known of its end, by whatever means.
    pub(crate) ended: Option<End>,
}

impl Process {
    /// `minor`: of the trace's version.
    pub(crate) fn new(id: ProcessId, info: &ProcessInfo<'_>, minor: u16) -> Self {
        /// The first version whose headers tell of ends.
        const TELLS: u16 = 2;
        let told = End::of(info).filter(|_| minor >= TELLS);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = info.cmdline.strip_suffix(&[0]).unwrap_or(info.cmdline);
        let words = line.split(|&byte| byte == 0).map(text);
        Self {
            id,
            pid: info.pid,
            parent: info.parent,
            entry: info.entry,
            blind: info.blind,
            unread: false,
            user: info.user,
            seen: info.seen,
            unrecorded: info.unrecorded,
            exe: text(info.exe),
            arguments: if line.is_empty() { Vec::new() } else { words.collect() },
            forked_from: None,
            before: None,
            forked_from_chunk: (info.forked_from != NO_CHUNK).then_some(info.forked_from),
            pid_namespace: if minor >= TELLS { info.pid_namespace } else { 0 },
            told,
            ended: told,
        }
    }

    /// Its end, as far as it is known. `None`: it was there when the session was last looked at, or nobody can tell.
    pub fn ended(&self) -> Option<&End> {
        self.ended.as_ref()
    }

    /// Whether it is known to have been gone, with its files, at that tick: exit closes a process's files and handles, an exec
    /// does not. Of one that ended at an unknown time: at the session's last one.
    pub fn is_gone_at(&self, ticks: u64) -> bool {
        let over = |end: &End| end.gone && end.how != How::Exec;
        self.ended.as_ref().is_some_and(|end| over(end) && end.ticks.is_none_or(|at| at <= ticks))
    }

    /// The program's name: the last part of its path, or of its first argument.
    pub fn name(&self) -> &str {
        let path =
            if self.exe.is_empty() { self.arguments.first().map_or("", String::as_str) } else { &self.exe };
        path.rsplit('/').next().unwrap_or(path)
    }

    /// How the shim came in, in words.
    pub fn entry_name(&self) -> &'static str {
        match self.entry {
            Some(Entry::Preload) => "LD_PRELOAD",
            Some(Entry::Audit) => "LD_AUDIT",
            Some(Entry::Trace) => "tracing from outside",
            Some(Entry::Fork) => "fork",
            None => "a way newer than this reader",
        }
    }

    /// What its records cannot show, in words.
    pub fn blind_spots(&self) -> impl Iterator<Item = &'static str> {
        blind_spots(self.blind).chain(self.unread.then_some(UNREAD))
    }
}

/// Of a process with a call that has not returned and of which nothing more will be known.
pub const UNREAD: &str = "arguments of some calls that did not return could not be read";

/// What the bits of [`blind`] say, in words.
pub fn blind_spots(bits: u32) -> impl Iterator<Item = &'static str> {
    const WORDS: [&str; 8] = [
        "a fork that goes around libc would not be noticed",
        "calls from its last link namespaces are not recorded",
        "closing of fds above 65535 is not recorded",
        "it uses user queues: work is submitted without ioctls",
        "it uses fences in memory: their signals and waits are not recorded",
        "lists of fds of some polls could not be read: those polls are not recorded",
        "it set a seccomp filter: arguments outside known memory are not read from there on",
        "more children share its memory than can be told apart",
    ];
    const _: () = assert!(WORDS.len() == blind::NAMES.len());
    let unknown = bits >> WORDS.len() != 0;
    let known = WORDS.into_iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 != 0);
    known.map(|(_, words)| words).chain(unknown.then_some("a blind spot newer than this reader"))
}
