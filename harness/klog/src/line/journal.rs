//! The journal with one field a line: the export format, with an empty line between entries, and `journalctl -o verbose`,
//! whose entries begin with a line that is not indented.

use super::{Line, Meta};

/// Bytes kept of one message; no record of the kernel is near it (`CONSOLE_EXT_LOG_MAX`).
const MAX_MESSAGE: usize = 64 << 10;

/// Gathers the fields of one entry.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    meta: Meta,
    message: Option<String>,
    transport: Option<String>,
    /// The message follows in binary form: eight bytes of length, then the value.
    binary: bool,
    /// The last field was the message, so that a line without a field continues it.
    in_message: bool,
}

impl Journal {
    /// Does this line begin an entry?
    pub(crate) fn starts(line: &str) -> bool {
        line.starts_with("__CURSOR=") || is_verbose_head(line)
    }

    /// Is the next line the first of a binary value, with its length in front?
    pub(crate) fn expects_binary(&self) -> bool {
        self.binary
    }

    /// Takes one line; one that ends the entry gives its message lines. Of the first line of a binary value the caller
    /// has dropped the length.
    pub(crate) fn push(&mut self, number: u64, line: &str) -> Vec<Line> {
        if std::mem::take(&mut self.binary) {
            self.message = Some(line.to_owned());
            self.in_message = true;
            return Vec::new();
        }
        if line.is_empty() || is_verbose_head(line) {
            return self.finish(number);
        }
        let field = line.strip_prefix("    ").unwrap_or(line);
        match field.split_once('=').filter(|(name, _)| is_field_name(name)) {
            Some((name, value)) => self.field(name, value),
            None if field == "MESSAGE" => self.binary = true,
            None => self.more(field.trim_start_matches(' ')),
        }
        Vec::new()
    }

    fn field(&mut self, name: &str, value: &str) {
        self.in_message = name == "MESSAGE";
        match name {
            "MESSAGE" => self.message = Some(value.to_owned()),
            "PRIORITY" => self.meta.level = value.parse().ok().filter(|level| *level <= 7),
            "_SOURCE_MONOTONIC_TIMESTAMP" => self.meta.time_us = value.parse().ok(),
            "__SEQNUM" => self.meta.seq = value.parse().ok(),
            "_TRANSPORT" => self.transport = Some(value.to_owned()),
            _ => {}
        }
    }

    /// A further line of a message.
    fn more(&mut self, line: &str) {
        let message = self.message.as_mut().filter(|message| self.in_message && message.len() < MAX_MESSAGE);
        if let Some(message) = message {
            message.push('\n');
            message.push_str(line);
        }
    }

    /// Ends the entry.
    pub(crate) fn finish(&mut self, number: u64) -> Vec<Line> {
        let entry = std::mem::take(self);
        let message = entry.message.unwrap_or_default();
        if message.is_empty() {
            return Vec::new();
        }
        super::message_lines(number, &entry.meta, entry.transport.as_deref(), &message)
    }
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// `Sat 2026-11-14 12:34:56.123456 UTC [s=1;i=2;...]`
fn is_verbose_head(line: &str) -> bool {
    line.ends_with(']') && !line.starts_with(' ') && line.contains(" [s=") && line.contains(";i=")
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

    #[test]
    fn verbose_entries_and_programs() {
        let mut journal = Journal::default();
        let head = "Sat 2026-11-14 12:34:56.123456 UTC [s=1;i=2;b=3]";
        assert!(Journal::starts(head));
        let mut out = Vec::new();
        for line in [
            head,
            "    _TRANSPORT=kernel",
            "    MESSAGE=one",
            "    PRIORITY=4",
            head,
            "    _TRANSPORT=stdout",
            "    MESSAGE=x",
        ] {
            out.extend(journal.push(1, line));
        }
        out.extend(journal.finish(9));
        assert_eq!(out.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["one"]);
    }
}
