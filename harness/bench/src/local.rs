//! The `local` bench: the same agent on this machine, for labs.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use fencelab_events::DeviceKind;

use crate::facts::Shared;
use crate::link::{Failure, Limits, Link, Parts};
use crate::protocol::{Device, FromAgent, Hello, Record, Setup, VERSION};
use crate::streams::Streams;
use crate::{Bench, Down, Error, Incoming, Machine, Order, Program, frame};

/// This machine.
#[derive(Debug, Clone)]
pub struct Local {
    program: Program,
    need_drm: bool,
}

/// A machine in trouble may be slow; its agent still says something every second.
const LIMITS: Limits = Limits {
    first_word: None,
    hello: Duration::from_secs(60),
    silence: Duration::from_secs(60),
    farewell: Duration::from_secs(10),
};

impl Local {
    /// This machine, the agent run from `program`.
    pub fn new(program: Program) -> Self {
        Local { program, need_drm: true }
    }

    /// The same for cases that need no device: a machine without DRM is no error.
    #[must_use]
    pub fn without_drm(mut self) -> Self {
        self.need_drm = false;
        self
    }

    fn require_drm(&self, devices: &[Device]) -> Result<(), Error> {
        if self.need_drm && !devices.iter().any(|d| d.kind == DeviceKind::Drm) {
            return Err(Error::NoDrm);
        }
        Ok(())
    }

    /// The agent on pipes, our ends of them.
    fn agent(&self) -> io::Result<Parts> {
        let (agent, its_agent) = UnixStream::pair()?;
        let (klog, its_klog) = UnixStream::pair()?;
        let (trace, its_trace) = UnixStream::pair()?;
        let (words, its_words) = UnixStream::pair()?;
        let mut command = Command::new(&self.program.path);
        command.args(["agent", "--stdio"]).args(&self.program.extra);
        command.arg(format!("--klog-fd={}", its_klog.as_raw_fd()));
        command.arg(format!("--trace-fd={}", its_trace.as_raw_fd()));
        command.stdin(OwnedFd::from(its_agent.try_clone()?));
        command.stdout(OwnedFd::from(its_agent)).stderr(OwnedFd::from(its_words));
        let streams = Streams { agent, klog, trace, words, console: None, monitor: None };
        Ok(Parts { command, inherit: vec![its_klog.into(), its_trace.into()], streams })
    }
}

/// What the records of one run on this machine may take: a flight recorder of the last million calls or so.
const RECORDS: u64 = 64 << 20;

/// The agent makes the folder itself: it writes there.
fn record(folder: &Path) -> Record {
    match std::path::absolute(folder) {
        Ok(path) => Record::Folder { path: path.to_string_lossy().into_owned(), bytes: RECORDS },
        Err(error) => Record::Failed { why: error.to_string() },
    }
}

impl Bench for Local {
    fn name(&self) -> &str {
        "local"
    }

    fn devices(&self) -> Result<Vec<Device>, Error> {
        let mut command = Command::new(&self.program.path);
        command.args(["agent", "--scan"]).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().map_err(Error::io("run the agent"))?;
        match frame::receive(&mut output.stdout.as_slice()).map_err(Error::io("read the agent's answer"))? {
            Some(FromAgent::Hello(hello)) => {
                let Hello { devices, .. } = *hello;
                self.require_drm(&devices)?;
                Ok(devices)
            }
            _ => Err(Error::Ended { how: format!("it ended with {} and listed no devices", output.status) }),
        }
    }

    fn can_reboot(&self) -> bool {
        false
    }

    fn up(
        &mut self,
        order: &Order,
        incoming: Sender<Incoming>,
        _note: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error> {
        let parts = self.agent().map_err(Error::io("make the agent's sockets"))?;
        let record = order.record.as_deref().map_or(Record::Nowhere, record);
        let setup = Setup { version: VERSION, record, ..Setup::default() };
        let facts = Shared::default();
        let link = Link::start(parts, setup, LIMITS, order, incoming, &facts).map_err(|f| match f {
            Failure::Stopped => Error::Stopped,
            Failure::Io(error) => Error::Io { what: "run the agent", error },
            Failure::Version(theirs) => Error::Version { theirs, ours: VERSION },
            Failure::Mute(limit) | Failure::NoHello(limit) => {
                let last = facts.lock().words.pop().unwrap_or_else(|| "nothing".into());
                Error::NoAnswer { after_s: limit.as_secs(), last }
            }
            Failure::Ended(Down::Vanished { how }) => Error::Ended { how },
            Failure::Ended(down) => Error::Ended { how: format!("{down:?}") },
        })?;
        self.require_drm(&link.hello().devices)?;
        Ok(Box::new(link))
    }
}
