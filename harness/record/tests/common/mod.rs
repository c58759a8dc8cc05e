//! The programs, compiled; and their traces as text.

#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and no test uses everything")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use fencelab_abi::pool::{ChunkInfo, PoolInfo};
use fencelab_abi::process::{Entry, ProcessInfo};
use fencelab_abi::record::{next_record, payload};
use fencelab_abi::{ChunkKind, Kind, Slot, flags};

/// Where the compiled programs are.
pub(crate) struct Programs {
    folder: tempfile::TempDir,
}

/// Compiles them once.
pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs { folder };
        programs.compile("matrix.c", "matrix", &["-pthread"]);
        programs.compile("matrix.c", "static", &["-pthread", "-static"]);
        programs.compile("bare.c", "bare", &["-static", "-nostdlib", "-fno-builtin", "-fno-stack-protector"]);
        programs.compile("clock.c", "clock", &[]);
        programs.compile("foreign.c", "foreign", &[]);
        programs.compile("unshared.c", "unshared", &[]);
        programs.compile("plugin.c", "plugin.so", &["-shared", "-fPIC"]);
        programs.compile("matrix.c", "by-address", &["-pthread", "-fno-plt"]);
        programs.compile("plugin.c", "by-address.so", &["-shared", "-fPIC", "-fno-plt"]);
        programs.compile("plugin.c", "libearly.so", &["-shared", "-fPIC", "-DEARLY"]);
        let early = programs.path("libearly.so");
        let with_early = ["-pthread", "-Wl,--no-as-needed", early.to_str().unwrap()];
        programs.compile("matrix.c", "early", &with_early);
        programs.compile("during.c", "libduring.so", &["-shared", "-fPIC"]);
        let during = programs.path("libduring.so");
        let with_during = ["-pthread", "-Wl,--no-as-needed", during.to_str().unwrap()];
        programs.compile("handlers.c", "handlers", &with_during);
        programs.compile("confined.c", "confined", &[]);
        programs.compile("stacks.c", "stacks", &["-pthread"]);
        programs.compile("messages.c", "messages", &["-pthread"]);
        programs
    })
}

impl Programs {
    fn compile(&self, source: &str, name: &str, options: &[&str]) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(source);
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-w", "-o"]).arg(self.path(name)).arg(source).args(options);
        assert!(cc.status().unwrap().success(), "{cc:?}");
    }

    /// A compiled program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// One record.
pub(crate) struct Event {
    pub(crate) slot: Slot,
    pub(crate) payload: Vec<u8>,
}

impl Event {
    pub(crate) fn kind(&self) -> Kind {
        Kind::from_u8(self.slot.kind).unwrap()
    }

    /// The argument's first word: what was marked.
    pub(crate) fn first(&self) -> u32 {
        u32::from_le_bytes(self.payload[..4].try_into().unwrap())
    }

    fn text(&self) -> String {
        match self.kind() {
            Kind::Ioctl if self.slot.flags & flags::ARG != 0 => self.first().to_string(),
            kind => kind.name().to_owned(),
        }
    }
}

/// One thread's records, in order.
pub(crate) struct Thread {
    pub(crate) pid: u32,
    pub(crate) entry: Entry,
    pub(crate) borrowed: bool,
    pub(crate) dropped: u64,
    /// Numbers of its chunks.
    pub(crate) chunks: Vec<u64>,
    pub(crate) events: Vec<Event>,
}

impl Thread {
    /// Records of the program's calls.
    pub(crate) fn marks(&self) -> u64 {
        self.events.iter().filter(|event| event.kind() == Kind::Ioctl).count() as u64
    }
}

/// Reads a session, thread by thread as they appeared.
pub(crate) fn threads(folder: &Path) -> Vec<Thread> {
    let pool = std::fs::read(folder.join("pool")).unwrap();
    let info = PoolInfo::decode(&pool).unwrap();
    let chunk = |index| &pool[info.chunk_range(index)];
    let mut chunks: BTreeMap<(u32, u64), u32> = BTreeMap::new();
    for index in 0..info.chunks_used {
        let head = ChunkInfo::decode(chunk(index)).unwrap();
        if head.kind == ChunkKind::Records {
            chunks.insert((head.thread, head.sequence), index);
        }
    }
    let mut threads: BTreeMap<u32, Thread> = BTreeMap::new();
    for ((serial, _), index) in chunks {
        let head = ChunkInfo::decode(chunk(index)).unwrap();
        let process = ProcessInfo::decode(chunk(head.process)).unwrap();
        let thread = threads.entry(serial).or_insert_with(|| Thread {
            pid: head.pid,
            entry: process.entry.unwrap(),
            borrowed: false,
            dropped: 0,
            chunks: Vec::new(),
            events: Vec::new(),
        });
        thread.dropped = thread.dropped.max(head.dropped);
        thread.chunks.push(head.sequence);
        let mut at = 1;
        while let Some((slot_at, slot)) = next_record(chunk(index), head.generation, at) {
            let (first, rest) = payload(chunk(index), slot_at, &slot).unwrap();
            thread.borrowed |= slot.flags & flags::BORROWED != 0;
            thread.events.push(Event { slot, payload: [first, rest].concat() });
            at = slot_at + usize::from(slot.slots);
        }
    }
    threads.into_values().collect()
}

/// A session as lines, one per thread: how it came in, and what it did.
pub(crate) fn lines(folder: &Path) -> Vec<String> {
    let line = |thread: &Thread| {
        let entry = match thread.entry {
            _ if thread.borrowed => "borrowed",
            Entry::Preload => "preload",
            Entry::Audit => "audit",
            Entry::Trace => "trace",
            Entry::Fork => "fork",
        };
        let events: Vec<String> = thread.events.iter().map(Event::text).collect();
        format!("{entry}: {}", events.join(" "))
    };
    let mut lines: Vec<String> = threads(folder).iter().map(line).collect();
    lines.sort();
    lines
}
