//! The export format of the journal: `FIELD=value` lines, an empty line between entries.

use super::{Line, Meta};

/// Bytes kept of one message; no record of the kernel is near it (`CONSOLE_EXT_LOG_MAX`).
const MAX_MESSAGE: usize = 64 << 10;

/// Gathers the fields of one entry.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    meta: Meta,
    message: Option<String>,
    /// The message follows in binary form: eight bytes of length, then the value.
    binary: bool,
}

impl Journal {
    /// Does this line begin an export?
    pub(crate) fn starts(line: &str) -> bool {
        line.starts_with("__CURSOR=")
    }

    /// Is the next line the first of a binary value, with its length in front?
    pub(crate) fn expects_binary(&self) -> bool {
        self.binary
    }

    /// Takes one line; an empty one ends the entry and gives its message lines. Of the first line of a binary value
    /// the caller has dropped the length.
    pub(crate) fn push(&mut self, number: u64, line: &str) -> Vec<Line> {
        if std::mem::take(&mut self.binary) {
            self.message = Some(line.to_owned());
            return Vec::new();
        }
        if line.is_empty() {
            return self.finish(number);
        }
        match line.split_once('=') {
            Some(("MESSAGE", value)) => self.message = Some(value.to_owned()),
            Some(("PRIORITY", value)) => self.meta.level = value.parse().ok().filter(|level| *level <= 7),
            Some(("_SOURCE_MONOTONIC_TIMESTAMP", value)) => self.meta.time_us = value.parse().ok(),
            Some(("__SEQNUM", value)) => self.meta.seq = value.parse().ok(),
            Some(_) => {}
            None if line == "MESSAGE" => self.binary = true,
            None => self.more(line),
        }
        Vec::new()
    }

    /// A further line of a message that was given in the binary form.
    fn more(&mut self, line: &str) {
        if let Some(message) = self.message.as_mut().filter(|message| message.len() < MAX_MESSAGE) {
            message.push('\n');
            message.push_str(line);
        }
    }

    /// Ends the entry.
    pub(crate) fn finish(&mut self, number: u64) -> Vec<Line> {
        let mut entry = std::mem::take(self);
        let message = entry.message.take().unwrap_or_default();
        message.split('\n').filter(|_| !message.is_empty()).map(|text| entry.line(number, text)).collect()
    }

    fn line(&self, number: u64, text: &str) -> Line {
        let mut meta = self.meta.clone();
        // Some journals keep printk's own prefix in the message.
        let inner = super::parse_text(number, text);
        if !inner.meta.bare {
            meta.time_us = inner.meta.time_us.or(meta.time_us);
            meta.caller = inner.meta.caller;
        }
        Line { number, meta, text: inner.text }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Caller;
    use super::*;

    #[test]
    fn an_entry_gives_its_message_with_level_time_and_caller() {
        let mut journal = Journal::default();
        for field in [
            "__CURSOR=s=1",
            "PRIORITY=4",
            "_SOURCE_MONOTONIC_TIMESTAMP=1234567",
            "MESSAGE=[    9.000001][   T42] hello",
        ] {
            assert!(journal.push(1, field).is_empty());
        }
        let lines = journal.push(5, "");
        let meta = &lines[0].meta;
        assert_eq!((lines.len(), lines[0].text.as_str(), lines[0].number), (1, "hello", 5));
        assert_eq!(
            (meta.level, meta.time_us, meta.caller),
            (Some(4), Some(9_000_001), Some(Caller::Task(42)))
        );
    }

    #[test]
    fn a_message_of_several_lines_comes_in_binary_form() {
        let mut journal = Journal::default();
        journal.push(1, "_SOURCE_MONOTONIC_TIMESTAMP=7");
        journal.push(2, "MESSAGE");
        assert!(journal.expects_binary());
        journal.push(3, "one");
        journal.push(4, "two");
        let lines: Vec<_> =
            journal.push(5, "").into_iter().map(|line| (line.text, line.meta.time_us)).collect();
        assert_eq!(lines, [("one".to_owned(), Some(7)), ("two".to_owned(), Some(7))]);
    }
}
