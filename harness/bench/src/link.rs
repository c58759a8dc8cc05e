//! A machine that is up, whatever stands behind it: the threads that read its streams, the watch over its
//! silence, the verdict on its end.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::protocol::{FromAgent, Hello, Setup, ToAgent, VERSION};
use crate::supervise::{Handle, Process};
use crate::{Down, Error, Incoming, Machine, frame};

/// The streams of a machine, our ends; each ends when the process behind it does.
pub(crate) struct Streams {
    pub(crate) agent: UnixStream,
    pub(crate) klog: UnixStream,
    pub(crate) trace: UnixStream,
    /// What QEMU or the agent itself has to say, for errors.
    pub(crate) words: UnixStream,
    /// The guest's console.
    pub(crate) console: Option<UnixStream>,
    /// QEMU's monitor.
    pub(crate) monitor: Option<UnixStream>,
}

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

/// What is known of a machine, shared by its threads.
#[derive(Default)]
pub(crate) struct Facts {
    /// When the last byte came.
    pub(crate) heard: Option<Instant>,
    /// Our own order to end.
    pub(crate) asked: bool,
    /// The watch killed it.
    pub(crate) silent: Option<Duration>,
    /// The panic's line, from the console.
    pub(crate) panic: Option<String>,
    /// The monitor told of a panic.
    pub(crate) panicked: bool,
    /// The monitor told why the guest went down by itself.
    pub(crate) reason: Option<String>,
    /// The agent's stream carried something else.
    pub(crate) broken: Option<String>,
    /// The last lines of QEMU or the agent itself.
    pub(crate) words: Vec<String>,
    /// The last lines of the console.
    pub(crate) console: Vec<String>,
    /// The end, if it came before the machine was handed over.
    ended: Option<Down>,
    /// It was handed over: its end is to be told on the channel.
    up: bool,
}

/// How many lines of last words are kept.
const WORDS: usize = 50;

/// The facts, to be asked and told from any thread.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Facts>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn heard(&self) {
        self.lock().heard = Some(Instant::now());
    }

    pub(crate) fn word(&self, line: String) {
        remember(&mut self.lock().words, line);
    }

    pub(crate) fn console(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).into_owned();
        let mut facts = self.lock();
        if let (None, Some(message)) = (&facts.panic, crate::vm::console::panic_message(&line)) {
            facts.panic = Some(message.to_owned());
        }
        remember(&mut facts.console, line);
    }
}

fn remember(lines: &mut Vec<String>, line: String) {
    if lines.len() == WORDS {
        lines.remove(0);
    }
    lines.push(line);
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
        command: Command,
        inherit: Vec<OwnedFd>,
        streams: Streams,
        setup: Setup,
        limits: Limits,
        incoming: Sender<Incoming>,
        facts: &Shared,
    ) -> Result<Self, Failure> {
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
                let down = verdict(&facts.lock(), &status);
                facts.tell(down.clone(), &incoming);
                down
            }
        };
        let process = Process::start(command, inherit, ended).map_err(io)?;
        frame::send(&mut writer, &ToAgent::Setup(setup)).ok();
        let hello = match wait_for_hello(&greeted, limits, facts) {
            Ok(hello) => hello,
            Err(failure) => {
                process.handle().kill();
                let down = process.join();
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
    /// An agent of another version.
    Version(u32),
    /// It ended first.
    Ended(Down),
}

fn wait_for_hello(
    greeted: &Receiver<Box<Hello>>,
    limits: Limits,
    facts: &Shared,
) -> Result<Box<Hello>, Failure> {
    let hello = match limits.first_word {
        Some(limit) => match greeted.recv_timeout(limit) {
            Err(RecvTimeoutError::Timeout) if facts.lock().heard.is_none() => {
                return Err(Failure::Mute(limit));
            }
            Err(RecvTimeoutError::Timeout) => greeted.recv_timeout(limits.hello),
            other => other,
        },
        None => greeted.recv_timeout(limits.hello),
    };
    match hello {
        Ok(hello) if hello.version == VERSION => Ok(hello),
        Ok(hello) => Err(Failure::Version(hello.version)),
        Err(RecvTimeoutError::Timeout) => Err(Failure::NoHello(limits.hello)),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::Ended(Down::Vanished {
            how: "it closed its connection before it said anything".into(),
        })),
    }
}

impl Shared {
    fn tell(&self, down: Down, incoming: &Sender<Incoming>) {
        let mut facts = self.lock();
        if facts.up {
            let _ = incoming.send(Incoming::Down(down.clone()));
        }
        facts.ended = Some(down);
    }

    fn hand_over(&self, incoming: &Sender<Incoming>) {
        let mut facts = self.lock();
        facts.up = true;
        if let Some(down) = facts.ended.clone() {
            let _ = incoming.send(Incoming::Down(down));
        }
    }
}

impl Streams {
    fn clone_all(&self) -> io::Result<Vec<UnixStream>> {
        [&self.agent, &self.klog, &self.trace, &self.words]
            .into_iter()
            .chain(&self.console)
            .chain(&self.monitor)
            .map(UnixStream::try_clone)
            .collect()
    }

    fn read_all(
        self,
        incoming: &Sender<Incoming>,
        hello: Sender<Box<Hello>>,
        facts: &Shared,
    ) -> io::Result<Vec<JoinHandle<()>>> {
        let mut readers = Vec::new();
        let (to, shared) = (incoming.clone(), facts.clone());
        readers.push(reader("agent", move || read_agent(self.agent, &hello, &to, &shared))?);
        let (to, shared) = (incoming.clone(), facts.clone());
        readers.push(reader("klog", move || read_klog(self.klog, &to, &shared))?);
        let (to, shared) = (incoming.clone(), facts.clone());
        readers.push(reader("trace", move || read_trace(self.trace, &to, &shared))?);
        let shared = facts.clone();
        readers.push(reader("words", move || {
            lines(self.words, |line| shared.word(String::from_utf8_lossy(line).into_owned()))
        })?);
        if let Some(console) = self.console {
            let (to, shared) = (incoming.clone(), facts.clone());
            readers.push(reader("console", move || read_console(console, &to, &shared))?);
        }
        if let Some(monitor) = self.monitor {
            let shared = facts.clone();
            readers.push(reader("monitor", move || crate::vm::monitor::listen(monitor, &shared))?);
        }
        Ok(readers)
    }
}

fn reader(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(body)
}

fn read_agent(
    mut stream: UnixStream,
    hello: &Sender<Box<Hello>>,
    incoming: &Sender<Incoming>,
    facts: &Shared,
) {
    loop {
        match frame::receive(&mut stream) {
            Ok(Some(FromAgent::Hello(greeting))) => drop(hello.send(greeting)),
            Ok(Some(message)) => drop(incoming.send(Incoming::Agent(message))),
            Ok(None) => return,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                facts.lock().broken = Some(error.to_string());
                return;
            }
            Err(_) => return,
        }
        facts.heard();
    }
}

fn read_klog(mut stream: UnixStream, incoming: &Sender<Incoming>, facts: &Shared) {
    while let Ok(Some(record)) = frame::read(&mut stream) {
        facts.heard();
        let _ = incoming.send(Incoming::Klog(record));
    }
}

fn read_trace(mut stream: UnixStream, incoming: &Sender<Incoming>, facts: &Shared) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        facts.heard();
        let _ = incoming.send(Incoming::Trace(buffer[..n].to_vec()));
    }
}

fn read_console(stream: UnixStream, incoming: &Sender<Incoming>, facts: &Shared) {
    lines(stream, |line| {
        facts.heard();
        facts.console(line);
        let _ = incoming.send(Incoming::Console(line.to_vec()));
    });
}

/// The longest line that is kept whole.
const LINE: u64 = 64 << 10;

/// Reads lines to the end, without their line ends; a line over the limit comes in pieces.
fn lines(stream: UnixStream, mut each: impl FnMut(&[u8])) {
    use io::BufRead;
    let mut stream = io::BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stream).take(LINE).read_until(b'\n', &mut line) {
        each(line.trim_ascii_end());
        line.clear();
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

fn verdict(facts: &Facts, status: &io::Result<ExitStatus>) -> Down {
    if let Some(message) = &facts.panic {
        return Down::Panic { message: message.clone() };
    }
    if facts.panicked {
        return Down::Panic {
            message: "the kernel panicked, and its message did not reach the console".into(),
        };
    }
    if let Some(limit) = facts.silent {
        return Down::Silent { after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) };
    }
    if facts.asked {
        return Down::Clean;
    }
    let mut how = match (&facts.reason, status) {
        (Some(reason), _) => reason.clone(),
        (None, Ok(status)) => format!("its process ended with {status}"),
        (None, Err(error)) => format!("its process cannot be waited for: {error}"),
    };
    if let Some(broken) = &facts.broken {
        how = format!("its stream broke ({broken}); {how}");
    }
    if let Some(word) = facts.words.last() {
        how = format!("{how}: {word}");
    }
    Down::Vanished { how }
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
        if !process.handle().wait(self.farewell) {
            process.handle().kill();
        }
        process.join().unwrap_or(gone)
    }
}
