//! A bench whose machines come up with faults planted.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fencelab_bench::protocol::{Device, Exec, Exit, FromAgent, Hello, ToAgent};
use fencelab_bench::{Bench, Down, Error, Incoming, Machine, Order};

/// How long listing and planting may take, on a loaded and emulated machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lists the knobs, then arms each argument. The module says in the kernel log what it does not know.
const SCRIPT: &str = r#"
cd /sys/kernel/debug/fencelab || exit 10
cat knobs || exit 11
echo off > plant || exit 12
for line; do
    printf '%s\n' "$line" > plant || { echo "the module refuses $line" >&2; exit 12; }
done
"#;

/// What the module listed when a machine came up.
#[derive(Debug, Clone, Default)]
pub struct Listed(Arc<Mutex<Option<String>>>);

impl Listed {
    /// The text of the last machine that came up; none before the first.
    pub fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The bench.
pub struct Planted {
    inner: Box<dyn Bench>,
    lines: Vec<String>,
    listed: Listed,
}

impl Planted {
    /// Machines of `inner`, on each of which these lines are written to the twins' `plant` before anything runs.
    pub fn new(inner: Box<dyn Bench>, lines: Vec<String>) -> Planted {
        Planted { inner, lines, listed: Listed::default() }
    }

    /// What the module lists.
    pub fn listed(&self) -> Listed {
        self.listed.clone()
    }

    fn exec(&self) -> Exec {
        let words = ["/bin/sh", "-c", SCRIPT, "plant"].map(str::to_owned);
        Exec {
            argv: words.into_iter().chain(self.lines.iter().cloned()).collect(),
            env: vec![],
            cwd: "/".into(),
        }
    }

    /// Runs the script on the machine. What else the machine says meanwhile goes on.
    fn plant(
        &self,
        machine: &mut dyn Machine,
        from: &Receiver<Incoming>,
        to: &Sender<Incoming>,
    ) -> Result<(), Error> {
        machine.send(&ToAgent::Exec(self.exec()))?;
        let (mut said, mut complaint) = (Vec::new(), Vec::new());
        let deadline = Instant::now() + PATIENCE;
        let exit = loop {
            match from.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Incoming::Agent(FromAgent::Output { fd: 1, data })) => said.extend(data),
                Ok(Incoming::Agent(FromAgent::Output { data, .. })) => complaint.extend(data),
                Ok(Incoming::Agent(FromAgent::Exited { exit })) => break exit,
                Ok(Incoming::Agent(FromAgent::ExecFailed { error })) => return Err(refused(error)),
                Ok(Incoming::Down(down)) => {
                    return Err(Error::Ended { how: format!("while planting: {down:?}") });
                }
                // The runner is there as long as it waits for this machine.
                Ok(other) => drop(to.send(other)),
                Err(RecvTimeoutError::Timeout) => return Err(refused("no answer".into())),
                Err(RecvTimeoutError::Disconnected) => return Err(refused("its streams closed".into())),
            }
        };
        if exit != Exit::Status(0) {
            return Err(refused(String::from_utf8_lossy(&complaint).trim().replace('\n', "; ")));
        }
        let text = String::from_utf8_lossy(&said).into_owned();
        *self.listed.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Ok(())
    }
}

fn refused(why: String) -> Error {
    Error::Io { what: "plant a fault on the machine", error: io::Error::other(why) }
}

impl Bench for Planted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn devices(&self) -> Result<Vec<Device>, Error> {
        self.inner.devices()
    }

    fn can_reboot(&self) -> bool {
        self.inner.can_reboot()
    }

    fn is_emulated(&self) -> bool {
        self.inner.is_emulated()
    }

    fn up(
        &mut self,
        order: &Order,
        incoming: Sender<Incoming>,
        note: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error> {
        if self.lines.is_empty() {
            return self.inner.up(order, incoming, note);
        }
        let (sender, receiver) = mpsc::channel();
        let mut machine = self.inner.up(order, sender, note)?;
        if let Err(error) = self.plant(machine.as_mut(), &receiver, &incoming) {
            machine.down();
            return Err(error);
        }
        let forwarder = std::thread::spawn(move || {
            // Ends when the machine's streams are closed, or the runner is gone.
            while let Ok(said) = receiver.recv() {
                if incoming.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(Box::new(Forwarded { inner: machine, forwarder }))
    }
}

/// A machine what it says of which passes through a thread.
struct Forwarded {
    inner: Box<dyn Machine>,
    forwarder: JoinHandle<()>,
}

impl Machine for Forwarded {
    fn hello(&self) -> &Hello {
        self.inner.hello()
    }

    fn send(&mut self, message: &ToAgent) -> Result<(), Error> {
        self.inner.send(message)
    }

    fn down(self: Box<Self>) -> Down {
        let down = self.inner.down();
        // All that it had said must have arrived when this returns.
        let _ = self.forwarder.join();
        down
    }
}
