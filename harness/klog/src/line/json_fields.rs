//! Logs as JSON with one field a line: `journalctl -o json-pretty` and `dmesg --json`.

use serde_json::Value;

use super::{Caller, Line, Meta};

/// Gathers the fields of one entry.
#[derive(Debug, Default)]
pub(crate) struct JsonFields {
    meta: Meta,
    message: Option<String>,
    transport: Option<String>,
}

impl JsonFields {
    /// Is this a field of such an entry? The brace in front stands on a line of its own.
    pub(crate) fn starts(line: &str) -> bool {
        if line.trim() == "\"dmesg\": [" {
            return true;
        }
        let journal =
            |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        field(line).is_some_and(|(name, _)| name == "pri" || name.len() > 3 && journal(&name))
    }

    /// Takes one line; the brace that ends the entry gives its message lines.
    pub(crate) fn push(&mut self, number: u64, line: &str) -> Vec<Line> {
        if line.trim_start().starts_with('}') {
            return self.finish(number);
        }
        if let Some((name, value)) = field(line) {
            self.take(&name, &value);
        }
        Vec::new()
    }

    fn take(&mut self, name: &str, value: &Value) {
        // The journal keeps numbers as strings.
        let text = value.as_str().map(str::to_owned);
        let number = || text.as_deref().and_then(|text| text.parse().ok()).or(value.as_u64());
        match name {
            "MESSAGE" | "msg" => self.message = text,
            "PRIORITY" | "pri" => self.meta.level = number().map(|level: u64| (level & 7) as u8),
            "_SOURCE_MONOTONIC_TIMESTAMP" => self.meta.time_us = number(),
            "time" => self.meta.time_us = value.as_f64().map(|seconds| (seconds * 1e6).round() as u64),
            "caller" => self.meta.caller = text.as_deref().and_then(Caller::parse),
            "_TRANSPORT" => self.transport = text,
            _ => {}
        }
    }

    /// Ends the entry.
    pub(crate) fn finish(&mut self, number: u64) -> Vec<Line> {
        let entry = std::mem::take(self);
        match entry.message {
            Some(message) => super::message_lines(number, &entry.meta, entry.transport.as_deref(), &message),
            None => Vec::new(),
        }
    }
}

/// `"NAME" : VALUE,`
fn field(line: &str) -> Option<(String, Value)> {
    let text = line.trim().trim_end_matches(',');
    let (name, value) = text.strip_prefix('"')?.split_once('"')?;
    let value = value.trim_start().strip_prefix(':')?;
    Some((name.to_owned(), serde_json::from_str(value.trim()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_both() {
        let mut fields = JsonFields::default();
        let mut out = Vec::new();
        for line in [
            "         \"pri\": 12,",
            "         \"time\":     5.000001,",
            "         \"msg\": \"a \\\"b\\\"\"",
            "      },{",
            "\t\"_TRANSPORT\" : \"kernel\",",
            "\t\"_SOURCE_MONOTONIC_TIMESTAMP\" : \"7\",",
            "\t\"MESSAGE\" : \"c\"",
            "}",
            "\t\"_TRANSPORT\" : \"stdout\",",
            "\t\"MESSAGE\" : \"d\"",
            "}",
        ] {
            assert!(JsonFields::starts(line) || !line.contains("pri") && !line.contains('_'), "{line}");
            out.extend(fields.push(1, line));
        }
        let lines: Vec<_> =
            out.iter().map(|line| (line.text.as_str(), line.meta.time_us, line.meta.level)).collect();
        assert_eq!(lines, [("a \"b\"", Some(5_000_001), Some(4)), ("c", Some(7), None)]);
    }
}
