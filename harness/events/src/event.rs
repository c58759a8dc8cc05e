//! The events themselves.

use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::device::Device;
use crate::finding::Finding;
use crate::seen::{Captured, Dossier, Exit, Lockdep, Outcome, Subtest};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// CLOCK_REALTIME of the runner's machine, in milliseconds since 1970.
    pub at_ms: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// A case in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCase {
    /// `suite/case@device+device`, unique in the session.
    pub id: String,
    /// The suite's name.
    pub suite: String,
    /// The case's name in its suite.
    pub name: String,
    /// The names of its devices, in the order of its roles.
    pub devices: Vec<String>,
    /// Its time limit, in milliseconds.
    pub limit_ms: u64,
    /// Ids of the contract rules that it tests or drives.
    pub rules: Vec<String>,
    /// What must hold, in a sentence.
    pub about: String,
    /// Variables to set for its process: a seed, a duration, what an adapter's programs need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// The program that it runs, where it is none of fencelab's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
}

/// Somebody else's program as a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// How its output and its end are understood.
    pub adapter: Adapter,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// The sorts of programs whose results are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// A binary of IGT GPU Tools.
    Igt,
    /// dEQP, or a CTS that is built on it.
    Deqp,
    /// A test of piglit.
    Piglit,
    /// A selftest of the kernel that prints KTAP.
    Kselftest,
    /// Any command: its exit status is its result.
    Command,
}

/// What the journal holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first line of a session.
    SessionStarted {
        /// [`crate::VERSION`].
        version: u32,
        /// fencelab's own version.
        fencelab: String,
        /// The bench, as the command line named it.
        bench: String,
        /// The kernel choice, as the command line named it, for a bench that boots one.
        kernel: Option<String>,
        /// The command line.
        argv: Vec<String>,
        /// The runner's machine: its name.
        host: String,
        /// Its boot id, by which `resume` tells a killed runner from a machine that went down.
        host_boot_id: String,
    },
    /// The ordered list of cases, and the devices that the bench was described to have.
    Planned {
        /// The cases.
        cases: Vec<PlannedCase>,
        /// The devices.
        devices: Vec<Device>,
    },
    /// A later runner took the session up again.
    SessionResumed {
        /// The boot id of its machine.
        host_boot_id: String,
    },
    /// The bench came up.
    BootStarted {
        /// Counts the boots of the session, from 1.
        boot: u32,
        /// `uname -r`.
        release: String,
        /// The kernel's boot id.
        boot_id: String,
        /// The devices found.
        devices: Vec<Device>,
        /// What keeps it from showing all it could.
        doctor: Vec<String>,
        /// Lockdep's state.
        lockdep: Lockdep,
        /// The recorder records its cases.
        #[serde(default)]
        recorded: bool,
    },
    /// Something that the user should know, once: the accelerator that was chosen, a module that did not load.
    Note {
        /// The text.
        text: String,
    },
    /// The bench went down.
    BootEnded {
        /// The boot.
        boot: u32,
        /// How.
        end: BootEnd,
    },
    /// A case is about to run: written before it does, so that a machine that it takes down is laid to it.
    CaseStarted {
        /// The case.
        case: String,
        /// Counts the attempts at this case, from 1.
        attempt: u32,
        /// The boot in which it runs.
        boot: u32,
        /// Lockdep's state when it started.
        lockdep: Lockdep,
    },
    /// A case is over.
    CaseFinished(Box<CaseFinished>),
    /// A case overran its limit; this is what was seen before anything was killed.
    CaseStuck {
        /// The case.
        case: String,
        /// The attempt.
        attempt: u32,
        /// What was seen.
        dossier: Box<Dossier>,
    },
    /// The kernel reported something.
    Found(Box<Finding>),
    /// Lockdep went off; what ran since in this boot cannot be called clean.
    LockdepOff {
        /// The boot.
        boot: u32,
        /// Why.
        cause: LockdepCause,
        /// The log line that says so.
        line: String,
        /// The case that ran, if one did.
        case: Option<String>,
    },
    /// What lockdep had around the contract's classes outside any case: before the first of a boot, or at its end where
    /// not every case was followed by a reading.
    BootCoverage {
        /// The boot.
        boot: u32,
        /// What this reading added.
        coverage: Coverage,
    },
    /// Kernel log records were lost.
    KlogGap {
        /// The boot.
        boot: u32,
        /// The first lost sequence number.
        from: u64,
        /// How many were lost.
        lost: u64,
        /// The case that ran, if one did.
        case: Option<String>,
    },
    /// The runner ended the session.
    SessionEnded {
        /// How.
        end: SessionEnd,
    },
}

/// A case is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFinished {
    /// The case.
    pub case: String,
    /// The attempt.
    pub attempt: u32,
    /// The boot in which it ran.
    pub boot: u32,
    /// How it ended, without what the kernel said of it.
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: String,
    /// Its process in the machine under test, if it got so far.
    pub pid: Option<i32>,
    /// How its process ended, if it did.
    pub exit: Option<Exit>,
    /// When it ended: CLOCK_MONOTONIC of the machine under test, in microseconds.
    pub at_us: u64,
    /// How long its process ran, in microseconds.
    pub took_us: u64,
    /// Its part of the kernel log: the first sequence number, and the one after the last.
    pub klog: (u64, u64),
    /// Lockdep's state when it had ended.
    pub lockdep: Lockdep,
    /// What it added to the edges of the contract's lock classes, where that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Its parts.
    pub subtests: Vec<Subtest>,
    /// What it said for the report.
    pub notes: Vec<String>,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// The highest memory use of its cgroup, in bytes, where the kernel counts it.
    pub memory_peak: Option<u64>,
}

/// How the bench went down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum BootEnd {
    /// The session was over.
    Done,
    /// It was restarted to have lockdep armed, or to be rid of a stuck task.
    Restarted {
        /// Why.
        why: String,
    },
    /// Its kernel panicked.
    Panic {
        /// The panic's line.
        message: String,
    },
    /// It fell silent and was killed.
    Silent {
        /// The deadline that it overran, in milliseconds.
        after_ms: u64,
    },
    /// It went away by itself.
    Vanished {
        /// What is known of the end.
        detail: String,
    },
}

/// Why lockdep went off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockdepCause {
    /// It reported something; it speaks once per boot.
    Splat,
    /// One of its tables is full (`MAX_LOCKDEP_ENTRIES too low!` and its kin).
    TableFull,
    /// A taint ("Disabling lock debugging due to kernel taint").
    Taint,
    /// The kernel oopsed, and then trusts no lock any more (`oops_enter`, kernel/panic.c).
    Oops,
    /// `debug_locks` is 0 and the log does not say why.
    Unknown,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum SessionEnd {
    /// Every case has its result.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// It could not go on.
    Aborted {
        /// Why.
        why: String,
    },
}
