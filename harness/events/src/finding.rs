//! What the kernel reported, and to whom it belongs.

use serde::{Deserialize, Serialize};

/// One report of the kernel's own checkers, as the runner saw and attributed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The boot.
    pub boot: u32,
    /// `circular`, `sleeping`, `hung-task`, ... (klog's kinds).
    pub kind: String,
    /// One line.
    pub title: String,
    /// The same for the same bug, whichever edge closed the cycle.
    pub signature: String,
    /// Every rule that it shows broken, the most telling first.
    pub rules: Vec<RuleHit>,
    /// The row of the 2020 series whose annotation made it visible, on an annotated kernel: not a plain kernel bug.
    pub annotation: Option<String>,
    /// The driver function to look at first: the first frame that is not core code.
    pub blame: Option<String>,
    /// The lines that tell most, two or three.
    pub evidence: Vec<String>,
    /// The file of the report's text, relative to the session.
    pub file: String,
    /// The first kernel log record of it.
    pub first_seq: u64,
    /// The last.
    pub last_seq: u64,
    /// Its first line's time, in microseconds.
    pub at_us: u64,
    /// Nothing of the report is missing.
    pub complete: bool,
    /// To whom it belongs.
    pub attribution: Attribution,
}

/// A rule that a finding shows broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule's id.
    pub id: String,
    /// The edge or line that shows it.
    pub evidence: String,
    /// What that means, in a sentence.
    pub sentence: String,
}

/// To whom a finding belongs, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The case; none for a report outside any.
    pub case: Option<String>,
    /// How it is known.
    pub how: How,
    /// The same in words, with the facts.
    pub reason: String,
    /// The thread: `comm/tid`.
    pub thread: Option<String>,
    /// The system call or function under which the thread was.
    pub entry: Option<String>,
}

/// How an attribution is known, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The caller id of the report's lines is a thread of the case.
    Caller,
    /// The comm and pid that the report prints are the case's.
    CommPid,
    /// A kernel worker reported, serving what the only running case had queued.
    Worker,
    /// Only the time fits: the report's lines lie in the case's window.
    Window,
    /// No case ran.
    Outside,
}
