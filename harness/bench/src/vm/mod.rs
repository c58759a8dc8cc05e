//! The `vm` bench: a QEMU guest on a kernel of the user's choice. Its root is the host's, read-only, with a tmpfs
//! over it; its init is the agent; kernel log, agent and trace each have a virtio-serial port of their own.

mod accel;
mod command;
pub mod config;
pub(crate) mod console;
mod kernel;
pub(crate) mod monitor;
mod records;

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use accel::Accel;
use accel::Engine;
pub use config::Config;
pub use kernel::Kernel;
use records::Records;

use crate::facts::Shared;
use crate::link::{Failure, Limits, Link};
use crate::protocol::{Device, Record, Setup, VERSION};
use crate::{Bench, Down, Error, Incoming, Machine, Order, Program};

/// What a [`Vm`] is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The guest's description.
    pub config: Config,
    /// What it boots.
    pub kernel: Kernel,
    /// Its init. The guest sees the host's files, so this is a path of the host.
    pub program: Program,
    /// How its processors are made.
    pub accel: Accel,
    /// A small file that remembers, for this boot of the host, that KVM does not work.
    pub accel_cache: Option<PathBuf>,
}

/// The bench. A clone is another guest, whose processors are made as the first's proved to work.
#[derive(Debug, Clone)]
pub struct Vm {
    options: Options,
    /// What an earlier boot of this run came to.
    decided: Arc<Mutex<Option<Engine>>>,
}

impl Vm {
    /// The bench over these options; nothing is looked at before [`Bench::up`].
    pub fn new(options: Options) -> Self {
        Vm { options, decided: Arc::default() }
    }

    fn boot(
        &self,
        engine: Engine,
        order: &Order,
        incoming: &Sender<Incoming>,
    ) -> Result<Link, (Failure, Shared)> {
        let facts = Shared::default();
        let (records, record) = self.make_records(order);
        let deadlines = &self.options.config.deadlines;
        let limits = Limits {
            first_word: (engine == Engine::Kvm).then(|| Duration::from_secs(deadlines.kvm_silent_s)),
            hello: Duration::from_secs(deadlines.hello_s),
            silence: Duration::from_secs(deadlines.silent_s),
            farewell: Duration::from_secs(deadlines.power_off_s),
        };
        let link = command::build(&self.options, engine, records.as_ref())
            .map_err(Failure::Io)
            .and_then(|qemu| Link::start(qemu, self.setup(record), limits, order, incoming.clone(), &facts));
        link.map_err(|failure| (failure, facts))
    }

    /// How the guest's processors are made. Where KVM must show first whether it works, this is its first boot, and the
    /// guests beside it wait for what it comes to: one that is slow among many says nothing about KVM.
    fn decide(
        &self,
        order: &Order,
        incoming: &Sender<Incoming>,
        note: &mut dyn FnMut(String),
    ) -> Result<Decided, (Failure, Shared)> {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = *decided {
            return Ok(Decided::Engine(engine));
        }
        let cache = self.options.accel_cache.as_deref();
        let engine = accel::choose(self.options.accel, cache, note);
        *decided = Some(engine);
        if engine == Engine::Tcg || self.options.accel == Accel::Kvm {
            return Ok(Decided::Engine(engine));
        }
        match self.boot(engine, order, incoming) {
            Err((failure, facts)) if kvm_is_at_fault(&failure, &facts) => {
                let why = accel::complaint(&failure, &facts);
                note(format!("{why}; the guest is emulated instead, which is slower"));
                accel::remember(cache);
                *decided = Some(Engine::Tcg);
                Ok(Decided::Engine(Engine::Tcg))
            }
            link => link.map(|link| Decided::Booted(Box::new(link))),
        }
    }

    /// The memory for the records of this boot, and what the agent is to know of it.
    fn make_records(&self, order: &Order) -> (Option<Records>, Record) {
        let Some(folder) = &order.record else { return (None, Record::Nowhere) };
        match Records::make(folder, self.options.config.record_mib) {
            Ok(records) => (Some(records), Record::SharedMemory),
            Err(why) => (None, Record::Failed { why }),
        }
    }

    fn setup(&self, record: Record) -> Setup {
        let devices = &self.options.config.devices;
        Setup {
            version: VERSION,
            modules_dir: Some(self.options.kernel.modules.to_string_lossy().into_owned()),
            modules: devices.iter().filter_map(|d| d.module.clone()).collect(),
            devices: devices.iter().map(config::Device::described).filter(is_module).collect(),
            swap_mib: self.options.config.swap_mib,
            record,
        }
    }
}

/// What a guest's processors are made by, or the guest that showed it.
enum Decided {
    Engine(Engine),
    Booted(Box<Link>),
}

fn is_module(device: &Device) -> bool {
    device.kind == fencelab_events::DeviceKind::Module
}

impl Bench for Vm {
    fn name(&self) -> &str {
        "vm"
    }

    fn devices(&self) -> Result<Vec<Device>, Error> {
        Ok(self.options.config.devices.iter().map(config::Device::described).collect())
    }

    fn can_reboot(&self) -> bool {
        true
    }

    fn is_emulated(&self) -> bool {
        *self.decided.lock().unwrap_or_else(PoisonError::into_inner) == Some(Engine::Tcg)
    }

    fn up(
        &mut self,
        order: &Order,
        incoming: Sender<Incoming>,
        note: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error> {
        self.options.kernel.check()?;
        command::check(&self.options)?;
        let engine = self.decide(order, &incoming, note);
        let link = engine.and_then(|engine| match engine {
            Decided::Booted(link) => Ok(*link),
            Decided::Engine(engine) => self.boot(engine, order, &incoming),
        });
        match link {
            Ok(link) => Ok(Box::new(link)),
            Err((failure, facts)) => Err(explain(failure, &facts, &self.options)),
        }
    }
}

/// KVM that never runs its guest, or that QEMU cannot set up.
fn kvm_is_at_fault(failure: &Failure, facts: &Shared) -> bool {
    let facts = facts.lock();
    match failure {
        Failure::Mute(_) => true,
        Failure::Ended(_) => {
            facts.console.is_empty() && facts.words.iter().any(|w| w.to_lowercase().contains("kvm"))
        }
        _ => false,
    }
}

/// Words in QEMU's complaint when the host cannot give the memory.
const HOST_MEMORY: &str = "cannot set up guest memory";
/// Words in the kernel's panic when there is too little to boot.
const GUEST_MEMORY: [&str; 3] = ["deadlocked on memory", "Out of memory", "out of memory"];

/// A kernel with lockdep and less than this resets before it prints a word.
const LITTLE_MEMORY: u32 = 256;

fn explain(failure: Failure, facts: &Shared, options: &Options) -> Error {
    let facts = facts.lock();
    let mib = options.config.memory_mib;
    let words = facts.words.join("; ");
    match failure {
        Failure::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Error::NoQemu { program: options.config.qemu.clone() }
        }
        Failure::Io(error) => Error::Io { what: "start QEMU", error },
        Failure::Stopped => Error::Stopped,
        Failure::Version(theirs) => Error::Version { theirs, ours: VERSION },
        Failure::Mute(limit) | Failure::NoHello(limit) => {
            let last = facts.console.iter().chain(&facts.words).next_back();
            Error::NoAnswer {
                after_s: limit.as_secs(),
                last: last.cloned().unwrap_or_else(|| "nothing".into()),
            }
        }
        Failure::Ended(Down::Panic { message }) => {
            if GUEST_MEMORY.iter().any(|words| message.contains(words)) {
                Error::GuestMemory { mib, message }
            } else {
                Error::PanicAtBoot { message }
            }
        }
        Failure::Ended(Down::Vanished { how })
            if mib < LITTLE_MEMORY && facts.console.is_empty() && words.is_empty() =>
        {
            Error::GuestMemory { mib, message: how }
        }
        Failure::Ended(_) if words.contains(HOST_MEMORY) => Error::HostMemory { mib, message: words },
        Failure::Ended(_) if !words.is_empty() && facts.console.is_empty() => {
            Error::QemuRefused { message: words }
        }
        Failure::Ended(Down::Vanished { how }) => Error::Ended { how },
        Failure::Ended(down) => Error::Ended { how: format!("{down:?}") },
    }
}
