//! What proving comes to: a document that is written beside the reports, and from which they follow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::knob::Knob;

/// What was to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Subject {
    /// A fault that a twin plants.
    Knob(Knob),
    /// A fault that a real driver has, on a kernel that shows it.
    Driver {
        /// The patch of the series that it stands for.
        row: u8,
        /// The rules that the report must be given, the first one first.
        rules: Vec<String>,
        /// The kinds of report that are right.
        kinds: Vec<String>,
        /// What it is, in a sentence.
        what: String,
    },
}

impl Subject {
    /// The rules that it breaks.
    pub fn rules(&self) -> &[String] {
        match self {
            Subject::Knob(knob) => &knob.rules,
            Subject::Driver { rules, .. } => rules,
        }
    }

    /// The patch of the series that it stands for.
    pub fn row(&self) -> Option<u8> {
        match self {
            Subject::Knob(knob) => knob.row,
            Subject::Driver { row, .. } => Some(*row),
        }
    }

    /// The kinds of report that are right.
    pub fn kinds(&self) -> &[String] {
        match self {
            Subject::Knob(knob) => &knob.kinds,
            Subject::Driver { kinds, .. } => kinds,
        }
    }

    /// What it is, in a sentence.
    pub fn what(&self) -> &str {
        match self {
            Subject::Knob(knob) => &knob.what,
            Subject::Driver { what, .. } => what,
        }
    }
}

/// How a fault that was planted fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It was seen, and laid to the right rule, case, thread and call.
    Attributed,
    /// It was seen and given the right rule, but laid to the wrong case, or to no thread or call.
    Misattributed,
    /// It was seen, and given another rule.
    WrongRule,
    /// Something else was seen.
    WrongKind,
    /// Nothing was seen.
    Missed,
    /// It was not tried, or the trial did not come to its end.
    NotRun,
}

impl Judgement {
    /// The word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Judgement::Attributed => "attributed",
            Judgement::Misattributed => "misattributed",
            Judgement::WrongRule => "wrong rule",
            Judgement::WrongKind => "wrong kind",
            Judgement::Missed => "missed",
            Judgement::NotRun => "not run",
        }
    }

    /// Whether the fault was seen for what it is.
    pub fn is_detected(self) -> bool {
        matches!(self, Judgement::Attributed | Judgement::Misattributed)
    }
}

/// What was seen of a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The kind of the report, or `fail`.
    pub kind: String,
    /// One line of it.
    pub title: String,
    /// The rules that it was given, the most telling first.
    pub rules: Vec<String>,
    /// The case that it was laid to.
    pub case: Option<String>,
    /// How that is known, in a word.
    pub how: String,
    /// The thread, `comm/tid`.
    pub thread: Option<String>,
    /// The call or the work function that the thread was in.
    pub entry: Option<String>,
    /// The call of the case that it goes back to, as the recorder saw it: its ioctl's name in the uAPI, and where and when.
    #[serde(default)]
    pub call: Option<String>,
    /// The report's file, relative to the folder of the proofs.
    pub file: String,
}

/// One fault, planted in a boot of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Its name: the knob's, or the case's with its kernel.
    pub name: String,
    /// What was to be shown.
    pub subject: Subject,
    /// The kernel that was booted: `stock`, `annotated`.
    pub kernel: String,
    /// The case that provoked it.
    pub case: String,
    /// How it fared.
    pub judgement: Judgement,
    /// Why, where it is not attributed.
    pub why: String,
    /// What was seen.
    pub seen: Option<Seen>,
    /// The session's folder, relative to the folder of the proofs.
    pub session: String,
    /// How long the boot and the case took, in milliseconds.
    pub took_ms: u64,
}

/// A case that ran with every control armed: the lawful variants of all faults. It must pass in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The kernel.
    pub kernel: String,
    /// The case.
    pub case: String,
    /// The knobs whose lawful variant it ran.
    pub knobs: Vec<String>,
    /// It passed, and the kernel was silent.
    pub silent: bool,
    /// What was wrong, where it was not.
    pub why: String,
    /// Reports that came though nothing was planted.
    pub false_reports: usize,
}

/// A patch of the series that has no proof here, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The patch.
    pub row: u8,
    /// Why it cannot be shown here.
    pub reason: String,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// fencelab's version.
    pub fencelab: String,
    /// The bench.
    pub bench: String,
    /// The kernels that were booted: what `uname -r` said, by the name of the choice.
    #[serde(default)]
    pub kernels: BTreeMap<String, String>,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// It came to its end.
    pub complete: bool,
    /// Every fault.
    pub proofs: Vec<Proof>,
    /// Every control.
    pub controls: Vec<Control>,
    /// Patches that cannot be shown without the hardware, or not at all.
    pub explained: Vec<Explained>,
    /// The whole list was asked for, so that a rule or a patch without a proof is a gap.
    pub whole: bool,
}

impl Proofs {
    /// Whether everything that was tried was caught, nothing was reported without a fault, and it came to its end.
    pub fn is_good(&self) -> bool {
        self.complete
            && !self.proofs.is_empty()
            && self.proofs.iter().all(|proof| proof.judgement == Judgement::Attributed)
            && self.controls.iter().all(|control| control.silent)
    }

    /// Reads the document.
    ///
    /// # Errors
    /// serde's, with line and column.
    pub fn from_json(text: &str) -> Result<Proofs, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Writes the document.
    ///
    /// # Errors
    /// serde's; none is known to happen.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}
