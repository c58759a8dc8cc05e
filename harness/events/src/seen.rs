//! What was seen on the machine under test: how cases ended, what a stuck one looked like.

use serde::{Deserialize, Serialize};

/// Lockdep's state, from `/proc/lockdep_stats` (kernel/locking/lockdep_proc.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lockdep {
    /// `debug_locks` is 1.
    Armed,
    /// `debug_locks` is 0, or not to be read: nothing that ran since can be called clean.
    Off,
    /// The kernel was built without PROVE_LOCKING.
    Absent,
}

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It left with this status.
    Status(i32),
    /// A signal killed it.
    Signal(i32),
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Pass,
    /// A check did not hold.
    Fail,
    /// It does not apply here.
    Skip,
    /// Its process died: a signal, a panic, an exit without a result.
    Crash,
    /// It overran its limit and was killed.
    Timeout,
    /// It overran its limit and could not be killed: a task in uninterruptible sleep. The machine is spent.
    Stuck,
    /// The runner cancelled it.
    Cancelled,
    /// The machine went down while it ran; said by the runner, never by an agent.
    Lost,
}

/// The result of a part of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtest {
    /// Its name below the case's.
    pub name: String,
    /// How it ended: [`Outcome::Pass`], [`Outcome::Fail`] or [`Outcome::Skip`].
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: String,
}

/// Captured output: the head and the tail of what was written, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The text, with a line in the middle that says how much is missing if anything is.
    pub text: String,
    /// How many bytes were written in all.
    pub total: u64,
}

/// What the agent saw of a case that overran its limit, before it killed anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// What it waits for and who could end that, as its trace shows it; empty where that does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<String>,
    /// Every task of the case.
    pub tasks: Vec<Task>,
    /// Kernel threads in uninterruptible sleep at that moment.
    pub blocked: Vec<Task>,
    /// `sync/info` and `dma_buf/bufinfo` of debugfs, where they could be read in time.
    pub debugfs: Vec<(String, String)>,
    /// The steps of the kill ladder with what came of each.
    pub ladder: Vec<String>,
    /// The last calls of its threads, as the recorder has them; first those that had not returned, with how long they had
    /// waited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
}

/// One task, from `/proc/PID/task/TID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its process.
    pub pid: i32,
    /// Itself.
    pub tid: i32,
    /// Its name.
    pub comm: String,
    /// Its state letter.
    pub state: char,
    /// `/proc/../wchan`.
    pub wchan: String,
    /// `/proc/../syscall`: number, arguments, sp, pc.
    pub syscall: String,
    /// `/proc/../stack`.
    pub stack: String,
}
