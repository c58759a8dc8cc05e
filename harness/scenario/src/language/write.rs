//! Writing: a line a step, as a person would.

use std::fmt::{self, Write};

use serde_yaml::Value;

use super::scenario::Scenario;
use super::step::Step;

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "about: {}", scalar(&self.about))?;
        writeln!(f, "expect: {}", self.expect)?;
        if self.limit != Scenario::LIMIT {
            writeln!(f, "limit: {}", self.limit)?;
        }
        if !self.objects.is_empty() {
            writeln!(f, "objects:")?;
        }
        for (name, object) in &self.objects {
            writeln!(f, "  {name}: {object}")?;
        }
        writeln!(f, "processes:")?;
        for (name, threads) in &self.processes {
            writeln!(f, "  {name}:")?;
            for (thread, steps) in threads {
                writeln!(f, "    {thread}:{}", if steps.is_empty() { " []" } else { "" })?;
                for step in steps {
                    writeln!(f, "      - {step}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    /// As a flow mapping, but for a step that is only an operation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.op.value().map_err(|_| fmt::Error)?;
        let op = format!("{}: {}", self.op.word(), flow(&value));
        let mut extra = String::new();
        if let Some(label) = &self.label {
            write!(extra, ", label: {label}")?;
        }
        if !self.after.is_empty() {
            let after: Vec<String> = self.after.iter().map(ToString::to_string).collect();
            write!(extra, ", after: [{}]", after.join(", "))?;
        }
        if let Some(at) = self.at {
            write!(extra, ", at: {at}")?;
        }
        if extra.is_empty() { f.write_str(&op) } else { write!(f, "{{{op}{extra}}}") }
    }
}

/// A value in YAML's flow style.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Sequence(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{}: {}", flow(key), flow(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Tagged(_) => "null".into(),
    }
}

/// A text, quoted unless it is plain beyond doubt. The words of the language are: none of them is a number or a truth value.
fn scalar(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | ' ' | '@' | '(' | ')' | ';' | '/')
    };
    let first = text.chars().next();
    let safe = first.is_some_and(|c| c.is_ascii_alphabetic())
        && text.chars().all(plain)
        && text.trim() == text
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    let time = text.parse::<super::duration::Duration>().is_ok();
    if safe || time { text.into() } else { format!("\"{}\"", text.escape_debug()) }
}
