//! The mark of a case: a letter, a colour, and the words behind them. The letter alone must do, on paper.

use fencelab_events::Verdict;

use crate::expect::Standing;
use crate::view::{Case, View};
use crate::why::why;

use super::escape::Esc;

/// A verdict's letter.
pub(super) fn letter(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "·",
        Verdict::Skip => "–",
        Verdict::Splat => "K",
        Verdict::Fail => "F",
        Verdict::Crash => "C",
        Verdict::Timeout => "T",
        Verdict::Stuck => "X",
        Verdict::Lost => "L",
        Verdict::Unarmed => "U",
        Verdict::Unexercised => "N",
        Verdict::NotRun => "?",
    }
}

/// A verdict's class in the style sheet: its colour.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotRun => "not-run",
        Verdict::Unexercised => "unexercised",
        other => other.word(),
    }
}

/// What a letter means, for the legend.
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Skip => "skip",
        Verdict::Splat => "the kernel reported",
        Verdict::Fail => "a check failed",
        Verdict::Crash => "crash",
        Verdict::Timeout => "timeout",
        Verdict::Stuck => "stuck",
        Verdict::Lost => "machine lost",
        Verdict::Unarmed => "unarmed",
        Verdict::Unexercised => "not exercised",
        Verdict::NotRun => "not run",
    }
}

/// The class of a case, with what the lists say of it.
pub(super) fn classes(case: &Case<'_>) -> String {
    let known = match case.standing {
        Standing::New => "",
        Standing::Improvement(_) => " improved",
        Standing::ExpectedFail(_) | Standing::KnownFlake(_) => " known",
    };
    format!("{}{known}", class(case.verdict))
}

/// A case as a cell that leads to its row in the list.
pub(super) fn cell(view: &View<'_>, index: usize) -> String {
    let case = &view.cases[index];
    format!(
        "<a class=\"m {}\" href=\"#c{index}\" title=\"{}\">{}</a>",
        classes(case),
        Esc(title(view, case)),
        letter(case.verdict)
    )
}

fn title(view: &View<'_>, case: &Case<'_>) -> String {
    let why = why(view, case);
    let said = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{} {}{said}", case.id(), case.verdict.word())
}
