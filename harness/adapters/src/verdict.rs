//! What a program's end and output come to.

use fencelab_events::Adapter;
use fencelab_suites::report::Outcome;

use crate::{command, deqp, igt, kselftest, piglit};

/// A program that ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Its exit status; none where a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A part of a case that the program told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: String,
}

/// What a case came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not pass.
    pub reason: String,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Verdict {
    /// It passed.
    pub(crate) fn pass() -> Self {
        Verdict { outcome: Outcome::Pass, reason: String::new(), parts: Vec::new() }
    }

    /// It failed.
    pub(crate) fn fail(reason: impl Into<String>) -> Self {
        Verdict { outcome: Outcome::Fail, reason: reason.into(), parts: Vec::new() }
    }

    /// It does not apply.
    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Verdict { outcome: Outcome::Skip, reason: reason.into(), parts: Vec::new() }
    }
}

/// The verdict on a program that exited by itself. What a signal ended is a crash, and no adapter's business.
pub fn judge(adapter: Adapter, ended: &Ended) -> Verdict {
    match adapter {
        Adapter::Igt => igt::judge(ended),
        Adapter::Deqp => deqp::judge(ended),
        Adapter::Piglit => piglit::judge(ended),
        Adapter::Kselftest => kselftest::judge(ended),
        Adapter::Command => command::judge(ended),
    }
}

/// The last line of a text that says something.
pub(crate) fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// `it exited with status 3`, with the last that it said.
pub(crate) fn status_in_words(ended: &Ended) -> String {
    let status = ended.status.map_or_else(|| "a signal".into(), |status| format!("status {status}"));
    let said = last_line(&ended.stderr).or_else(|| last_line(&ended.stdout));
    said.map_or_else(|| format!("it exited with {status}"), |said| format!("it exited with {status}: {said}"))
}
