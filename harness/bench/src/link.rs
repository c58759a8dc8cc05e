//! A machine that is up, whatever stands behind it: its process, its streams, the watch over its silence.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::facts::Shared;
use crate::protocol::{Hello, Setup, ToAgent, VERSION};
use crate::streams::Streams;
use crate::supervise::{Handle, Process};
use crate::{Down, Error, Incoming, Machine, Order, frame};

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Until the first byte on any stream, where a machine that says nothing at all is to be given up early.
    pub(crate) first_word: Option<Duration>,
    /// Until the agent's greeting.
    pub(crate) hello: Duration,
    /// Without a byte on any stream.
    pub(crate) silence: Duration,
    /// From the order to power off until the kill.
    pub(crate) farewell: Duration,
}

/// What a machine is started from.
pub(crate) struct Parts {
    /// Its process.
    pub(crate) command: Command,
    /// What that inherits.
    pub(crate) inherit: Vec<OwnedFd>,
    /// Our ends of it.
    pub(crate) streams: Streams,
}

/// A machine that is up.
pub(crate) struct Link {
    hello: Hello,
    writer: UnixStream,
    facts: Shared,
    process: Option<Process<Down>>,
    farewell: Duration,
}

impl Link {
    /// Starts the process, greets its agent, and hands the machine over. When it fails, `facts` tells more.
    pub(crate) fn start(
        parts: Parts,
        setup: Setup,
        limits: Limits,
        order: &Order,
        incoming: Sender<Incoming>,
        facts: &Shared,
    ) -> Result<Self, Failure> {
        let Parts { command, inherit, streams } = parts;
        let io = |error| Failure::Io(error);
        let mut writer = streams.agent.try_clone().map_err(io)?;
        // A machine that reads nothing is the watch's to end; nobody may wait for it longer than that.
        writer.set_write_timeout(Some(limits.silence)).map_err(io)?;
        let sockets = streams.clone_all().map_err(io)?;
        let (hello, greeted) = mpsc::channel();
        let readers = streams.read_all(&incoming, hello, facts).map_err(io)?;
        let ended = {
            let (facts, incoming) = (facts.clone(), incoming.clone());
            move |status| {
                // What the process had written is in our queues by now: the readers get it and then the end,
                // even if some child of the process still holds its own end of a stream.
                for socket in sockets {
                    let _ = socket.shutdown(Shutdown::Read);
                }
                for reader in readers {
                    let _ = reader.join();
                }
                let down = facts.lock().verdict(&status);
                facts.tell(down.clone(), &incoming);
                down
            }
        };
        let process = Process::start(command, inherit, ended).map_err(io)?;
        frame::send(&mut writer, &ToAgent::Setup(setup)).ok();
        let hello = match wait_for_hello(&greeted, limits, order, facts) {
            Ok(hello) => hello,
            Err(failure) => {
                let down = process.end();
                return Err(match (failure, down) {
                    (Failure::Ended(_), Some(down)) => Failure::Ended(down),
                    (failure, _) => failure,
                });
            }
        };
        watch(process.handle().clone(), facts.clone(), limits.silence).map_err(io)?;
        facts.hand_over(&incoming);
        Ok(Link {
            hello: *hello,
            writer,
            facts: facts.clone(),
            process: Some(process),
            farewell: limits.farewell,
        })
    }
}

/// Why a machine did not come up.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The process or a thread could not be started.
    Io(io::Error),
    /// Not one byte within the first deadline.
    Mute(Duration),
    /// No greeting within its deadline.
    NoHello(Duration),
    /// The order was taken back.
    Stopped,
    /// An agent of another version.
    Version(u32),
    /// It ended first.
    Ended(Down),
}

fn wait_for_hello(
    greeted: &Receiver<Box<Hello>>,
    limits: Limits,
    order: &Order,
    facts: &Shared,
) -> Result<Box<Hello>, Failure> {
    /// How often the order's stop is asked.
    const TICK: Duration = Duration::from_millis(100);
    let began = Instant::now();
    loop {
        match greeted.recv_timeout(TICK) {
            Ok(hello) if hello.version == VERSION => return Ok(hello),
            Ok(hello) => return Err(Failure::Version(hello.version)),
            Err(RecvTimeoutError::Disconnected) => {
                let how = "it closed its connection before it said anything".into();
                return Err(Failure::Ended(Down::Vanished { how }));
            }
            Err(RecvTimeoutError::Timeout) if (order.stop)() => return Err(Failure::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
        }
        match limits.first_word {
            Some(limit) if began.elapsed() >= limit && facts.lock().heard.is_none() => {
                return Err(Failure::Mute(limit));
            }
            _ if began.elapsed() >= limits.hello => return Err(Failure::NoHello(limits.hello)),
            _ => {}
        }
    }
}

/// Kills a machine from which nothing comes (its agent says something every second) or nothing of ours.
fn watch(process: Handle, facts: Shared, limit: Duration) -> io::Result<()> {
    const TICK: Duration = Duration::from_millis(500);
    thread::Builder::new().name("watch".into()).spawn(move || {
        facts.heard();
        let mut before = Instant::now();
        while !process.wait(TICK) {
            // This program was stopped, or its machine slept: the silence is its own.
            if before.elapsed() > TICK * 10 {
                facts.heard();
            }
            before = Instant::now();
            let mut facts = facts.lock();
            if facts.broken.is_some() {
                process.kill();
                return;
            }
            if facts.heard.is_some_and(|heard| heard.elapsed() > limit) {
                facts.silent = Some(limit);
                process.kill();
                return;
            }
        }
    })?;
    Ok(())
}

impl Drop for Link {
    /// A machine that nobody took down: its agent sees the end of its stream, has a moment to end what it runs,
    /// and is killed.
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            let _ = self.writer.shutdown(Shutdown::Write);
            process.handle().wait(Duration::from_secs(5));
        }
    }
}

impl Machine for Link {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn send(&mut self, message: &ToAgent) -> Result<(), Error> {
        frame::send(&mut self.writer, message).map_err(Error::io("send to the agent"))
    }

    fn down(mut self: Box<Self>) -> Down {
        self.facts.lock().asked = true;
        let _ = frame::send(&mut self.writer, &ToAgent::Shutdown);
        let _ = self.writer.flush();
        let gone = Down::Vanished { how: "its keeper died".into() };
        let Some(process) = self.process.take() else {
            return gone;
        };
        if process.handle().wait(self.farewell) {
            return process.join().unwrap_or(gone);
        }
        let unkillable = Down::Vanished { how: "its process cannot be killed; it was left behind".into() };
        process.end().unwrap_or(unkillable)
    }
}
