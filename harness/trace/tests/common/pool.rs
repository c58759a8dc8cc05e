//! Builds pools as the recorder writes them, one record after the other.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic, and none uses everything"
)]

use std::mem::offset_of;

use fencelab_abi::pool::NO_CHUNK;
use fencelab_abi::process::{Entry, PROCESS_OFFSET, ProcessHeader};
use fencelab_abi::record::{COMMIT_OFFSET, PAYLOAD_OFFSET, slots_for};
use fencelab_abi::{
    CHUNK_SIZE, ChunkHeader, ChunkKind, Clock, Kind, MAGIC, Mode, POOL_HEADER_SIZE, PoolHeader, SLOT_SIZE,
    VERSION, commit_word, flags,
};

/// Where chunks go.
pub trait Sink {
    fn put(&mut self, at: u64, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let end = at as usize + bytes.len();
        if self.len() < end {
            self.resize(end, 0);
        }
        self[at as usize..end].copy_from_slice(bytes);
    }
}

impl Sink for std::fs::File {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, at).unwrap();
    }
}

/// A record, with what most do not care for left at nothing.
#[derive(Clone, Debug)]
pub struct Record {
    pub kind: Kind,
    pub enter: u64,
    pub exit: u64,
    pub request: u32,
    pub fd: i32,
    pub result: i32,
    pub flags: u8,
    pub class: u8,
    pub payload: Vec<u8>,
}

impl Record {
    pub fn new(kind: Kind, enter: u64, exit: u64) -> Self {
        Self { kind, enter, exit, request: 0, fd: -1, result: 0, flags: 0, class: 0, payload: Vec::new() }
    }

    pub fn fd(self, fd: i32) -> Self {
        Self { fd, ..self }
    }

    pub fn result(self, result: i32) -> Self {
        Self { result, ..self }
    }

    pub fn request(self, request: u32) -> Self {
        Self { request, ..self }
    }

    pub fn class(self, class: fencelab_abi::FdClass) -> Self {
        Self { class: class.to_u8(), ..self }
    }

    /// An ioctl's argument of 4-byte words.
    pub fn words(mut self, words: &[u32]) -> Self {
        self.payload = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.payload.resize(self.payload.len().next_multiple_of(8), 0);
        self.flags |= flags::ARG;
        self
    }

    /// A section behind what is there.
    pub fn section(mut self, id: u8, parent: u16, total: u16, data: &[u8]) -> Self {
        self.payload.extend([id, 0]);
        self.payload.extend(parent.to_le_bytes());
        self.payload.extend((data.len() as u16).to_le_bytes());
        self.payload.extend(total.to_le_bytes());
        self.payload.extend(data);
        self.payload.resize(self.payload.len().next_multiple_of(8), 0);
        self
    }

    pub fn text(self, id: u8, text: &str) -> Self {
        self.section(id, 0, text.len() as u16, text.as_bytes())
    }

    pub fn fds(self, fds: &[i32]) -> Self {
        let data: Vec<u8> = fds.iter().flat_map(|fd| fd.to_le_bytes()).collect();
        self.section(fencelab_abi::section::FDS, 0, fds.len() as u16, &data)
    }
}

/// A thread that writes.
pub struct Thread {
    process: u32,
    pub pid: u32,
    pub tid: u32,
    serial: u32,
    /// The how-manieth chunk it writes.
    pub sequence: u64,
    /// What its next chunk says of records that are gone.
    pub dropped: u64,
    chunk: Option<u32>,
    bytes: Vec<u8>,
    next: usize,
}

impl Thread {
    /// Its next record begins a chunk.
    pub fn full(&mut self) {
        self.next = CHUNK_SIZE / SLOT_SIZE;
    }
}

/// A pool that is being built.
pub struct Pool<S: Sink> {
    pub out: S,
    header: Vec<u8>,
    used: u32,
    threads: u32,
}

fn put(bytes: &mut [u8], at: usize, data: &[u8]) {
    bytes[at..at + data.len()].copy_from_slice(data);
}

impl<S: Sink> Pool<S> {
    /// A pool whose ticks are nanoseconds.
    pub fn new(out: S, chunk_count: u32, mode: Mode) -> Self {
        let mut header = vec![0; POOL_HEADER_SIZE];
        let mut word = |at, value: u32| put(&mut header, at, &value.to_le_bytes());
        word(offset_of!(PoolHeader, header_size), POOL_HEADER_SIZE as u32);
        word(offset_of!(PoolHeader, chunk_size), CHUNK_SIZE as u32);
        word(offset_of!(PoolHeader, chunk_count), chunk_count);
        word(offset_of!(PoolHeader, clock), Clock::Monotonic as u32);
        word(offset_of!(PoolHeader, mode), mode as u32);
        word(offset_of!(PoolHeader, recorder), 1);
        put(&mut header, 0, &MAGIC);
        put(&mut header, offset_of!(PoolHeader, version), &VERSION.0.to_le_bytes());
        put(&mut header, offset_of!(PoolHeader, version) + 2, &VERSION.1.to_le_bytes());
        Self { out, header, used: 0, threads: 0 }
    }

    fn chunk(&mut self) -> u32 {
        self.used += 1;
        let used = self.used;
        put(&mut self.header, offset_of!(PoolHeader, cursor), &used.to_le_bytes());
        used - 1
    }

    fn write(&mut self, index: u32, bytes: &[u8]) {
        self.out.put(POOL_HEADER_SIZE as u64 + u64::from(index) * CHUNK_SIZE as u64, bytes);
    }

    /// A process; gives its chunk.
    pub fn process(
        &mut self,
        pid: u32,
        parent: u32,
        entry: Entry,
        forked_from: Option<u32>,
        exe: &str,
        seen: u64,
    ) -> u32 {
        let index = self.chunk();
        let mut bytes = vec![0; CHUNK_SIZE];
        let mut word = |at, value: u32| put(&mut bytes, at, &value.to_le_bytes());
        word(offset_of!(ChunkHeader, kind), ChunkKind::Process as u32);
        word(offset_of!(ChunkHeader, generation), 1);
        word(offset_of!(ChunkHeader, process), index);
        word(offset_of!(ChunkHeader, pid), pid);
        let at = |field| PROCESS_OFFSET + field;
        word(at(offset_of!(ProcessHeader, pid)), pid);
        word(at(offset_of!(ProcessHeader, parent)), parent);
        word(at(offset_of!(ProcessHeader, entry)), entry as u32);
        word(at(offset_of!(ProcessHeader, forked_from)), forked_from.unwrap_or(NO_CHUNK));
        put(&mut bytes, at(offset_of!(ProcessHeader, seen)), &seen.to_le_bytes());
        put(&mut bytes, at(offset_of!(ProcessHeader, exe_len)), &(exe.len() as u16).to_le_bytes());
        put(&mut bytes, at(offset_of!(ProcessHeader, exe)), exe.as_bytes());
        self.write(index, &bytes);
        index
    }

    /// The recorder has seen that a process was gone.
    pub fn gone(&mut self, process: u32, at: u64, status: u32) {
        let chunk = POOL_HEADER_SIZE as u64 + u64::from(process) * CHUNK_SIZE as u64 + PROCESS_OFFSET as u64;
        self.out.put(chunk + offset_of!(ProcessHeader, gone) as u64, &at.to_le_bytes());
        self.out.put(chunk + offset_of!(ProcessHeader, gone_status) as u64, &status.to_le_bytes());
    }

    /// A process has called exit.
    pub fn exits(&mut self, process: u32, at: u64, status: u32, tid: u32) {
        let chunk = POOL_HEADER_SIZE as u64 + u64::from(process) * CHUNK_SIZE as u64 + PROCESS_OFFSET as u64;
        self.out.put(chunk + offset_of!(ProcessHeader, exiting) as u64, &at.to_le_bytes());
        self.out.put(chunk + offset_of!(ProcessHeader, exit_status) as u64, &status.to_le_bytes());
        self.out.put(chunk + offset_of!(ProcessHeader, exit_tid) as u64, &tid.to_le_bytes());
    }

    /// The format's minor version.
    pub fn set_minor(&mut self, minor: u16) {
        put(&mut self.header, offset_of!(PoolHeader, version) + 2, &minor.to_le_bytes());
    }

    /// A thread of a process.
    pub fn thread(&mut self, process: u32, pid: u32, tid: u32) -> Thread {
        self.threads += 1;
        let serial = self.threads - 1;
        Thread { process, pid, tid, serial, sequence: 0, dropped: 0, chunk: None, bytes: Vec::new(), next: 0 }
    }

    /// Writes a record of a thread.
    pub fn record(&mut self, thread: &mut Thread, record: &Record) {
        let slots = slots_for(record.payload.len());
        if thread.chunk.is_none() || thread.next + slots > CHUNK_SIZE / SLOT_SIZE {
            self.next_chunk(thread, record.enter);
        }
        let at = thread.next * SLOT_SIZE;
        let bytes = &mut thread.bytes;
        put(bytes, at, &record.enter.to_le_bytes());
        put(bytes, at + 8, &record.exit.to_le_bytes());
        put(bytes, at + 16, &record.request.to_le_bytes());
        put(bytes, at + 20, &record.fd.to_le_bytes());
        put(bytes, at + 24, &record.result.to_le_bytes());
        put(bytes, at + 28, &thread.tid.to_le_bytes());
        put(bytes, at + 32, &[record.kind as u8, slots as u8, record.flags, record.class]);
        let inline = record.payload.len().min(COMMIT_OFFSET - PAYLOAD_OFFSET);
        put(bytes, at + PAYLOAD_OFFSET, &record.payload[..inline]);
        put(bytes, at + SLOT_SIZE, &record.payload[inline..]);
        put(bytes, at + COMMIT_OFFSET, &commit_word(1, thread.next).to_le_bytes());
        thread.next += slots;
    }

    fn next_chunk(&mut self, thread: &mut Thread, now: u64) {
        self.flush(thread);
        let index = self.chunk();
        thread.sequence += 1;
        // Room for a payload behind the last slot, which never is written.
        thread.bytes = vec![0; CHUNK_SIZE + SLOT_SIZE];
        let mut word = |at, value: u32| put(&mut thread.bytes, at, &value.to_le_bytes());
        word(offset_of!(ChunkHeader, kind), ChunkKind::Records as u32);
        word(offset_of!(ChunkHeader, state), 1);
        word(offset_of!(ChunkHeader, generation), 1);
        word(offset_of!(ChunkHeader, process), thread.process);
        word(offset_of!(ChunkHeader, pid), thread.pid);
        word(offset_of!(ChunkHeader, tid), thread.tid);
        word(offset_of!(ChunkHeader, thread), thread.serial);
        word(offset_of!(ChunkHeader, next), NO_CHUNK);
        put(&mut thread.bytes, offset_of!(ChunkHeader, sequence), &thread.sequence.to_le_bytes());
        put(&mut thread.bytes, offset_of!(ChunkHeader, dropped), &thread.dropped.to_le_bytes());
        put(&mut thread.bytes, offset_of!(ChunkHeader, claimed), &now.to_le_bytes());
        (thread.chunk, thread.next) = (Some(index), 1);
    }

    /// Writes what a thread has recorded.
    pub fn flush(&mut self, thread: &Thread) {
        if let Some(index) = thread.chunk {
            self.write(index, &thread.bytes[..CHUNK_SIZE]);
        }
    }

    /// The header as it is now.
    pub fn header(&self) -> Vec<u8> {
        self.header.clone()
    }

    /// What happens when there is no more room.
    pub fn set_mode(&mut self, mode: Mode) {
        put(&mut self.header, offset_of!(PoolHeader, mode), &(mode as u32).to_le_bytes());
    }

    /// The pool, with its header.
    pub fn finish(mut self) -> S {
        let header = std::mem::take(&mut self.header);
        self.out.put(0, &header);
        self.out
    }
}
