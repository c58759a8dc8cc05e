//! What kind of text a log is: its first lines tell.

use crate::line::{Journal, JournalJson, JsonFields, Parts, Record};

/// How a text log is written.
#[derive(Debug)]
pub(crate) enum Source {
    /// No line has told yet. So many were looked at, and were read as lines.
    Unknown(u8),
    /// Lines with or without a prefix.
    Lines,
    /// The journal, one field a line (`journalctl -o export` or `verbose`).
    Journal(Journal),
    /// The journal, one JSON object an entry.
    JournalJson,
    /// JSON with one field a line.
    JsonFields(JsonFields),
    /// Saved records of /dev/kmsg, or what netconsole sends.
    Records,
    /// Parts of a crash dump of pstore, perhaps the newest first.
    Parts(Parts),
}

impl Default for Source {
    fn default() -> Source {
        Source::Unknown(0)
    }
}

/// How many lines may stand above a log, such as its address or the command that printed it.
const HEAD: u8 = 5;

impl Source {
    /// Looks at a line while the source is not known.
    pub(crate) fn look(&mut self, line: &str) {
        let Source::Unknown(seen) = self else { return };
        let seen = *seen + u8::from(!line.is_empty());
        *self = if Journal::starts(line) {
            Source::Journal(Journal::default())
        } else if JournalJson::starts(line) {
            Source::JournalJson
        } else if JsonFields::starts(line) {
            Source::JsonFields(JsonFields::default())
        } else if Record::parse(line.as_bytes()).is_ok() {
            Source::Records
        } else if Parts::starts(line) {
            Source::Parts(Parts::default())
        } else if seen >= HEAD || crate::line::parse_text(0, line).meta.has_time() {
            Source::Lines
        } else {
            Source::Unknown(seen)
        };
    }
}
