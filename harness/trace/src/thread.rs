//! A thread's records, put together to calls.

use fencelab_abi::{Kind, Slot};

use crate::id::{ProcessId, RecordId, ThreadId};

/// A call, as small as ten million of them have to be: where its records are, and when it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Ticks when it was made.
    pub(crate) enter: u64,
    /// Ticks when it came back; 0: it has not.
    pub(crate) exit: u64,
    /// Its record, or that of its beginning.
    pub(crate) first: RecordId,
    /// The record of its end: the same, or another one.
    pub(crate) last: RecordId,
}

impl Entry {
    /// Ticks when it came back.
    pub(crate) fn exit(&self) -> Option<u64> {
        (self.exit != 0).then_some(self.exit)
    }
}

/// One use of a chunk by a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) sequence: u64,
    pub(crate) claimed: u64,
    pub(crate) dropped: u64,
}

/// A thread that made calls.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its index in [`crate::Session::threads`].
    pub id: ThreadId,
    /// The session's serial of the thread: unlike a tid it is never used again.
    pub serial: u32,
    /// Its process, as the pid namespace numbers it. That of a child that shares its parent's memory is its own.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// The program that it runs; `None`: its record is gone.
    pub process: Option<ProcessId>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) uses: Vec<Use>,
    /// Entries that have not come back, innermost last.
    pub(crate) open: Vec<u32>,
    /// Entries that were there before the records that are being added: they have their place for good.
    settled: usize,
    /// Records that were gone when the thread was first read.
    pub(crate) lost_before: u64,
    /// Whether the last chunk ends with a record that is not whole.
    pub(crate) torn: bool,
}

impl Thread {
    pub(crate) fn new(id: ThreadId, serial: u32, pid: u32, tid: u32, process: Option<ProcessId>) -> Self {
        Self {
            id,
            serial,
            pid,
            tid,
            process,
            entries: Vec::new(),
            uses: Vec::new(),
            open: Vec::new(),
            settled: 0,
            lost_before: 0,
            torn: false,
        }
    }

    /// How many calls are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// From here on, what was added stays where it is.
    pub(crate) fn settle(&mut self) {
        self.settled = self.entries.len();
    }

    /// Adds a record; what tells of loss is no call.
    pub(crate) fn add(&mut self, id: RecordId, slot: &Slot) {
        match Kind::from_u8(slot.kind) {
            Some(Kind::Dropped) => {}
            Some(Kind::IoctlEnter | Kind::PollEnter) => {
                let at = self.insert(Entry { enter: slot.enter, exit: 0, first: id, last: id });
                self.opened(at);
            }
            Some(Kind::IoctlExit | Kind::PollExit) if self.close(id, slot) => {}
            Some(Kind::Exec) if slot.result == 0 => {
                // It comes back only if it fails, and then another record says so.
                self.insert(Entry { enter: slot.enter, exit: 0, first: id, last: id });
            }
            // exit is 0 in records of what takes no time.
            _ => {
                _ = self.insert(Entry {
                    enter: slot.enter,
                    exit: slot.exit.max(slot.enter),
                    first: id,
                    last: id,
                })
            }
        }
    }

    fn opened(&mut self, at: u32) {
        /// Calls that one thread can be in at once: each but the outermost in a signal handler of its own. What lies
        /// deeper was left by longjmp.
        const DEEPEST: usize = 16;
        if self.open.len() == DEEPEST {
            self.open.remove(0);
        }
        self.open.push(at);
    }

    /// Ends the call whose beginning was recorded. False: that is gone.
    fn close(&mut self, id: RecordId, slot: &Slot) -> bool {
        let began = |at: &u32| self.entries.get(*at as usize).is_some_and(|entry| entry.enter == slot.enter);
        let Some(place) = self.open.iter().rposition(began) else { return false };
        // What was begun in it and is still open was left by longjmp.
        let at = self.open[place];
        self.open.truncate(place);
        if let Some(entry) = self.entries.get_mut(at as usize) {
            (entry.exit, entry.last) = (slot.exit.max(slot.enter), id);
        }
        true
    }

    /// Puts a call in its place by time: that of a signal handler is recorded before the one that it interrupted.
    fn insert(&mut self, mut entry: Entry) -> u32 {
        /// Calls of one handler's run that are looked back over.
        const MOST: usize = 64;
        let end = self.entries.len();
        if self.entries.last().is_none_or(|last| last.enter <= entry.enter) {
            self.entries.push(entry);
            return end as u32;
        }
        let floor = self.settled.max(end.saturating_sub(MOST));
        let at = self.entries[floor..].partition_point(|other| other.enter <= entry.enter) + floor;
        if let Some(before) = at.checked_sub(1).and_then(|before| self.entries.get(before)) {
            // Older than what has its place: as close behind that as can be.
            entry.enter = entry.enter.max(before.enter);
        }
        for open in self.open.iter_mut().filter(|open| **open as usize >= at) {
            *open += 1;
        }
        self.entries.insert(at, entry);
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(kind: Kind, enter: u64, exit: u64) -> Slot {
        Slot {
            enter,
            exit,
            request: 0,
            fd: 3,
            result: 0,
            tid: 7,
            kind: kind as u8,
            slots: 1,
            flags: 0,
            class: 0,
            payload: [0; 24],
            commit: 0,
        }
    }

    fn thread(records: &[(Kind, u64, u64)]) -> Vec<(u64, u64)> {
        let mut thread = Thread::new(ThreadId(0), 0, 7, 7, None);
        for (at, &(kind, enter, exit)) in records.iter().enumerate() {
            thread.add(RecordId::new(0, at + 1), &slot(kind, enter, exit));
        }
        thread.entries.iter().map(|entry| (entry.enter, entry.exit)).collect()
    }

    #[test]
    fn beginning_and_end_are_one_call() {
        assert_eq!(thread(&[(Kind::IoctlEnter, 5, 0), (Kind::IoctlExit, 5, 9)]), [(5, 9)]);
        assert_eq!(thread(&[(Kind::PollEnter, 5, 0)]), [(5, 0)]);
    }

    #[test]
    fn an_end_without_its_beginning_is_a_call() {
        assert_eq!(thread(&[(Kind::IoctlExit, 5, 9), (Kind::Ioctl, 10, 11)]), [(5, 9), (10, 11)]);
    }

    #[test]
    fn calls_of_a_signal_handler_lie_within_the_one_it_interrupted() {
        let nested = [
            (Kind::IoctlEnter, 5, 0),
            (Kind::Ioctl, 6, 7),
            (Kind::IoctlExit, 5, 9),
            (Kind::Ioctl, 12, 13),
            (Kind::Ioctl, 10, 14),
        ];
        assert_eq!(thread(&nested), [(5, 9), (6, 7), (10, 14), (12, 13)]);
    }

    #[test]
    fn what_longjmp_left_stays_open() {
        let left = [(Kind::IoctlEnter, 5, 0), (Kind::IoctlEnter, 8, 0), (Kind::IoctlExit, 8, 9)];
        assert_eq!(thread(&left), [(5, 0), (8, 9)]);
    }
}
