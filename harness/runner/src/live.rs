//! A machine that is up: its streams written to the session's files as they come, its kernel heard.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fencelab_bench::protocol::{FromAgent, Hello, Started, ToAgent};
use fencelab_bench::{Down, Incoming, Machine};
use fencelab_events::{BootEnd, Lockdep};

use crate::attribute::{Evidence, Window};
use crate::coverage::Known;
use crate::error::Error;
use crate::files::Folder;
use crate::recorded::Recorded;
use crate::recorded::fences::Fences;
use crate::watch::{Heard, Watch};

/// The session's files of one boot.
pub(crate) struct Streams {
    kernel_log: Log,
    kmsg: Log,
    console: Log,
    trace: Log,
}

struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn open(path: PathBuf) -> Result<Log, Error> {
        Ok(Log { file: Folder::append(&path)?, path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|e| Error::file("write", &self.path, e))
    }
}

impl Streams {
    /// Opens them, and marks the boot in the log that people read.
    pub(crate) fn open(folder: &Folder, boot: u32, machine: usize) -> Result<Streams, Error> {
        let mut streams = Streams {
            kernel_log: Log::open(folder.kernel_log(machine))?,
            kmsg: Log::open(folder.kmsg(boot))?,
            console: Log::open(folder.console(boot))?,
            trace: Log::open(folder.trace(boot))?,
        };
        streams.kernel_log.write(format!("==== boot {boot} ====\n").as_bytes())?;
        Ok(streams)
    }
}

/// A machine that is up, or was until a moment ago.
pub(crate) struct Live {
    /// The session's number for this boot.
    pub(crate) boot: u32,
    /// Lockdep's state, as the log and the agent tell it.
    pub(crate) lockdep: Lockdep,
    /// What its lockdep has around the contract's classes; none where that is not read.
    pub(crate) known: Option<Known>,
    machine: Option<Box<dyn Machine>>,
    hello: Hello,
    incoming: Receiver<Incoming>,
    streams: Streams,
    watch: Watch,
    windows: Vec<Window>,
    recorded: Recorded,
    fences: Fences,
    down: Option<Down>,
    given_up: Option<String>,
}

/// What came in.
enum Received {
    /// A message of the agent.
    Message(FromAgent),
    /// Something that went to its file, or needs no answer.
    Kept,
    /// Nothing, until the deadline.
    Nothing,
}

/// How long the kernel must say nothing more before a report that it began counts as ended.
const QUIET: Duration = Duration::from_millis(150);

impl Live {
    pub(crate) fn new(
        machine: Box<dyn Machine>,
        incoming: Receiver<Incoming>,
        boot: u32,
        streams: Streams,
        recorded: Recorded,
        annotated: bool,
    ) -> Live {
        let hello = machine.hello().clone();
        let watch = Watch::new(annotated);
        let (windows, down, given_up) = (Vec::new(), None, None);
        let lockdep = hello.lockdep;
        Live {
            boot,
            lockdep,
            known: None,
            machine: Some(machine),
            hello,
            incoming,
            streams,
            watch,
            windows,
            recorded,
            fences: Fences::default(),
            down,
            given_up,
        }
    }

    /// What its agent said at the start.
    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    pub(crate) fn send(&mut self, message: &ToAgent) -> Result<(), Error> {
        match &mut self.machine {
            Some(machine) => Ok(machine.send(message)?),
            None => Ok(()),
        }
    }

    /// The agent's next message; none at the deadline, or when the machine is down. All else that comes in
    /// meanwhile goes to its file.
    pub(crate) fn next(&mut self, deadline: Instant) -> Result<Option<FromAgent>, Error> {
        while self.down.is_none() {
            match self.receive(deadline)? {
                Received::Message(message) => return Ok(Some(message)),
                Received::Kept => {}
                Received::Nothing => break,
            }
        }
        Ok(None)
    }

    /// One thing that comes in, until the deadline.
    fn receive(&mut self, deadline: Instant) -> Result<Received, Error> {
        match self.incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Incoming::Agent(FromAgent::Alive)) => {}
            Ok(Incoming::Agent(message)) => return Ok(Received::Message(message)),
            Ok(other) => self.keep(other)?,
            Err(RecvTimeoutError::Timeout) => return Ok(Received::Nothing),
            Err(RecvTimeoutError::Disconnected) => {
                self.down = Some(Down::Vanished { how: "its streams closed".into() });
            }
        }
        Ok(Received::Kept)
    }

    fn keep(&mut self, incoming: Incoming) -> Result<(), Error> {
        match incoming {
            Incoming::Agent(_) => {}
            Incoming::Klog(record) => {
                self.streams.kmsg.write(&record)?;
                if !record.ends_with(b"\n") {
                    self.streams.kmsg.write(b"\n")?;
                }
                let line = self.watch.record(&record);
                self.streams.kernel_log.write(line.as_bytes())?;
            }
            Incoming::Trace(text) => {
                self.fences.push(&text);
                self.streams.trace.write(&text)?;
            }
            Incoming::Console(line) => {
                self.streams.console.write(&line)?;
                self.streams.console.write(b"\n")?;
                self.watch.console(&line);
            }
            Incoming::Down(down) => {
                self.watch.finish(matches!(down, Down::Panic { .. }));
                self.down = Some(down);
            }
        }
        Ok(())
    }

    /// Reads on until the kernel log has come as far as `seq` and no report is half told, or the deadline.
    pub(crate) fn settle(&mut self, seq: u64, deadline: Instant) -> Result<(), Error> {
        while self.watch.next_seq() < seq && Instant::now() < deadline && !self.is_down() {
            self.receive(deadline)?;
        }
        while self.watch.is_inside_report() && Instant::now() < deadline && !self.is_down() {
            let before = self.watch.next_seq();
            self.next(Instant::now() + QUIET)?;
            if self.watch.next_seq() == before {
                break;
            }
        }
        self.watch.flush();
        Ok(())
    }

    /// What the kernel said since the last call.
    pub(crate) fn heard(&mut self) -> Vec<Heard> {
        self.watch.take()
    }

    /// The sequence number after the last record that came.
    pub(crate) fn next_seq(&self) -> u64 {
        self.watch.next_seq()
    }

    /// Where a report belongs that came after all records: in the part of the case that ran last.
    pub(crate) fn last_seq(&self) -> u64 {
        self.windows.last().map_or(0, |window| window.first).max(self.next_seq())
    }

    // ---- the case that runs

    pub(crate) fn open_window(&mut self, case: &str) {
        let first = self.watch.next_seq();
        self.windows.push(Window { case: case.into(), first, ..Window::default() });
    }

    pub(crate) fn started(&mut self, started: &Started) {
        self.watch.expect(started.klog);
        if let Some(window) = self.windows.last_mut() {
            window.first = started.klog;
            window.tids.push(started.pid);
            (window.started_us, window.log_clock) = (started.at_us, started.log_clock);
        }
    }

    pub(crate) fn thread(&mut self, tid: i32) {
        if let Some(window) = self.windows.last_mut().filter(|w| !w.tids.contains(&tid)) {
            window.tids.push(tid);
        }
    }

    /// The case that was to run never began.
    pub(crate) fn drop_window(&mut self) {
        self.windows.pop();
    }

    pub(crate) fn close_window(&mut self, end: u64) {
        if let Some(window) = self.windows.last_mut() {
            window.end = Some(end);
        }
    }

    /// What a report is held against, as far as it is known now.
    pub(crate) fn evidence(&mut self) -> Evidence<'_> {
        Evidence {
            windows: &self.windows,
            trace: self.recorded.now(),
            fences: &self.fences,
            devices: &self.hello.devices,
        }
    }

    /// The trace of its cases.
    pub(crate) fn recorded(&mut self) -> &mut Recorded {
        &mut self.recorded
    }

    // ---- its end

    pub(crate) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// How it went down by itself, or why it was given up.
    pub(crate) fn end(&self) -> BootEnd {
        match (&self.given_up, &self.down) {
            (Some(why), _) => BootEnd::Restarted { why: why.clone() },
            (None, Some(down)) => crate::run::boot_end(down.clone()),
            (None, None) => BootEnd::Done,
        }
    }

    /// Takes it down because it is of no more use.
    pub(crate) fn give_up(&mut self, why: &str) -> Result<(), Error> {
        self.given_up = Some(why.into());
        self.stop().map(|_| ())
    }

    /// Takes it down; all that it had said is kept.
    pub(crate) fn down(&mut self) -> Result<Down, Error> {
        self.stop()
    }

    fn stop(&mut self) -> Result<Down, Error> {
        if let Some(machine) = self.machine.take() {
            let down = machine.down();
            while let Ok(incoming) = self.incoming.try_recv() {
                self.keep(incoming)?;
            }
            self.watch.finish(false);
            self.down.get_or_insert(down);
        }
        Ok(self.down.clone().unwrap_or(Down::Clean))
    }
}
