//! What a step speaks of: `done`, `acquire@3` (a point), `clock+1` (a timeline moved on).

use std::fmt;
use std::str::FromStr;

use super::duration::word;
use super::name::Name;
use super::object::{Kind, Object};
use super::scope;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An object, with a point of a sync object or by how much a timeline is moved on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The object.
    pub object: Name,
    /// A sync object's point, 0 for its binary one; for a timeline, by how much it moves on.
    pub number: u64,
    sign: Option<char>,
}

impl Target {
    /// An object as it is.
    pub fn of(object: Name) -> Self {
        Target { object, number: 0, sign: None }
    }

    /// A sync object's point; 0 is the binary one.
    pub fn point(object: Name, point: u64) -> Self {
        Target { object, number: point, sign: (point != 0).then_some('@') }
    }

    /// A timeline, moved on.
    pub fn moved(object: Name, by: u64) -> Self {
        Target { object, number: by, sign: Some('+') }
    }

    fn check(&self, object: &Object) -> Result<(), String> {
        let Target { object: name, .. } = self;
        match (self.sign, object.kind) {
            (Some('@'), kind) if !kind.is_syncobj() => {
                Err(format!("`{name}` is a {}, and only a syncobj has points", kind.word()))
            }
            (Some('+'), kind) if kind != Kind::Timeline => {
                Err(format!("`{name}` is a {}, and only a timeline moves on", kind.word()))
            }
            (Some('+'), _) if self.number == 0 || self.number > i32::MAX as u64 => {
                Err("a timeline moves on by 1 to 2147483647".into())
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, sign, number) = match text.find(['@', '+']) {
            Some(at) => (&text[..at], text[at..].chars().next(), &text[at + 1..]),
            None => (text, None, "0"),
        };
        let number = number.parse().map_err(|_| format!("`{number}` is no number, in `{text}`"))?;
        let declared = scope::object(name)?;
        let target = Target { object: name.parse()?, number, sign };
        declared.map_or(Ok(()), |object| target.check(&object))?;
        Ok(target)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign {
            Some(sign) => write!(f, "{}{sign}{}", self.object, self.number),
            None => self.object.fmt(f),
        }
    }
}

word! { Target }
