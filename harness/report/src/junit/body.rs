//! The texts inside testcases, and their bounds.

use std::fmt::Write;

use fencelab_events::Finding;

use crate::dossier;
use crate::splat;
use crate::text::{clip, lines};
use crate::view::{Case, View};

/// What all texts of one file may come to, in bytes: GitLab refuses files of 30 MB.
const FILE: usize = 20 << 20;
/// What one text may come to, in bytes.
pub(super) const TEXT: usize = 64 << 10;
/// What is left to a text when the file's budget is spent.
const LEAST: usize = 200;

/// What is left of the file's size.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn of_file() -> Budget {
        Budget { left: FILE }
    }

    /// The text, no longer than what is left; `whole` says where the whole is. Its size is that of the safe text,
    /// which may be longer than what was written.
    pub(super) fn fit(&mut self, text: &str, whole: &str) -> String {
        let limit = TEXT.min(self.left.max(LEAST));
        // Cut, made safe, cut again: most of a flood is never looked at.
        let cut = clip(text, limit, whole);
        let safe = lines(&cut);
        let clipped = clip(&safe, limit, whole);
        self.left = self.left.saturating_sub(clipped.len());
        clipped.into_owned()
    }
}

/// What is wrong with a case: first the reason, then each of the kernel's reports, then what a stuck case looked like.
pub(super) fn of_case(view: &View<'_>, case: &Case<'_>, why: &str) -> String {
    let plan = &case.record.plan;
    let mut out = format!("{why}\n\n");
    say(&mut out, "must hold", &plan.about);
    say(&mut out, "rules", &plan.rules.join(" "));
    say(&mut out, "trace", &view.trace_command(case).unwrap_or_default());
    for finding in &case.findings {
        out.push('\n');
        out.push_str(&of_finding(view, finding));
    }
    for dossier in case.record.attempts.iter().filter_map(|attempt| attempt.dossier.as_ref()) {
        out.push('\n');
        out.push_str(&dossier::text(dossier));
    }
    out
}

/// One report of the kernel, with what is known of it.
pub(super) fn of_finding(view: &View<'_>, finding: &Finding) -> String {
    let mut out = format!("{}\n", finding.title);
    if let Some(label) = splat::annotation(finding) {
        say(&mut out, "annotation", &format!("{label}: mainline does not carry it"));
    }
    for rule in &finding.rules {
        say(&mut out, "rule", &format!("{}: {}", rule.id, rule.sentence));
        say(&mut out, "shown by", &rule.evidence);
    }
    for (name, fact) in [
        ("thread", &finding.attribution.thread),
        ("in", &finding.attribution.entry),
        ("look at", &finding.blame),
    ] {
        say(&mut out, name, fact.as_deref().unwrap_or_default());
    }
    if let Some(call) = &finding.attribution.call {
        say(&mut out, "call", &call.words());
        say(&mut out, "arguments", &call.arguments);
    }
    say(&mut out, "evidence", &finding.evidence.join("\n             "));
    say(&mut out, "attributed", &finding.attribution.reason);
    say(&mut out, "file", &view.path(&finding.file));
    if let Some(text) = view.splat(finding) {
        let _ = writeln!(out, "\n{}", clip(text, TEXT / 2, &view.path(&finding.file)));
    }
    out
}

/// A named line, if there is anything to say.
fn say(out: &mut String, name: &str, what: &str) {
    if !what.is_empty() {
        let _ = writeln!(out, "{name:<12} {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_a_bound() {
        let mut budget = Budget { left: 100_000 };
        let text = "x".repeat(1 << 20);
        let sizes: Vec<_> = (0..5).map(|_| budget.fit(&text, "events.jsonl").len()).collect();
        assert!(sizes[0] <= TEXT + 100 && sizes[4] <= LEAST + 100, "{sizes:?}");
    }
}
