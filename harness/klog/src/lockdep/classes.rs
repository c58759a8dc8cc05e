//! /proc/lockdep: every lock class and its direct dependencies (`l_show`, kernel/locking/lockdep_proc.c).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{TableError, whole_lines};
use crate::lock::LockClass;

const HEADER: &str = "all lock classes:";

/// One class of /proc/lockdep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Its key's address, as printed (hashed or not).
    pub key: String,
    /// Its name.
    pub class: LockClass,
    /// How it has been used: one character per context.
    pub usage: String,
    /// How many classes can be reached from it.
    pub forward: u64,
    /// From how many classes it can be reached.
    pub backward: u64,
    /// The classes that were taken directly inside it: key and name.
    pub after: Vec<(String, LockClass)>,
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// Its classes, in the kernel's order.
    pub classes: Vec<Class>,
    /// The number of the last line, from 1, if the text breaks off in it. It is left out, and what stood behind it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<usize>,
}

impl Classes {
    /// Parses the text of /proc/lockdep. A last line that is cut is left out, and said.
    pub fn parse(text: &str) -> Result<Classes, TableError> {
        let (mut lines, cut) = whole_lines(text);
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(TableError::Header { expected: HEADER });
        }
        let mut classes: Vec<Class> = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let parsed = match line.strip_prefix(" -> ") {
                Some(rest) => {
                    keyed(rest).zip(classes.last_mut()).map(|(after, class)| class.after.push(after))
                }
                None => class(line).map(|class| classes.push(class)),
            };
            parsed.ok_or(TableError::Line { line: number })?;
        }
        Ok(Classes { classes, cut })
    }

    /// The direct dependencies, by stable names (see [`LockClass::stable_name`]).
    pub fn edges(&self) -> BTreeSet<(String, String)> {
        let edges = self.classes.iter().flat_map(|class| {
            let from = class.class.stable_name();
            class.after.iter().map(move |(_, after)| (from.clone(), after.stable_name()))
        });
        edges.collect()
    }

    /// For each class the classes that it can be held under, by stable names.
    pub fn before(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut before: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in self.edges() {
            before.entry(to).or_default().insert(from);
        }
        before
    }
}

/// `ffffffff82318c80 OPS:     123 FD:   12 BD:    3 +.+.: &dev->mutex/1`
fn class(line: &str) -> Option<Class> {
    let (facts, name) = line.split_once(": ").map(|_| split_name(line))??;
    let mut words = facts.split_ascii_whitespace().peekable();
    let mut class = Class {
        key: words.next()?.to_owned(),
        class: LockClass::parse(name),
        usage: String::new(),
        forward: 0,
        backward: 0,
        after: Vec::new(),
    };
    while let Some(word) = words.next() {
        match word.split_once(':') {
            // Wide numbers leave no blank behind the colon.
            Some((field, number)) => {
                let number = if number.is_empty() { words.next()? } else { number };
                class.set(field, number.parse().ok()?);
            }
            None => class.usage = word.to_owned(),
        }
    }
    Some(class)
}

/// The name stands behind the usage marks and `: `; neither facts nor marks hold that, but names may.
fn split_name(line: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + line[from..].find(": ")?;
        let marks = line[..at].rsplit(' ').next()?;
        if !["OPS", "FD", "BD"].contains(&marks) {
            return Some((&line[..at], &line[at + 2..]));
        }
        from = at + 2;
    }
}

impl Class {
    fn set(&mut self, field: &str, number: u64) {
        match field {
            "FD" => self.forward = number,
            "BD" => self.backward = number,
            _ => {}
        }
    }
}

/// `[ffffffff82318c80] &dev->mutex/1`
pub(super) fn keyed(text: &str) -> Option<(String, LockClass)> {
    let (key, name) = text.strip_prefix('[')?.split_once("] ")?;
    Some((key.to_owned(), LockClass::parse(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Synthetic, from the format strings of `l_show`.
    const TEXT: &str = "all lock classes:\n\
        000000001 FD:   12 BD:    3 +.+.: cgroup_mutex\n -> [000000002] fs_reclaim\n -> [000000003] &x: y#2/1\n\n\
        000000002 OPS:     123 FD:    1 BD:12345 ....: fs_reclaim\n\n";

    #[test]
    fn classes_and_edges() {
        let table = Classes::parse(TEXT).unwrap();
        assert_eq!(table.classes.len(), 2);
        assert_eq!((table.classes[0].forward, table.classes[0].backward), (12, 3));
        assert_eq!((table.classes[1].backward, table.classes[1].usage.as_str()), (12345, "...."));
        let edges = [("cgroup_mutex", "&x: y/1"), ("cgroup_mutex", "fs_reclaim")];
        assert_eq!(table.edges(), edges.map(|(from, to)| (from.to_owned(), to.to_owned())).into());
        assert!(table.before()["fs_reclaim"].contains("cgroup_mutex"));
    }

    #[test]
    fn other_text_is_refused_and_a_cut_line_is_not() {
        assert_eq!(Classes::parse("hello\n"), Err(TableError::Header { expected: HEADER }));
        assert_eq!(Classes::parse("all lock classes:\nhello\n\n"), Err(TableError::Line { line: 2 }));
        assert_eq!(Classes::parse("all lock classes:\n -> [0] a\n"), Err(TableError::Line { line: 2 }));
        assert_eq!(Classes::parse(TEXT).unwrap().cut, None);
        let cut = Classes::parse(&TEXT[..TEXT.len() - 20]).unwrap();
        assert_eq!((cut.classes.len(), cut.classes[0].after.len(), cut.cut), (1, 2, Some(6)));
        // Half a name would be another class.
        let half = Classes::parse(&TEXT[..TEXT.find("aim").unwrap()]).unwrap();
        assert_eq!((half.classes[0].after.len(), half.cut), (0, Some(3)));
        assert_eq!(Classes::parse("all lock cla"), Err(TableError::Header { expected: HEADER }));
    }
}
