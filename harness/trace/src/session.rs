//! A recorded session, as a whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fencelab_abi::{CLOCK_FILE, Clock, ClockPair, Mode, POOL_FILE};

use crate::alive::Machine;
use crate::call::Reader;
use crate::clock::ClockMap;
use crate::end::End;
use crate::head::Head;
use crate::id::{CallId, ProcessId, ThreadId};
use crate::loss::{Loss, Lost};
use crate::process::Process;
use crate::scan::Scan;
use crate::source::Source;
use crate::thread::{Entry, Thread};
use crate::{Calls, Error};

/// A recorded session: its processes, its threads, and where each call's records are. Live or dead: of a live one,
/// [`Session::refresh`] brings what has come since.
pub struct Session {
    pub(crate) source: Arc<dyn Source>,
    clock_file: Option<PathBuf>,
    head: Head,
    clock: ClockMap,
    scan: Scan,
    /// Ticks of the newest clock pair.
    until: u64,
    is_live: bool,
}

impl Session {
    /// Opens a session's folder.
    ///
    /// # Errors
    ///
    /// When its pool cannot be read or is none that this version knows. A missing or damaged `clock` file is no error: the
    /// pool itself has two clock pairs.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(POOL_FILE);
        let file = File::open(&path).map_err(|source| Error::File { path, source })?;
        Self::begin(Arc::new(file), Some(folder.join(CLOCK_FILE)))
    }

    /// Opens a pool without a folder around it.
    ///
    /// # Errors
    ///
    /// As [`Session::open`].
    pub fn from_pool(source: impl Source + 'static) -> Result<Self, Error> {
        Self::begin(Arc::new(source), None)
    }

    fn begin(source: Arc<dyn Source>, clock_file: Option<PathBuf>) -> Result<Self, Error> {
        let head = Head::read(&*source)?;
        let clock = ClockMap::default();
        let mut session =
            Self { source, clock_file, head, clock, scan: Scan::default(), until: 0, is_live: false };
        session.refresh()?;
        Ok(session)
    }

    /// Reads what was recorded since the last time. Ids stay valid.
    ///
    /// # Errors
    ///
    /// When the pool can no longer be read.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.head = Head::read(&*self.source)?;
        let file = self.clock_file.as_ref().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let pairs = file.chunks_exact(ClockPair::SIZE).filter_map(ClockPair::decode);
        let pairs: Vec<ClockPair> = self.head.pairs.into_iter().flatten().chain(pairs).collect();
        let sane = pairs.iter().filter(|pair| pair.before <= pair.after && pair.monotonic > 0);
        self.until = sane.map(|pair| pair.after).max().unwrap_or(0);
        self.clock = ClockMap::new(self.head.clock, pairs);
        self.scan.refresh(&*self.source, &self.head)?;
        self.look_for_processes();
        self.look_for_unread()
    }

    /// Which processes have calls that have not returned and that could not be read. What has returned was read then.
    fn look_for_unread(&mut self) -> Result<(), Error> {
        let (mut reader, mut unread) = (self.reader(), Vec::new());
        for thread in self.threads() {
            let Some(process) = thread.process else { continue };
            for &index in &thread.open {
                let call = reader.read(self, CallId { thread: thread.id, index })?;
                unread.extend(call.filter(crate::Call::lacks_arguments).map(|_| process));
            }
        }
        for process in &mut self.scan.processes {
            process.unread = unread.contains(&process.id);
        }
        Ok(())
    }

    /// On the machine of the trace, while it has not rebooted: processes that nobody told the end of may be gone. While the
    /// recorder lives, it tells.
    fn look_for_processes(&mut self) {
        let machine = Machine::here();
        let began = self.head.pairs.iter().flatten().map(|pair| pair.monotonic).min().unwrap_or(0);
        let here = machine.is_of(&self.head.boot_id);
        self.is_live = here && machine.has(self.head.recorder, began);
        if !here || self.is_live {
            return;
        }
        for process in &mut self.scan.processes {
            let open = process.ended.is_none_or(|end| !end.gone);
            // With too few looks at the clock only a pid that nobody has says something.
            let exact = self.head.clock == Some(Clock::Monotonic);
            let error = self.clock.error_ns(process.seen).unwrap_or(if exact { 0 } else { u64::MAX });
            let seen = self.clock.ns(process.seen).saturating_add(error);
            if open && machine.numbers(process.pid_namespace) && !machine.has(process.pid, seen) {
                process.ended = Some(End::absent(process.told));
            }
        }
    }

    /// Whether its recorder is known to run still, so that more may come.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// What the pool's header says.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Ticks up to when it was recorded, as far as the recorder noted: about once a second, and at its end.
    pub fn until(&self) -> u64 {
        self.until
    }

    /// From ticks to CLOCK_MONOTONIC.
    pub fn clock(&self) -> &ClockMap {
        &self.clock
    }

    /// The programs that processes ran, in order of their places in the pool.
    pub fn processes(&self) -> &[Process] {
        &self.scan.processes
    }

    /// One of them.
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.scan.processes.get(id.0 as usize)
    }

    /// The threads that made calls, in the order in which they made their first.
    pub fn threads(&self) -> &[Thread] {
        &self.scan.threads
    }

    /// One of them.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.scan.threads.get(id.0 as usize)
    }

    /// The thread of a program that has that tid, if it made calls.
    pub(crate) fn thread_of(&self, process: ProcessId, tid: u32) -> Option<ThreadId> {
        self.scan.by_tid.get(&(process, tid)).copied()
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.scan.threads.iter().map(Thread::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All calls in the order in which they were made; those of one thread as that thread made them.
    pub fn calls(&self) -> Calls<'_> {
        Calls::new(self)
    }

    /// A reader of calls, with a memory of its own for what it has read.
    pub fn reader(&self) -> Reader {
        Reader::new(self.source.clone(), self.head.clone())
    }

    /// The calls that a thread of that tid was in at a moment of CLOCK_MONOTONIC, outermost first. A call made within the
    /// clock's exactness counts as made. Where tids were used again, or belong to several pid namespaces, the calls of
    /// all those threads.
    pub fn calls_at(&self, tid: u32, monotonic_ns: u64) -> Vec<CallId> {
        let at = self.clock.ticks(monotonic_ns);
        let slack = self.clock.ticks(monotonic_ns.saturating_add(1_000)).saturating_sub(at);
        let mut found = Vec::new();
        for thread in self.threads().iter().filter(|thread| thread.tid == tid) {
            let end = thread.entries.partition_point(|entry| entry.enter <= at.saturating_add(slack));
            let covers = |entry: &Entry| entry.exit().is_none_or(|exit| exit.saturating_add(slack) >= at);
            // A call nested in another one is in a signal handler: few, and close by.
            let floor = end.saturating_sub(NESTED);
            for index in (floor..end).filter(|&index| covers(&thread.entries[index])) {
                found.push(CallId { thread: thread.id, index: index as u32 });
            }
        }
        found
    }

    /// The last call that a thread of that tid made before a moment of CLOCK_MONOTONIC, whether it had returned or not.
    pub fn last_call_before(&self, tid: u32, monotonic_ns: u64) -> Option<CallId> {
        let at = self.clock.ticks(monotonic_ns);
        let threads = self.threads().iter().filter(|thread| thread.tid == tid);
        let last = threads.filter_map(|thread| {
            let index = thread.entries.partition_point(|entry| entry.enter <= at).checked_sub(1)?;
            Some((thread.entries.get(index)?.enter, CallId { thread: thread.id, index: index as u32 }))
        });
        last.max().map(|(_, id)| id)
    }

    pub(crate) fn entry(&self, id: CallId) -> Option<Entry> {
        self.thread(id.thread)?.entries.get(id.index as usize).copied()
    }

    /// CLOCK_MONOTONIC of the last thing that the session tells of, in nanoseconds: a call, or a look at the clock. A live
    /// session goes on behind it.
    pub fn last_ns(&self) -> u64 {
        let ends = self.threads().iter().filter_map(|thread| thread.entries.last());
        let last = ends.map(|entry| self.clock.ns(entry.exit.max(entry.enter))).max().unwrap_or(0);
        let looks = self.head.pairs.iter().flatten().map(|pair| pair.monotonic).max().unwrap_or(0);
        last.max(looks)
    }

    /// Ticks of the last call that it tells of, or of the recorder's last look at the clock.
    pub(crate) fn last_ticks(&self) -> u64 {
        let ends = self.threads().iter().filter_map(|thread| thread.entries.last());
        ends.map(|entry| entry.exit.max(entry.enter)).max().unwrap_or(0).max(self.until)
    }

    /// CLOCK_MONOTONIC up to when a thread's call that has not returned may have lasted, in nanoseconds: the end of its process,
    /// or of the session.
    pub(crate) fn over_ns(&self, thread: ThreadId) -> u64 {
        let thread = self.thread(thread);
        let process = thread.and_then(|thread| self.process(thread.process?));
        let own = process.filter(|process| thread.is_some_and(|thread| thread.pid == process.pid));
        let end = own.and_then(|process| process.ended()?.ticks).map(|ticks| self.clock.ns(ticks));
        end.unwrap_or(u64::MAX).min(self.last_ns())
    }

    /// How far times may be off, in nanoseconds, where the clock is least certain. `None`: it is CLOCK_MONOTONIC itself, or
    /// cannot be mapped to it.
    pub fn clock_error_ns(&self) -> Option<u64> {
        let threads = self.threads().iter();
        let ends =
            threads.filter_map(|thread| Some([thread.entries.first()?.enter, thread.entries.last()?.enter]));
        ends.flatten().filter_map(|ticks| self.clock.error_ns(ticks)).max()
    }

    /// CLOCK_MONOTONIC when the session began, in nanoseconds.
    pub fn first_ns(&self) -> u64 {
        let looks = self.head.pairs.iter().flatten().map(|pair| pair.monotonic).min();
        let first =
            self.threads().iter().filter_map(|thread| thread.entries.first()).map(|entry| entry.enter).min();
        looks.or(first.map(|ticks| self.clock.ns(ticks))).unwrap_or(0)
    }

    /// What is missing, and where.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = self.scan.losses.clone();
        let all = |what, count: u64| {
            (count > 0).then_some(Loss { what, thread: None, between: (None, None), count: Some(count) })
        };
        losses.extend(all(Lost::Homeless, self.head.homeless));
        losses.extend(all(Lost::Cut, u64::from(self.head.chunks_cut)));
        losses.extend(all(Lost::Unreadable, self.scan.unreadable));
        for thread in self.threads() {
            self.losses_of(thread, &mut losses);
        }
        losses
    }

    fn losses_of(&self, thread: &Thread, losses: &mut Vec<Loss>) {
        let mut add =
            |what, between, count| losses.push(Loss { what, thread: Some(thread.id), between, count });
        let first = thread.uses.first().map_or(1, |chunk| chunk.sequence);
        let dropped = thread.uses.iter().map(|chunk| chunk.dropped).max().unwrap_or(0);
        if self.head.mode == Mode::Flight && (first > 1 || thread.lost_before > 0) {
            let until = thread.entries.first().map(|entry| entry.enter);
            add(Lost::Overwritten, (None, until), (thread.lost_before > 0).then_some(thread.lost_before));
        } else if self.head.mode == Mode::Stop && dropped > 0 {
            let since = thread.entries.last().map(|entry| entry.exit.max(entry.enter));
            add(Lost::NoRoom, (since, None), Some(dropped));
        }
        if self.head.mode == Mode::Stop && first > 1 {
            add(Lost::Gap, (None, thread.uses.first().map(|chunk| chunk.claimed)), Some(first - 1));
        }
        if thread.torn {
            add(Lost::Torn, (thread.entries.last().map(|entry| entry.enter), None), Some(1));
        }
    }
}

/// Calls of a thread that are looked at when those around a moment are sought.
const NESTED: usize = 64;
