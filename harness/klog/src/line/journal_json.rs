//! The journal as JSON, one entry a line (`journalctl -o json`).

use serde::Deserialize;

use super::{Line, Meta};

/// The fields of an entry that matter.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct JournalJson {
    #[serde(rename = "MESSAGE", default)]
    message: Message,
    #[serde(rename = "PRIORITY", default)]
    priority: Option<String>,
    #[serde(rename = "_SOURCE_MONOTONIC_TIMESTAMP", default)]
    time: Option<String>,
    #[serde(rename = "_TRANSPORT", default)]
    transport: Option<String>,
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
        line.starts_with('{') && line.contains("\"MESSAGE\"") && Self::parse(line).is_some()
    }

    fn parse(line: &str) -> Option<JournalJson> {
        serde_json::from_str(line).ok()
    }

    /// The message lines of the kernel in one entry.
    pub(crate) fn lines(number: u64, line: &str) -> Vec<Line> {
        let Some(entry) = Self::parse(line) else { return Vec::new() };
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
