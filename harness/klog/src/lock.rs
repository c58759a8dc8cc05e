//! Lock classes and held locks, as kernel/locking/lockdep.c prints them.

use serde::{Serialize, Serializer};

use crate::frame::Frame;

/// A lock class. In JSON it is one string, as the kernel prints it: `name#2/1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockClass {
    /// The name given at initialisation, or the key's symbol.
    pub name: String,
    /// The `#2` that tells classes of one name apart. It depends on the order of initialisation.
    pub version: Option<u32>,
    /// The `/1` of a nested acquisition.
    pub subclass: u32,
}

impl LockClass {
    /// Reads `name#2/1`.
    pub fn parse(text: &str) -> LockClass {
        let text = text.trim();
        let (text, subclass) = split_number(text, '/').unwrap_or((text, 0));
        let (name, version) = split_number(text, '#').map_or((text, None), |(name, n)| (name, Some(n)));
        LockClass { name: name.to_owned(), version, subclass }
    }

    /// The name that is the same on every boot: without `#2`, with the subclass.
    pub fn stable_name(&self) -> String {
        match self.subclass {
            0 => self.name.clone(),
            subclass => format!("{}/{subclass}", self.name),
        }
    }
}

fn split_number(text: &str, mark: char) -> Option<(&str, u32)> {
    let (name, number) = text.rsplit_once(mark)?;
    (!name.is_empty()).then_some((name, number.parse().ok()?))
}

impl std::fmt::Display for LockClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = self.version {
            write!(f, "#{version}")?;
        }
        if self.subclass > 0 {
            write!(f, "/{}", self.subclass)?;
        }
        Ok(())
    }
}

impl Serialize for LockClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One mention of a lock: `ffff888 (name){+.+.}-{3:3}, at: function+0x1/0x2`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Its class.
    pub class: LockClass,
    /// How it has been used: one character per context (`get_usage_chars`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Outer and inner wait type (`enum lockdep_wait_type`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<(u8, u8)>,
    /// The instance's address, when the kernel shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where it was acquired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Frame>,
}

impl Lock {
    /// Parses the first lock on a line. Without usage marks it is no lock.
    pub fn parse(line: &str) -> Option<Lock> {
        let (address, open) = instance(line)?;
        let (close, usage, rest) = usage_marks(line, open)?;
        let (wait, rest) = wait_type(rest);
        let at = rest.find("at:").and_then(|at| Frame::parse_at(&rest[at + 3..]));
        Some(Lock {
            class: LockClass::parse(line.get(open + 1..close)?),
            usage: Some(usage.to_owned()),
            wait,
            address: (!address.is_empty() && !address.contains("ptrval")).then(|| address.to_owned()),
            at,
        })
    }

    /// Does the line break off inside a lock's mention, so that the next piece belongs to it?
    pub(crate) fn is_cut(line: &str) -> bool {
        let Some((_, open)) = instance(line) else {
            let rest = without_index(line).trim();
            return is_address(rest) || rest.is_empty() && line.contains('#');
        };
        match usage_marks(line, open) {
            None => line.matches('(').count() > line.matches(')').count(),
            Some((_, _, rest)) => rest.trim_end().ends_with("at:") || rest.trim_end().ends_with(','),
        }
    }
}

/// The instance's address (or nothing) and where the parenthesis of the class name opens. Other text in front makes
/// it no lock.
fn instance(line: &str) -> Option<(&str, usize)> {
    let hidden =
        ["(ptrval)", "(____ptrval____)"].iter().find_map(|hidden| Some(line.find(hidden)? + hidden.len()));
    let from = hidden.unwrap_or(0);
    let open = from + line[from..].find('(')?;
    let address = without_index(&line[..open]).trim();
    (address.is_empty() || is_address(address)).then_some((address, open))
}

/// Drops the ` #3: ` of a held lock and the `->` of a dependency.
fn without_index(text: &str) -> &str {
    let text = text.trim_start().trim_start_matches("->").trim_start();
    let Some(numbered) = text.strip_prefix('#') else { return text };
    let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
    numbered[digits..].trim_start_matches(':')
}

fn is_address(text: &str) -> bool {
    let text = text.strip_prefix("0x").unwrap_or(text);
    matches!(text, "(ptrval)" | "(____ptrval____)")
        || (8..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Finds `){usage}` behind `open`: where the name ends, the marks, and the rest of the line.
fn usage_marks(line: &str, open: usize) -> Option<(usize, &str, &str)> {
    let mut from = open;
    while let Some(found) = line[from..].find("){") {
        let close = from + found;
        from = close + 2;
        let length = line[from..].bytes().take_while(|b| b".+-?".contains(b)).count();
        let (usage, rest) = line[from..].split_at(length);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((close, usage, rest));
        }
    }
    None
}

fn wait_type(rest: &str) -> (Option<(u8, u8)>, &str) {
    let parsed =
        rest.strip_prefix("-{").and_then(|inner| inner.split_once('}')).and_then(|(types, after)| {
            let (outer, inner) = types.split_once(':')?;
            Some(((outer.parse().ok()?, inner.parse().ok()?), after))
        });
    parsed.map_or((None, rest), |(wait, after)| (Some(wait), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_in_each_form() {
        let lock = Lock::parse(" #1: ffff88 (x").or(Lock::parse(
            " #1: ffffc90000677e58 ((work_completion)(&(&sched->work_tdr)->work)#2/1){+.+.}-{2:3}, at: process_one_work+0x1bc/0x580",
        ));
        let lock = lock.unwrap();
        assert_eq!(lock.class.to_string(), "(work_completion)(&(&sched->work_tdr)->work)#2/1");
        assert_eq!(lock.class.stable_name(), "(work_completion)(&(&sched->work_tdr)->work)/1");
        assert_eq!((lock.usage.as_deref(), lock.wait), (Some("+.+."), Some((2, 3))));
        assert_eq!(lock.address.as_deref(), Some("ffffc90000677e58"));
        assert_eq!(lock.at.unwrap().function, "process_one_work");

        let old = Lock::parse(" (&buf->lock){+.+...}, at: [<ffffffff9edb41bb>] tty_buffer_flush+0xbb/0x3a0 drivers/tty/tty_buffer.c:221").unwrap();
        assert_eq!((old.class.name.as_str(), old.wait, old.address), ("&buf->lock", None, None));
        assert_eq!(old.at.unwrap().function, "tty_buffer_flush");

        let hashed = Lock::parse("(ptrval) (&(&gpu->lock)->rlock){-...}, at:").unwrap();
        assert_eq!((hashed.class.name.as_str(), hashed.at), ("&(&gpu->lock)->rlock", None));
    }

    #[test]
    fn text_that_is_no_lock() {
        for line in ["foo (bar){+.+.}", "lock(&x);", "(something else)", "  lock((wq_completion)x);"] {
            assert_eq!(Lock::parse(line), None, "{line}");
        }
    }

    #[test]
    fn pieces_of_a_lock() {
        for piece in [
            "ffff888100000000",
            "ffff888100000000 (",
            "ffff888100000000 (&(&x",
            "(ptrval) (&x){....}, at:",
            " #0: ffff8881009e8a58 (",
        ] {
            assert!(Lock::is_cut(piece), "{piece}");
        }
        for whole in ["(&x){....}-{3:3}:", "-> #1 (&x){....}:", "stack backtrace:"] {
            assert!(!Lock::is_cut(whole), "{whole}");
        }
    }
}
