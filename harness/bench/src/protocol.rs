//! What the runner and the agent say to each other: JSON messages in length-prefixed frames ([`crate::frame`]).
//!
//! Times are CLOCK_MONOTONIC microseconds of the machine under test, the clock of its kernel log as near as
//! the kernel keeps them. `klog` fields are /dev/kmsg sequence numbers: a case's window is exact, without clocks.

pub use fencelab_events::{
    Captured, Device, DeviceKind, Dossier, Exit, Lockdep, Outcome, Program, Subtest, Task,
};
use serde::{Deserialize, Serialize};

/// The protocol's version; an agent of another one is refused.
pub const VERSION: u32 = 2;

/// From the runner to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum ToAgent {
    /// The first message: what the agent needs to know before it says [`FromAgent::Hello`]. The bench sends it.
    Setup(Setup),
    /// Run one case. The answer is [`FromAgent::Started`], then any number of others, then [`FromAgent::Finished`].
    Run(Run),
    /// Take the stacks of the case that runs, then kill it; answered by its [`FromAgent::Finished`]. A command
    /// that runs is killed without more ado and answered by its [`FromAgent::Exited`].
    Cancel,
    /// Run any command with its streams forwarded; answered by [`FromAgent::Output`] and [`FromAgent::Exited`].
    Exec(Exec),
    /// Bytes for the command's standard input; none at all: end of file.
    Input {
        /// The bytes.
        #[serde(with = "bytes")]
        data: Vec<u8>,
    },
    /// Read `/proc/lockdep_stats`; answered by [`FromAgent::Lockdep`].
    Lockdep,
    /// Read what lockdep has around the contract's classes; answered by [`FromAgent::Contract`] or
    /// [`FromAgent::NoContract`].
    Contract,
    /// Power off, or leave.
    Shutdown,
}

/// What the agent needs to know of its machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// [`VERSION`] of the runner.
    pub version: u32,
    /// The folder of the kernel's modules (`.../lib/modules/RELEASE`), shown in the guest under its usual name.
    pub modules_dir: Option<String>,
    /// The modules to load, in this order.
    pub modules: Vec<String>,
    /// Devices that no scan finds: modules that are loaded for their own tests.
    pub devices: Vec<Device>,
    /// Swap to make of the machine's memory; 0 where it is the runner's own machine.
    #[serde(default)]
    pub swap_mib: u32,
    /// Where the recorder's records of the cases go.
    #[serde(default)]
    pub record: Record,
}

/// Where the recorder's records of a machine's cases go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum Record {
    /// Nowhere: nobody asked for them.
    #[default]
    Nowhere,
    /// Into a folder of the machine, which the runner sees too.
    Folder {
        /// Its path; it is made.
        path: String,
        /// What they may take, in bytes.
        bytes: u64,
    },
    /// Into memory that the guest shares with its host: the one ivshmem device that it has.
    SharedMemory,
    /// Nowhere, because the bench could not make room for them.
    Failed {
        /// Why.
        why: String,
    },
}

/// One case to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The runner's number for this attempt; every answer carries it.
    pub id: u64,
    /// `suite/case@device+device`.
    pub case: String,
    /// The suite's name.
    pub suite: String,
    /// The case's name in its suite.
    pub name: String,
    /// The names of its devices, in the order of its roles.
    pub devices: Vec<String>,
    /// Its time limit, in milliseconds.
    pub limit_ms: u64,
    /// Before the case unloads a module, it is to tell what lockdep has ([`FromAgent::Contract`]).
    pub coverage: bool,
    /// Variables to set for its process.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// The program that it runs, where it is none of fencelab's own.
    #[serde(default)]
    pub program: Option<Program>,
}

/// Any command to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The program and its arguments; the program is looked up in `PATH`.
    pub argv: Vec<String>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
    /// The working directory.
    pub cwd: String,
}

/// From the agent to the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum FromAgent {
    /// The first message: the machine is up and its modules are loaded.
    Hello(Box<Hello>),
    /// The case's process runs.
    Started(Started),
    /// The case started a thread.
    Thread {
        /// The attempt.
        id: u64,
        /// The thread.
        tid: i32,
    },
    /// Text of the case for the report.
    Note {
        /// The attempt.
        id: u64,
        /// The text.
        text: String,
    },
    /// The result of a part of the case.
    Subtest {
        /// The attempt.
        id: u64,
        /// The part.
        subtest: Subtest,
    },
    /// The case overran its limit or is cancelled; the stacks were taken, the kill ladder begins. What comes of
    /// it is in [`Finished::reason`].
    Stuck {
        /// The attempt.
        id: u64,
        /// What was seen.
        dossier: Dossier,
    },
    /// The case is over.
    Finished(Box<Finished>),
    /// Output of a command.
    Output {
        /// 1 or 2.
        fd: u8,
        /// The bytes.
        #[serde(with = "bytes")]
        data: Vec<u8>,
    },
    /// A command ended.
    Exited {
        /// Its end.
        exit: Exit,
    },
    /// The command could not be started.
    ExecFailed {
        /// Why.
        error: String,
    },
    /// Lockdep's state.
    Lockdep(Lockdep),
    /// What lockdep has around the contract's classes: asked for, or told by a case whose module is about to go and take
    /// its classes with it.
    Contract {
        /// /proc/lockdep, cut down to those classes.
        text: String,
        /// How long reading it took, in microseconds.
        took_us: u64,
    },
    /// That cannot be read.
    NoContract {
        /// Why.
        why: String,
    },
    /// Something that the user should know, once.
    Warning {
        /// The text.
        text: String,
    },
    /// The agent lives; sent every second.
    Alive,
}

/// What the agent found on its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`].
    pub version: u32,
    /// `uname -r`.
    pub release: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The devices found.
    pub devices: Vec<Device>,
    /// What keeps the machine from showing all it could, in words: lockdep not built in, no caller ids, no
    /// debugfs, not root, a module that did not load. Each with what it costs.
    pub doctor: Vec<String>,
    /// Lockdep's state at the start.
    pub lockdep: Lockdep,
    /// Cases run under the recorder.
    #[serde(default)]
    pub recorded: bool,
    /// The machine's CLOCK_MONOTONIC at this moment, in microseconds.
    pub monotonic_us: u64,
    /// Its CLOCK_REALTIME at the same moment, in microseconds.
    pub realtime_us: u64,
}

/// A case's process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The attempt.
    pub id: u64,
    /// Its process.
    pub pid: i32,
    /// When, in microseconds.
    pub at_us: u64,
    /// The sequence number of the first kernel log record that can belong to it.
    pub klog: u64,
    /// The kernel log's clock at that moment; none where the log cannot be read.
    #[serde(default)]
    pub log_clock: Option<LogClock>,
}

/// The kernel log's clock beside CLOCK_MONOTONIC. printk takes its time from local_clock() (kernel/printk/printk.c), which begins
/// elsewhere, is not slewed, and drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogClock {
    /// How far it is ahead, in microseconds.
    pub ahead_us: i64,
    /// It may be so much more or less: a busy machine lets time pass between the looks at the two.
    pub within_us: u64,
}

/// A case is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// The attempt.
    pub id: u64,
    /// How.
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: String,
    /// How its process ended, if it did.
    pub exit: Option<Exit>,
    /// When, in microseconds.
    pub at_us: u64,
    /// How long its process ran, in microseconds.
    pub took_us: u64,
    /// The sequence number after the last kernel log record that was there when it had ended.
    pub klog: u64,
    /// What it wrote to standard output.
    pub stdout: Captured,
    /// What it wrote to standard error.
    pub stderr: Captured,
    /// The highest memory use of its cgroup, in bytes, where the kernel counts it.
    pub memory_peak: Option<u64>,
}

/// Bytes as a JSON string, each one the character of its number (ISO 8859-1): text stays text, where an array of
/// numbers would be four times as long.
mod bytes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(data: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Latin(data))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let bytes =
            text.chars().map(|c| u8::try_from(c).map_err(|_| D::Error::custom("a character above U+00FF")));
        bytes.collect()
    }

    struct Latin<'a>(&'a [u8]);

    impl std::fmt::Display for Latin<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            use std::fmt::Write;
            self.0.iter().try_for_each(|byte| f.write_char(char::from(*byte)))
        }
    }
}
