//! A step of a thread: an operation, and after what it comes.

use std::fmt;
use std::str::FromStr;

use super::check;
use super::duration::{Duration, word};
use super::name::Name;
use super::op::{Op, Written};
use super::scope::{self, What};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that must have happened before: `x` (its operation has returned) or `x begun` (it has been made).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct After {
    /// The step.
    pub label: Name,
    /// It need only have begun.
    pub begun: bool,
}

impl FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (label, begun) = text.strip_suffix(" begun").map_or((text, false), |label| (label, true));
        scope::find(What::Label, label)?;
        Ok(After { label: label.parse()?, begun })
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.label, if self.begun { " begun" } else { "" })
    }
}

word! { After }

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Step {
    /// Its name, for other steps' `after`.
    pub label: Option<Name>,
    /// What must have happened before it.
    pub after: Vec<After>,
    /// Not before that time since the start.
    pub at: Option<Duration>,
    /// What it does.
    pub op: Op,
}

impl Step {
    /// A step without a label that follows nothing but its thread's last.
    pub fn new(op: Op) -> Self {
        Step { label: None, after: Vec::new(), at: None, op }
    }
}

impl TryFrom<Written> for Step {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let mut ops = written.ops();
        let op = match (ops.pop(), ops.len()) {
            (Some(op), 0) => op,
            (None, _) => return Err(format!("a step needs an operation: one of {}", Op::WORDS.join(", "))),
            (Some(op), _) => {
                let words: Vec<&str> = ops.iter().chain([&op]).map(Op::word).collect();
                return Err(format!("a step has one operation, not {}", words.join(" and ")));
            }
        };
        check::op(&op)?;
        Ok(Step { label: written.label, after: written.after, at: written.at, op })
    }
}
