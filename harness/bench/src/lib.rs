//! Places where cases run. A bench brings up a machine with the agent on it and hands over three streams:
//! the agent's protocol, the kernel log, the trace. What comes in on them arrives as [`Incoming`] on one channel.

mod error;
mod facts;
pub mod frame;
mod link;
pub mod local;
mod program;
pub mod protocol;
mod streams;
mod supervise;
pub mod vm;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

pub use error::Error;
pub use program::Program;
use protocol::{FromAgent, ToAgent};

/// What a machine that is up says, from all its streams, in the order in which it was read from each.
#[derive(Debug)]
pub enum Incoming {
    /// A message of the agent.
    Agent(FromAgent),
    /// One raw `/dev/kmsg` record: `prio,seq,us,flags[,caller=..];text`, its dictionary lines behind it.
    Klog(Vec<u8>),
    /// A piece of the kernel's trace text (dma_fence tracepoints).
    Trace(Vec<u8>),
    /// A line of the machine's console, where it has one: boot messages and the last words of a panic.
    Console(Vec<u8>),
    /// The machine is gone; nothing comes after this.
    Down(Down),
}

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// It was told to.
    Clean,
    /// Its kernel panicked.
    Panic {
        /// The panic's own line.
        message: String,
    },
    /// It said nothing within its deadline and was killed.
    Silent {
        /// The deadline, in milliseconds.
        after_ms: u64,
    },
    /// It went away by itself: QEMU was killed or crashed, the agent died, the connection broke.
    Vanished {
        /// What is known of the end: an exit status, a signal, an error.
        how: String,
    },
}

/// How a machine is to come up.
#[derive(Clone)]
pub struct Order {
    /// The folder for the recorder's records of this boot, which is made; in it `pool` holds them. None: cases run
    /// unrecorded.
    pub record: Option<PathBuf>,
    /// Asked a few times a second while the machine boots; true gives it up, with [`Error::Stopped`].
    pub stop: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Default for Order {
    /// Unrecorded, and never given up.
    fn default() -> Self {
        Order { record: None, stop: Arc::new(|| false) }
    }
}

/// A place where cases run.
pub trait Bench: Send {
    /// `vm`, `local`: the name that reports use.
    fn name(&self) -> &str;

    /// The devices that the bench is described to have, without bringing it up. A local bench looks; a guest's
    /// are written in its file.
    ///
    /// # Errors
    /// When the devices of a local bench cannot be listed.
    fn devices(&self) -> Result<Vec<protocol::Device>, Error>;

    /// Whether a spent machine (lockdep off, a stuck task) can be had afresh by [`Machine::down`] and another
    /// [`Bench::up`].
    fn can_reboot(&self) -> bool;

    /// Whether the machine that is up is emulated: what it reports of time alone may be its host's doing.
    fn is_emulated(&self) -> bool {
        false
    }

    /// Brings the machine up, its agent's [`FromAgent::Hello`] said. `note` takes what the user should know of
    /// on the way ("kvm guest silent for 10 s, using emulation"), each once.
    ///
    /// # Errors
    /// When the machine cannot be started, never answers, or is not wanted any more. That its records have no place is no
    /// error: its agent's doctor says so.
    fn up(
        &mut self,
        order: &Order,
        incoming: Sender<Incoming>,
        note: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error>;
}

/// A machine that is up.
pub trait Machine: Send {
    /// What its agent said of it at the start.
    fn hello(&self) -> &protocol::Hello;

    /// Sends a message to the agent.
    ///
    /// # Errors
    /// When the connection is broken; [`Incoming::Down`] then says why.
    fn send(&mut self, message: &ToAgent) -> Result<(), Error>;

    /// Ends it: asks the agent to power off, waits a moment, then kills. All that it had said has arrived on the
    /// channel when this returns, [`Incoming::Down`] last.
    fn down(self: Box<Self>) -> Down;
}
