//! Reading ahead: a thread beside the walk takes its steps before it does and reads their calls, so that the walk finds them
//! read. It meets the same steps in the same order, errors among them.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope, available_parallelism};

use super::Model;
use super::order::{Step, Steps};
use crate::call::Numbers;
use crate::{Call, Reader, Session};

/// Steps that are handed over at once: waking the other thread costs as much as tens of them.
const STEPS: usize = 4096;
/// Batches that may wait to be walked.
const WAITING: usize = 2;
/// After so many batches the walk is told where it stands: that is as long as there are threads and processes.
const TOLD: usize = 16;
/// Calls that are walked before a thread has paid.
const FEW: usize = 1 << 12;

/// A step, with its call as far as there is one that could be read.
#[derive(Debug)]
struct Ready {
    ticks: u64,
    step: Step,
    numbers: Option<Numbers>,
    /// Where its payloads lie: the first from here to there, the second from there on.
    payloads: [u32; 3],
}

/// Steps one after the other.
#[derive(Debug, Default)]
struct Batch {
    /// Where the walk stands before the first of them, where that is told.
    from: Option<Steps>,
    list: Vec<Ready>,
    bytes: Vec<u8>,
    /// Why the call of the last could not be read.
    failed: Option<io::Error>,
}

impl Batch {
    /// Reads the next steps. Whether there are more.
    fn fill(&mut self, session: &Session, steps: &mut Steps, reader: &mut Reader) -> bool {
        self.list.clear();
        self.bytes.clear();
        while self.list.len() < STEPS && self.failed.is_none() {
            let Some((ticks, step)) = steps.next(session, u64::MAX) else { return false };
            let read = step.call().map_or(Ok(false), |id| reader.load(session, id));
            let parts = if matches!(read, Ok(true)) { reader.parts() } else { None };
            self.failed = read.err();
            let start = self.bytes.len() as u32;
            let (numbers, before, after) = parts
                .map_or((None, &[][..], &[][..]), |(numbers, before, after)| (Some(*numbers), before, after));
            self.bytes.extend_from_slice(before);
            let middle = self.bytes.len() as u32;
            self.bytes.extend_from_slice(after);
            let payloads = [start, middle, self.bytes.len() as u32];
            self.list.push(Ready { ticks, step, numbers, payloads });
        }
        self.failed.is_none()
    }
}

/// What the thread that reads has handed over.
pub(super) struct Ahead {
    full: Receiver<Batch>,
    /// Batches that were walked, to be filled again.
    empty: Sender<Batch>,
    /// Where the walk stood when that was last told, and the steps of the batches since then that are walked.
    from: Steps,
    since: usize,
    batch: Batch,
    /// Its first step that is not walked.
    at: usize,
}

impl Ahead {
    /// Waits for the next step; `None`: there is none.
    fn peek(&mut self) -> Option<&Ready> {
        while self.at == self.batch.list.len() {
            let walked = std::mem::replace(&mut self.batch, self.full.recv().ok()?);
            self.at = 0;
            self.since += walked.list.len();
            if let Some(from) = self.batch.from.take() {
                (self.from, self.since) = (from, 0);
            }
            // Nobody takes it where all has been read.
            _ = self.empty.send(walked);
        }
        self.batch.list.get(self.at)
    }

    /// As [`Steps::next_ticks`].
    pub(super) fn next_ticks(&mut self) -> Option<u64> {
        self.peek().map(|ready| ready.ticks)
    }

    /// As [`Steps::next`], with whether the step's call is there.
    pub(super) fn next(&mut self, until: u64) -> io::Result<Option<(u64, Step, bool)>> {
        let Some(ready) = self.peek().filter(|ready| ready.ticks <= until) else { return Ok(None) };
        let step = (ready.ticks, ready.step, ready.numbers.is_some());
        self.at += 1;
        if self.at == self.batch.list.len()
            && let Some(error) = self.batch.failed.take()
        {
            return Err(error);
        }
        Ok(Some(step))
    }

    /// The call of the step that was taken last.
    pub(super) fn call(&self) -> Option<Call<'_>> {
        let ready = self.batch.list.get(self.at.checked_sub(1)?)?;
        let [start, middle, end] = ready.payloads.map(|at| at as usize);
        let bytes = &self.batch.bytes;
        Some(ready.numbers?.with(bytes.get(start..middle)?, bytes.get(middle..end)?))
    }

    /// Where the walk stands.
    pub(super) fn position(&self, session: &Session) -> Steps {
        let mut steps = self.from.clone();
        for _ in 0..self.since + self.at {
            steps.next(session, u64::MAX);
        }
        steps
    }
}

impl Model {
    /// Whether so much is left to walk that a thread which reads ahead is worth its start, and there is a processor for it.
    pub fn is_worth_reading_ahead(&self, session: &Session) -> bool {
        session.len() >= self.steps.taken().saturating_add(FEW)
            && available_parallelism().is_ok_and(|cores| cores.get() >= 2)
    }

    /// From here on a thread reads ahead of the walk; whether it could be started. The walk must be told to
    /// [`Model::stop_reading_ahead`] within the scope, or that never ends.
    pub fn read_ahead<'s>(&mut self, session: &'s Session, scope: &'s Scope<'s, '_>) -> bool {
        if self.ahead.is_some() {
            return true;
        }
        let (to_walk, full) = sync_channel(WAITING);
        let (empty, to_fill) = channel();
        let steps = self.steps.clone();
        let started = Builder::new().spawn_scoped(scope, move || read(session, steps, &to_walk, &to_fill));
        if started.is_err() {
            return false;
        }
        let from = self.steps.clone();
        self.ahead = Some(Ahead { full, empty, from, since: 0, batch: Batch::default(), at: 0 });
        true
    }

    /// The walk goes on without that thread, from where it stands.
    pub fn stop_reading_ahead(&mut self, session: &Session) {
        if let Some(ahead) = self.ahead.take() {
            self.steps = ahead.position(session);
        }
    }
}

/// Reads until there is nothing more, or nobody wants it.
fn read(session: &Session, mut steps: Steps, full: &SyncSender<Batch>, empty: &Receiver<Batch>) {
    let mut reader = session.reader();
    for number in 0.. {
        let mut batch = empty.try_recv().unwrap_or_default();
        batch.from = (number % TOLD == 0).then(|| steps.clone());
        let more = batch.fill(session, &mut steps, &mut reader);
        if full.send(batch).is_err() || !more {
            return;
        }
    }
}
