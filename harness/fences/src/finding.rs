//! What analysis found: verdicts with their witness. These are what reports are made of; their JSON is documented by their
//! fields.

use serde::{Deserialize, Serialize};

use crate::predict::Witness;

/// What a finding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// D1: everybody in it waits for the next, in one circle.
    Cycle,
    /// D1: as a cycle, with ways that fork and all lead back.
    Knot,
    /// D2: nobody is left who could bring it about.
    Orphan,
    /// D2: a point that is waited for was never submitted.
    NeverSubmitted,
    /// D3: a binary sync object's fence was taken away before the one who waits for it came.
    LostSignal,
    /// D3: a point that was not above the newest one: it is not what is waited for.
    PointBackwards,
    /// D4: it did not happen, but would in another order of the same calls: see [`Finding::order`].
    Predicted,
    /// No verdict of its own: what a prediction may come to instead of a hang, a call that is refused as what it needs is not
    /// there yet.
    Refused,
    /// No verdict: somebody who can act has not.
    Pending,
    /// No verdict: a device has not done what it was given.
    Device,
    /// No verdict: held up in the kernel, and the trace does not show by what.
    Unexplained,
}

impl Kind {
    /// `D1` to `D4`; `None`: a wait that nothing is proven about.
    pub fn rule(self) -> Option<&'static str> {
        Some(match self {
            Self::Cycle | Self::Knot => "D1",
            Self::Orphan | Self::NeverSubmitted => "D2",
            Self::LostSignal | Self::PointBackwards => "D3",
            Self::Predicted => "D4",
            Self::Refused | Self::Pending | Self::Device | Self::Unexplained => return None,
        })
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::Knot => "knot",
            Self::Orphan => "orphan wait",
            Self::NeverSubmitted => "never submitted",
            Self::LostSignal => "lost signal",
            Self::PointBackwards => "point going back",
            Self::Predicted => "predicted",
            Self::Refused => "refused call",
            Self::Pending => "pending",
            Self::Device => "device",
            Self::Unexplained => "unexplained",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// It follows from what was recorded.
    Proven,
    /// It follows, unless one of those named in [`Finding::unless`] does something.
    Modulo,
    /// Records that matter are missing: see [`Finding::gaps`].
    Possible,
}

impl Certainty {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Modulo => "modulo",
            Self::Possible => "possible",
        }
    }
}

/// What sort of thing a node of a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A thread in a call.
    Thread,
    /// A fence, or several that one wait takes together.
    Fence,
    /// A point of a sync object that is not there.
    Point,
    /// A job or commit.
    Job,
    /// A process.
    Process,
    /// Who could act: a thread, a device, a limit, what was not seen.
    Leaf,
}

/// A node of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What sort of thing.
    pub kind: NodeKind,
    /// Its name, in a line.
    pub label: String,
    /// What else there is to say; empty for nothing.
    pub detail: String,
    /// Whether it takes any one of its edges rather than all.
    pub any: bool,
    /// Whether it is on the witness.
    pub witness: bool,
}

/// An edge of the picture: the one waits for the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Index of a node.
    pub from: usize,
    /// Index of a node.
    pub to: usize,
    /// Why, in words that fit between the two.
    pub why: String,
    /// The call that made it so: index of [`Finding::calls`].
    pub call: Option<usize>,
    /// Whether it is on the witness.
    pub witness: bool,
}

/// A call that the witness rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// CLOCK_MONOTONIC, in nanoseconds, when it was made.
    pub entered_ns: u64,
    /// The same when it returned; `None`: it has not.
    pub returned_ns: Option<u64>,
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// The call in the manner of strace, with names for numbers.
    pub text: String,
    /// The trace's id of its thread, and its index there.
    pub id: (u32, u32),
}

/// Somebody who is stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// A thread in a call, or a job.
    pub what: String,
    /// Its thread; `None`: a job.
    pub tid: Option<u32>,
    /// In which call; of a job: by which call it was handed over.
    pub at: String,
    /// Since when: CLOCK_MONOTONIC, in nanoseconds.
    pub since_ns: u64,
    /// How its call ended, if it did: what it returned, and when.
    pub ended: Option<(i32, u64)>,
}

/// Something that the kernel said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Of whom or what: a thread with its state, a list of debugfs.
    pub about: String,
    /// In lines.
    pub text: String,
}

/// How a hang ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// CLOCK_MONOTONIC, in nanoseconds.
    pub at_ns: u64,
    /// By what, in words.
    pub by: String,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// How sure.
    pub certainty: Certainty,
    /// In one sentence.
    pub sentence: String,
    /// Who could undo it, each in a few words.
    pub unless: Vec<String>,
    /// What is missing of the trace where it matters, each in a few words.
    pub gaps: Vec<String>,
    /// Whether it lasts only until waits or drivers give up.
    pub until_timeout: bool,
    /// Since when: the youngest of the waits on the witness. CLOCK_MONOTONIC, in nanoseconds.
    pub since_ns: u64,
    /// Up to when it was seen.
    pub seen_ns: u64,
    /// How it ended.
    pub ended: Option<Ended>,
    /// What is waited for in the end: a fence or point, with whose it is.
    pub culprit: String,
    /// Everybody who is stuck for it.
    pub stuck: Vec<Stuck>,
    /// The graph around it: nodes.
    pub nodes: Vec<Node>,
    /// Its edges.
    pub edges: Vec<Edge>,
    /// The witness: indices of nodes, the way that the sentence tells. A circle ends where it began.
    pub witness: Vec<usize>,
    /// The calls that edges name.
    pub calls: Vec<Call>,
    /// Of a prediction: the order of calls that comes to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Witness>,
    /// What the kernel said while it lasted, if anybody asked: stacks, lists of fences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel: Vec<Said>,
}

impl Finding {
    /// Whether it is a verdict: a defect, and not merely a wait.
    pub fn is_verdict(&self) -> bool {
        self.kind.rule().is_some()
    }

    /// Its heading: rule, kind, certainty.
    pub fn heading(&self) -> String {
        let rule = self.kind.rule().map(|rule| format!("{rule} ")).unwrap_or_default();
        if let Some(order) = &self.order {
            return format!("{rule}{}: {}", self.kind.name(), order.reaches.name());
        }
        match self.is_verdict() {
            true => format!("{rule}{}, {}", self.kind.name(), self.certainty.name()),
            false => format!("wait, {}", self.kind.name()),
        }
    }
}
