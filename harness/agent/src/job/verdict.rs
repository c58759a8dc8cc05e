//! What an ended case comes to: a pure function of what was seen of it.

use std::time::Duration;

use fencelab_bench::protocol::{Exit, Outcome};

/// Why a case was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It overran its limit.
    Limit(Duration),
    /// The runner said so.
    Cancelled,
}

/// What was seen of it.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// How its process ended, if it did.
    pub(crate) exit: Option<Exit>,
    /// Its own result.
    pub(crate) done: Option<(Outcome, String)>,
    /// Lines on its result channel that are no notes.
    pub(crate) garbage: usize,
    /// Why it was ended.
    pub(crate) cut: Option<Cut>,
    /// What was done to end it, and what came of it.
    pub(crate) ladder: Vec<String>,
    /// Tasks that no signal ended.
    pub(crate) unkillable: Vec<String>,
    /// The last of its standard error that tells why it died.
    pub(crate) last_words: Option<String>,
}

/// Its outcome, and the reason where that is no pass.
pub(crate) fn judge(end: &End) -> (Outcome, String) {
    if !end.unkillable.is_empty() {
        let before =
            end.cut.map_or_else(|| format!("{}, but", own_end(end)), |cut| format!("{};", cut.words()));
        return (Outcome::Stuck, format!("{before} these cannot be killed: {}", end.unkillable.join(", ")));
    }
    if let Some(cut) = end.cut {
        let outcome = if cut == Cut::Cancelled { Outcome::Cancelled } else { Outcome::Timeout };
        let steps = [&[cut.words()], end.ladder.as_slice()].concat();
        return (outcome, steps.join("; "));
    }
    match (&end.exit, &end.done) {
        (Some(Exit::Status(0)), Some((Outcome::Pass, _))) if end.garbage > 0 => (
            Outcome::Fail,
            format!("it passed, and wrote {} lines of garbage on its result channel", end.garbage),
        ),
        (Some(Exit::Status(0)), Some((outcome, reason))) => (*outcome, reason.clone()),
        _ => (Outcome::Crash, own_end(end)),
    }
}

impl Cut {
    fn words(self) -> String {
        match self {
            Cut::Limit(limit) => format!("it overran its limit of {} s", limit.as_secs_f64()),
            Cut::Cancelled => "it was cancelled".into(),
        }
    }
}

fn own_end(end: &End) -> String {
    let mut text = match end.exit {
        Some(Exit::Status(status)) => format!("it exited with status {status}"),
        Some(Exit::Signal(signal)) => format!("it was killed by {}", signal_name(signal)),
        None => "it never ended".into(),
    };
    match &end.done {
        Some((outcome, reason)) if reason.is_empty() => {
            text += &format!(" after it said {outcome:?}").to_lowercase()
        }
        Some((outcome, reason)) => text += &format!(" after it said {}: {reason}", word(*outcome)),
        None => text += " without a result",
    }
    if end.garbage > 0 {
        text += &format!(" and {} lines of garbage on its result channel", end.garbage);
    }
    if let Some(words) = &end.last_words {
        text += &format!(": {words}");
    }
    text
}

fn word(outcome: Outcome) -> String {
    format!("{outcome:?}").to_lowercase()
}

fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |s| s.as_str().into())
}

/// The line of standard error that says why a process died: a panic's message, else the last line.
pub(crate) fn last_words(stderr: &str) -> Option<String> {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let panic = lines.iter().rposition(|l| l.starts_with("thread '") && l.contains("panicked at "));
    let told = match panic {
        // Since Rust 1.73 the message stands on the next line.
        Some(at) => lines[at..].iter().take(2).copied().collect::<Vec<_>>().join(" "),
        None => (*lines.last()?).to_owned(),
    };
    Some(told.chars().take(500).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass() -> Option<(Outcome, String)> {
        Some((Outcome::Pass, String::new()))
    }

    #[test]
    fn a_case_that_ends_well_has_its_own_result() {
        let exit = Some(Exit::Status(0));
        assert_eq!(judge(&End { exit, done: pass(), ..End::default() }), (Outcome::Pass, String::new()));
        let done = Some((Outcome::Skip, "no syncobj".to_owned()));
        assert_eq!(judge(&End { exit, done, ..End::default() }), (Outcome::Skip, "no syncobj".into()));
    }

    #[test]
    fn any_other_end_is_a_crash_with_its_reason() {
        let exit = Some(Exit::Status(0));
        let crash = |end: End| {
            let (outcome, reason) = judge(&end);
            assert_eq!(outcome, Outcome::Crash);
            reason
        };
        assert_eq!(crash(End { exit, ..End::default() }), "it exited with status 0 without a result");
        let exit = Some(Exit::Signal(11));
        let told = crash(End { exit, done: pass(), ..End::default() });
        assert_eq!(told, "it was killed by SIGSEGV after it said pass");
        let exit = Some(Exit::Status(101));
        let last_words = Some("panicked".to_owned());
        let told = crash(End { exit, garbage: 2, last_words, ..End::default() });
        let expected = "it exited with status 101 without a result and 2 lines of garbage on its result channel: panicked";
        assert_eq!(told, expected);
    }

    #[test]
    fn garbage_spoils_a_pass() {
        let end = End { exit: Some(Exit::Status(0)), done: pass(), garbage: 1, ..End::default() };
        assert_eq!(judge(&end).0, Outcome::Fail);
    }

    #[test]
    fn a_cut_case_is_a_timeout_cancelled_or_stuck() {
        let cut = Some(Cut::Limit(Duration::from_millis(1500)));
        let ladder = vec!["SIGTERM: ended".to_owned()];
        let told = judge(&End { cut, ladder, done: pass(), ..End::default() });
        assert_eq!(told, (Outcome::Timeout, "it overran its limit of 1.5 s; SIGTERM: ended".into()));
        assert_eq!(judge(&End { cut: Some(Cut::Cancelled), ..End::default() }).0, Outcome::Cancelled);
        let unkillable = vec!["x/7 in state D at drm_wait".to_owned()];
        let (outcome, reason) = judge(&End { cut, unkillable: unkillable.clone(), ..End::default() });
        assert_eq!(outcome, Outcome::Stuck);
        assert!(reason.ends_with("s; these cannot be killed: x/7 in state D at drm_wait"), "{reason}");
        let exit = Some(Exit::Status(0));
        let (outcome, reason) = judge(&End { exit, done: pass(), unkillable, ..End::default() });
        assert_eq!(outcome, Outcome::Stuck);
        assert!(reason.starts_with("it exited with status 0 after it said pass, but these"), "{reason}");
    }

    #[test]
    fn a_panic_tells_more_than_the_last_line() {
        let stderr =
            "noise\nthread 'main' (12) panicked at src/x.rs:1:2:\nindex out of bounds\nnote: run with ..\n";
        let told = last_words(stderr).unwrap();
        assert_eq!(told, "thread 'main' (12) panicked at src/x.rs:1:2: index out of bounds");
        assert_eq!(last_words("a\n b \n\n").as_deref(), Some("b"));
        assert_eq!(last_words(" \n"), None);
    }
}
