//! A parsed report.

use serde::Serialize;

use crate::annotation::Annotation;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::line::Caller;
use crate::lock::{Lock, LockClass};
use crate::rules::RuleMatch;

/// One report of the kernel, parsed. The JSON form has its keys in the order of the fields; `schema/report.schema.json`
/// describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What kind of report it is.
    pub kind: Kind,
    /// One line that tells a person what happened and where.
    pub title: String,
    /// The same for every sighting of the same bug; see [`crate::signature`].
    pub signature: String,
    /// The rules of the contract that it breaks, the closing edge's first, then the more specific.
    pub rules: Vec<RuleMatch>,
    /// Were all sections there that a report of this kind has?
    pub complete: bool,
    /// The sections that were not there.
    pub missing: Vec<Section>,
    /// The classes of the dependency chain, from the lock that was being acquired (`-> #0`) to the one that was held.
    pub chain: Vec<LockClass>,
    /// The class that was being acquired, released or used.
    pub acquiring: Option<LockClass>,
    /// The classes that the reporting task held, in the order of acquisition.
    pub held: Vec<LockClass>,
    /// The task that the report is about.
    pub task: Option<Task>,
    /// Number of the report's first line in the input, from 1 (for /dev/kmsg, of its record).
    pub first_line: u64,
    /// Number of its last line.
    pub last_line: u64,
    /// The log that it is in, as whoever read it calls it: the parser knows of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Sequence numbers of its first and last record, where the source has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<(u64, u64)>,
    /// Microseconds since boot at its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_us: Option<u64>,
    /// Wall-clock time of its first line as printed, in a log that has no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<String>,
    /// Who printed it, with CONFIG_PRINTK_CALLER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// The CPU it happened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Release of the kernel, as the report gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The workqueue and function, when a kworker was the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workqueue: Option<String>,
    /// The system call by which the task entered the kernel, or the DRM ioctl's handler: `munmap`,
    /// `ioctl drm_mode_atomic_ioctl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Where it happened, as `file:line`, when the report says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The backtrace of the task.
    pub frames: Vec<Frame>,
    /// How many of the frames are of the interrupt under which it was printed.
    #[serde(skip)]
    pub(crate) interrupt: usize,
    /// The first frame that is not core code: whom to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<Frame>,
    /// The signalling section is there only by an annotation that mainline does not carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Annotation>,
    /// What only some kinds have.
    pub details: Details,
    /// Lines of others that stood between the report's own, kept aside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<String>,
    /// Lines that were left out because the report was too long.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
    /// The report's own lines, without prefixes.
    pub text: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Task {
    /// Its name, at most 15 characters.
    pub comm: String,
    /// Its thread id.
    pub pid: u32,
}

impl Task {
    /// Reads `comm/pid`; the name may hold slashes.
    pub(crate) fn parse(text: &str) -> Option<Task> {
        let (comm, pid) = text.trim().rsplit_once('/')?;
        Some(Task { comm: comm.to_owned(), pid: pid.parse().ok()? })
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.comm, self.pid)
    }
}

/// The parts of a report whose absence makes it incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// The line that says what happened, where one below it shows that it was there: `Oops: 0002 [#1]` without `BUG: unable to
    /// handle page fault`.
    Banner,
    /// The lock that was being acquired.
    Acquiring,
    /// The lock that was already held.
    Holding,
    /// Some `-> #k` of the chain, or its trace.
    Chain,
    /// Where the older usage was registered.
    Registered,
    /// The dependencies that an irq report lists.
    Dependencies,
    /// The locks that the task holds, as many as the count says.
    HeldLocks,
    /// The backtrace.
    Backtrace,
    /// The task's name and id.
    Task,
    /// The place where it happened.
    Place,
    /// The last line that reports of this kind have.
    End,
    /// Whatever the log lost while the report was being printed.
    Messages,
    /// The caller ids that would tell its lines from those of another report, printed at the same time. No frame and no list of
    /// held locks is read then, and of two reports of lockdep no lock.
    Interleaved,
}

/// What only some kinds of reports have. Empty parts are left out of the JSON form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The lock that was being acquired, released or used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquiring: Option<Lock>,
    /// The lock that was already held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holding: Option<Lock>,
    /// The entries of the chain, from `-> #0` up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Some entry of the chain is not there.
    #[serde(skip)]
    pub(crate) cut_chain: bool,
    /// Held locks of each task that the report lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldLocks>,
    /// The chain that the report itself names ("Chain exists of").
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named_chain: Vec<LockClass>,
    /// The scenario table, step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenario: Vec<Step>,
    /// The usages that do not fit together, such as `HARDIRQ-ON-W` and `IN-HARDIRQ-W`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_change: Option<(String, String)>,
    /// Traces that have a name: where a usage was registered, who allocated, who freed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<Trace>,
    /// For irq reports: the lock that is safe and the lock that is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irq_locks: Option<(LockClass, LockClass)>,
    /// For hung tasks: how many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// For sanitizers and faults: the access, in the kernel's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// For sanitizers and faults: the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// For lockdep's tables: the limit that was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// For warnings: the condition or message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why the kernel panicked over it, where it did, such as `kernel: panic_on_warn set`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panic: Option<String>,
}

/// One `-> #k` entry of a dependency chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number; 0 is the lock that was being acquired.
    pub number: u32,
    /// The lock's class, usage and wait type.
    pub lock: Lock,
    /// Where it was acquired while the one before it in the chain was held.
    pub frames: Vec<Frame>,
}

/// The locks that one task holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeldLocks {
    /// The task.
    pub task: Task,
    /// How many the report announces.
    pub count: u32,
    /// Those that it lists.
    pub locks: Vec<Lock>,
}

impl HeldLocks {
    /// Lists one more. A symboliser repeats the line for every inlined function; the last of them is the acquirer.
    pub(crate) fn list(&mut self, lock: Lock, line: &str) {
        let number: Option<usize> =
            line.strip_prefix('#').and_then(|rest| rest.split(':').next()?.parse().ok());
        let repeated = number.is_some_and(|number| number + 1 == self.locks.len());
        match self.locks.last_mut() {
            Some(last) if repeated && last.class == lock.class => *last = lock,
            _ => self.locks.push(lock),
        }
    }
}

/// One step of a scenario table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Column of the table: the CPU.
    pub cpu: u8,
    /// What it does, such as `lock(fs_reclaim);`.
    pub action: String,
}

/// A backtrace with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The line above it.
    pub name: String,
    /// Its frames.
    pub frames: Vec<Frame>,
}
