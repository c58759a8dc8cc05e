//! What a scenario must come to.

use std::fmt;
use std::str::FromStr;

use super::duration::word;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a scenario must come to, in the words of `docs/analyze.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expect {
    /// No verdict.
    Clean,
    /// A cycle or knot.
    D1,
    /// A wait that nobody is left to end.
    D2,
    /// A signal that was lost.
    D3,
    /// Any of these.
    Hang,
}

impl Expect {
    /// All of them.
    pub const ALL: [Expect; 5] = [Expect::Clean, Expect::D1, Expect::D2, Expect::D3, Expect::Hang];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Expect::Clean => "clean",
            Expect::D1 => "D1",
            Expect::D2 => "D2",
            Expect::D3 => "D3",
            Expect::Hang => "hang",
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Expect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|expect| expect.word() == text);
        found.ok_or_else(|| format!("unknown verdict `{text}`, expected clean, D1, D2, D3 or hang"))
    }
}

word! { Expect }
