//! What scenarios came to: said by their case, read by whoever planned it.

use fencelab_events::Session;
use serde::{Deserialize, Serialize};

/// What stands in front of the results in a case's output.
pub(super) const PREFIX: &str = "scenario-result ";

/// One run of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Try {
    /// The rules of what the analyser found, `D1` to `D3`; none of a clean run.
    pub(crate) verdicts: Vec<String>,
    /// The first verdict's sentence.
    pub(crate) sentence: String,
    /// The program's exit status.
    pub(crate) status: Option<i32>,
    /// What the program said last.
    pub(crate) said: String,
    /// How many ioctls it made.
    #[serde(default)]
    pub(crate) ioctls: usize,
    /// How long it took, in milliseconds.
    pub(crate) took_ms: u64,
}

/// All runs of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// What was expected.
    pub(crate) expect: String,
    /// Each run.
    pub(crate) tries: Vec<Try>,
}

impl Try {
    /// Whether it came to what is expected.
    pub(crate) fn is(&self, expect: &str) -> bool {
        match expect {
            "clean" => self.verdicts.is_empty() && self.status == Some(0),
            "hang" => !self.verdicts.is_empty(),
            rule => self.verdicts.iter().any(|verdict| verdict == rule),
        }
    }

    /// In words, for one who expected something else.
    pub(crate) fn in_words(&self) -> String {
        match self.verdicts.as_slice() {
            [] => format!("no verdict; {}", self.said),
            verdicts => format!("{}: {}", verdicts.join(", "), self.sentence),
        }
    }
}

impl Results {
    /// How many came to what is expected.
    pub(crate) fn reproduced(&self) -> usize {
        self.tries.iter().filter(|one| one.is(&self.expect)).count()
    }

    /// Whether that is enough: of a clean scenario every run, of a hang one.
    pub(crate) fn is_met(&self) -> bool {
        if self.expect == "clean" { self.reproduced() == self.tries.len() } else { self.reproduced() > 0 }
    }
}

/// The results of a case of a session; `None` where it did not come so far.
pub(crate) fn of_case(session: &Session, id: &str) -> Option<Results> {
    let output = &session.case(id)?.finished()?.stdout.text;
    let json = output.lines().rev().find_map(|line| line.strip_prefix(PREFIX))?;
    serde_json::from_str(json).ok()
}
