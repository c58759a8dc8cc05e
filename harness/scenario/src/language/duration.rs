//! Lengths of time: `250us`, `5ms`, `2s`, and `forever`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub u64);

/// The units, in nanoseconds, the longest first.
const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// The longest that is taken: a day.
const MOST: u64 = 86_400 * 1_000_000_000;

impl Duration {
    /// So many milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Duration(ms * 1_000_000)
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected a length of time such as 250us, 5ms or 2s, up to a day, not `{text}`");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit = UNITS.iter().find(|(unit, _)| *unit == &text[digits..]).ok_or_else(wrong)?;
        number.checked_mul(unit.1).filter(|ns| *ns <= MOST).map(Duration).ok_or_else(wrong)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, ns) = UNITS.iter().find(|(_, ns)| self.0.is_multiple_of(*ns)).unwrap_or(&UNITS[3]);
        write!(f, "{}{unit}", self.0 / ns)
    }
}

/// Until when a wait waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timeout {
    /// For ever.
    #[default]
    Forever,
    /// So long.
    After(Duration),
}

impl Timeout {
    /// Whether it is for ever.
    pub fn is_forever(&self) -> bool {
        *self == Timeout::Forever
    }
}

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "forever" { Ok(Timeout::Forever) } else { text.parse().map(Timeout::After) }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timeout::Forever => f.write_str("forever"),
            Timeout::After(time) => time.fmt(f),
        }
    }
}

/// Reads one word. A mistake is told from within, where the word's own place is known.
pub(crate) struct Word<T>(pub(crate) std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> serde::de::Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A type that is one word in a scenario.
macro_rules! word {
    ($($name:ty)*) => { $(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str($crate::language::duration::Word(std::marker::PhantomData))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    )* };
}
pub(crate) use word;

word! { Duration Timeout }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for text in ["250us", "5ms", "2s", "17ns", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        for text in ["", "5", "ms", "-5ms", "5 ms", "5m", "99999999999999999999s", "86401s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!("forever".parse(), Ok(Timeout::Forever));
    }
}
