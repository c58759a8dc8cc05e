//! Reading a pool's chunks into threads of calls: all of them at first, what is new later on.

use std::collections::HashMap;
use std::io;

use fencelab_abi::pool::ChunkInfo;
use fencelab_abi::process::{Entry, ProcessInfo};
use fencelab_abi::{ChunkKind, Mode};

use crate::chunk::Chunk;
use crate::end::{End, How};
use crate::head::Head;
use crate::id::{ProcessId, RecordId, ThreadId};
use crate::loss::{Loss, Lost};
use crate::process::Process;
use crate::source::Source;
use crate::thread::{Thread, Use};

/// How far a chunk has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    /// Its use; 0: none yet.
    generation: u32,
    /// First slot that is not read.
    next: u8,
    /// Slots that it has.
    slots: u8,
}

/// What a pool's chunks add up to.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) processes: Vec<Process>,
    pub(crate) threads: Vec<Thread>,
    /// What was found missing within chunks.
    pub(crate) losses: Vec<Loss>,
    /// Chunks that could not be read.
    pub(crate) unreadable: u64,
    read: Vec<Read>,
    by_chunk: HashMap<u32, ProcessId>,
    by_serial: HashMap<(u32, u32, u32), ThreadId>,
    /// The first thread of each tid in a process.
    pub(crate) by_tid: HashMap<(ProcessId, u32), ThreadId>,
}

impl Scan {
    /// Reads what was written since the last time.
    pub(crate) fn refresh(&mut self, source: &dyn Source, head: &Head) -> io::Result<()> {
        self.read.resize(head.chunks_used as usize, Read::default());
        self.unreadable = 0;
        self.threads.iter_mut().for_each(Thread::settle);
        let mut records = Vec::new();
        for index in 0..head.chunks_used {
            match Chunk::peek(source, head, index)? {
                None => self.unreadable += 1,
                Some(info) if info.kind == ChunkKind::Process => self.process(source, head, index)?,
                Some(info) if info.kind == ChunkKind::Records => records.push((index, info)),
                Some(_) => {}
            }
        }
        // Processes are known now, whatever chunk they came to have.
        for process in &mut self.processes {
            process.forked_from =
                process.forked_from_chunk.and_then(|chunk| self.by_chunk.get(&chunk).copied());
        }
        self.replaced();
        records.sort_by_key(|(_, info)| (info.thread, info.tid, info.sequence));
        let known = self.threads.len();
        for (at, (index, info)) in records.iter().enumerate() {
            // Its thread has gone on to another one: nobody writes there any more.
            let thread = |info: &ChunkInfo| (info.thread, info.pid, info.tid);
            let left = records.get(at + 1).is_some_and(|(_, next)| thread(next) == thread(info));
            self.records(source, head, *index, info, left && head.mode == Mode::Stop)?;
        }
        for thread in self.threads.iter_mut().skip(known) {
            thread.lost_before = thread.uses.iter().map(|chunk| chunk.dropped).max().unwrap_or(0);
        }
        Ok(())
    }

    fn process(&mut self, source: &dyn Source, head: &Head, index: u32) -> io::Result<()> {
        let Some(chunk) = Chunk::read(source, head, index, false)? else { return Ok(()) };
        let Some(info) = ProcessInfo::decode(chunk.bytes()) else { return Ok(()) };
        let known = self.by_chunk.get(&index).copied();
        let id = known.unwrap_or(ProcessId(self.processes.len() as u32));
        let process = Process::new(id, &info, head.minor);
        match self.processes.get_mut(id.0 as usize) {
            Some(place) => *place = process,
            None => self.processes.push(process),
        }
        self.by_chunk.insert(index, id);
        Ok(())
    }

    /// Of programs with one pid, each but the last is over by the time the next is seen.
    fn replaced(&mut self) {
        let mut last: HashMap<(u32, u32), usize> = HashMap::new();
        let mut order: Vec<usize> = (0..self.processes.len()).collect();
        order.sort_by_key(|&index| self.processes[index].seen);
        for index in order {
            let next = &self.processes[index];
            let (seen, forked) = (next.seen, next.entry == Some(Entry::Fork));
            let Some(before) = last.insert((next.pid, next.pid_namespace), index) else { continue };
            self.processes[index].before = Some(ProcessId(before as u32));
            let process = &mut self.processes[before];
            process.ended = Some(match process.told {
                Some(told) => End { gone: true, ..told },
                // A forked process is a new one: the pid was free again.
                None if forked => End { ticks: Some(seen), how: How::Unknown, gone: true, tid: None },
                None => End { ticks: Some(seen), how: How::Exec, gone: true, tid: None },
            });
        }
    }

    fn records(
        &mut self,
        source: &dyn Source,
        head: &Head,
        index: u32,
        info: &ChunkInfo,
        still: bool,
    ) -> io::Result<()> {
        let read = self.read.get(index as usize).copied().unwrap_or_default();
        let fresh = read.generation != info.generation;
        let id = self.thread(info);
        if !fresh {
            self.note_dropped(id, info);
            if read.next >= read.slots {
                return Ok(());
            }
        }
        let Some(chunk) = Chunk::read(source, head, index, still)? else {
            self.losses.push(loss(Lost::Taken, Some(id), info.claimed, None, Some(1)));
            return Ok(());
        };
        let from = if fresh { 1 } else { usize::from(read.next) };
        if fresh {
            self.begin_use(id, info);
        }
        let next = self.add(id, index, &chunk, from);
        self.threads[id.0 as usize].torn = chunk.is_begun(next);
        let state = Read { generation: info.generation, next: next as u8, slots: chunk.slots() as u8 };
        if let Some(place) = self.read.get_mut(index as usize) {
            *place = state;
        }
        Ok(())
    }

    fn thread(&mut self, info: &ChunkInfo) -> ThreadId {
        let key = (info.thread, info.pid, info.tid);
        let process = self.by_chunk.get(&info.process).copied();
        *self.by_serial.entry(key).or_insert_with(|| {
            let id = ThreadId(self.threads.len() as u32);
            self.threads.push(Thread::new(id, info.thread, info.pid, info.tid, process));
            if let Some(process) = process {
                self.by_tid.entry((process, info.tid)).or_insert(id);
            }
            id
        })
    }

    fn note_dropped(&mut self, id: ThreadId, info: &ChunkInfo) {
        let uses = &mut self.threads[id.0 as usize].uses;
        if let Some(last) = uses.iter_mut().rev().find(|chunk| chunk.sequence == info.sequence) {
            last.dropped = last.dropped.max(info.dropped);
        }
    }

    /// A thread has begun to use a chunk; uses are met in order of their sequence.
    fn begin_use(&mut self, id: ThreadId, info: &ChunkInfo) {
        let thread = &mut self.threads[id.0 as usize];
        if let Some(last) = thread.uses.last() {
            let missing = info.sequence.saturating_sub(last.sequence).saturating_sub(1);
            if missing > 0 {
                let since = thread.entries.last().map(|entry| entry.enter);
                let between = (since, Some(info.claimed));
                let count = Some(missing);
                self.losses.push(Loss { what: Lost::Gap, thread: Some(id), between, count });
            }
        }
        thread.uses.push(Use { sequence: info.sequence, claimed: info.claimed, dropped: info.dropped });
    }

    /// Adds a chunk's records from a slot on; gives the first slot behind the last of them.
    fn add(&mut self, id: ThreadId, index: u32, chunk: &Chunk, mut from: usize) -> usize {
        let thread = &mut self.threads[id.0 as usize];
        while let Some((at, slot)) = chunk.next(from) {
            if at > from {
                let since = thread.entries.last().map(|entry| entry.enter);
                let between = (since, Some(slot.enter));
                let count = Some((at - from) as u64);
                self.losses.push(Loss { what: Lost::Hole, thread: Some(id), between, count });
            }
            thread.add(RecordId::new(index, at), &slot);
            from = at + usize::from(slot.slots);
        }
        from
    }
}

fn loss(what: Lost, thread: Option<ThreadId>, since: u64, until: Option<u64>, count: Option<u64>) -> Loss {
    Loss { what, thread, between: (Some(since), until), count }
}
