//! Logs as JSON, one entry a line: the journal (`journalctl -o json`, `json-sse`, `json-seq`), and what LAVA keeps of a
//! board's console.

use serde::Deserialize;

use super::{Line, Meta};

/// The fields of an entry that matter.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct JournalJson {
    #[serde(rename = "MESSAGE", alias = "msg", default)]
    message: Message,
    #[serde(rename = "PRIORITY", default)]
    priority: Option<String>,
    #[serde(rename = "_SOURCE_MONOTONIC_TIMESTAMP", default)]
    time: Option<String>,
    #[serde(rename = "_TRANSPORT", default)]
    transport: Option<String>,
    /// Who wrote an entry of LAVA's: `target` is the board.
    #[serde(rename = "lvl", default)]
    writer: Option<String>,
}

/// A message; one that is no UTF-8 is given as its bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
    #[default]
    None,
}

impl JournalJson {
    /// Does this line hold an entry?
    pub(crate) fn starts(line: &str) -> bool {
        let known = line.contains("\"MESSAGE\"") || line.contains("\"lvl\"");
        known && object(line).starts_with('{') && Self::parse(line).is_some()
    }

    fn parse(line: &str) -> Option<JournalJson> {
        serde_json::from_str(object(line)).ok()
    }

    /// The message lines of the kernel in one entry.
    pub(crate) fn lines(number: u64, line: &str) -> Vec<Line> {
        let Some(entry) = Self::parse(line) else { return Vec::new() };
        if entry.writer.as_deref().is_some_and(|writer| writer != "target") {
            return Vec::new();
        }
        let message = match entry.message {
            Message::Text(text) => text,
            Message::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Message::None => return Vec::new(),
        };
        let meta = Meta {
            level: entry.priority.and_then(|level| level.parse().ok()).filter(|level| *level <= 7),
            time_us: entry.time.and_then(|time| time.parse().ok()),
            ..Meta::default()
        };
        super::message_lines(number, &meta, entry.transport.as_deref(), &message)
    }
}

/// The object of a line: server-sent events name the field, and LAVA's log is a list in YAML.
fn object(line: &str) -> &str {
    line.strip_prefix("data: ").or_else(|| line.strip_prefix("- ")).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_kernel_and_one_of_a_program() {
        let line =
            r#"{"PRIORITY":"4","_TRANSPORT":"kernel","MESSAGE":"a\nb","_SOURCE_MONOTONIC_TIMESTAMP":"7"}"#;
        assert!(JournalJson::starts(line));
        let lines = JournalJson::lines(3, line);
        let texts: Vec<_> =
            lines.iter().map(|line| (line.text.as_str(), line.meta.time_us, line.meta.level)).collect();
        assert_eq!(texts, [("a", Some(7), Some(4)), ("b", Some(7), Some(4))]);
        assert!(JournalJson::lines(3, &line.replace("kernel", "stdout")).is_empty());
        let bytes = r#"{"MESSAGE":[104,105,255],"PRIORITY":"4"}"#;
        assert_eq!(JournalJson::lines(1, bytes)[0].text, "hi\u{fffd}");
    }
}
