//! Names: of objects, processes, threads and labels. They become names in C, and are written like those.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::duration::word;
use super::scope::{self, What};

/// A name by which something is declared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Things by their names, in the order of the file.
pub type Names<T> = IndexMap<Name, T>;

impl Name {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |(at, byte): (usize, u8)| {
            byte.is_ascii_lowercase() || at > 0 && (byte.is_ascii_digit() || byte == b'_')
        };
        if text.is_empty() || text.len() > 40 || !text.bytes().enumerate().all(fits) {
            return Err(format!(
                "`{text}` is no name: up to 40 small letters, digits and _, with a letter in front"
            ));
        }
        Ok(Name(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

word! { Name }

/// The name of a process, used by a step: it must be one of the scenario's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub Name);

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        scope::find(What::Process, text)?;
        text.parse().map(Line)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

word! { Line }
