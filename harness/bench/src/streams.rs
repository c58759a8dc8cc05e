//! The streams of a machine, each read to its end by a thread of its own.

use std::io::{self, BufRead, Read};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use crate::facts::Shared;
use crate::protocol::{FromAgent, Hello};
use crate::{Incoming, frame};

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

impl Streams {
    /// The same streams again, to be shut down when the process has ended.
    pub(crate) fn clone_all(&self) -> io::Result<Vec<UnixStream>> {
        [&self.agent, &self.klog, &self.trace, &self.words]
            .into_iter()
            .chain(&self.console)
            .chain(&self.monitor)
            .map(UnixStream::try_clone)
            .collect()
    }

    /// Begins to read them all. The agent's greeting goes to `hello`, all else to `incoming`.
    pub(crate) fn read_all(
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
    let mut stream = io::BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut stream).take(LINE).read_until(b'\n', &mut line) {
        each(line.trim_ascii_end());
        line.clear();
    }
}
