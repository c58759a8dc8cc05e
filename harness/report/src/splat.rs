//! Splat files: one for each report of the kernel, to read by itself or to hand to a parser.

use std::fmt::Write;

use fencelab_events::Finding;

use crate::text::line;
use crate::view::Bug;

/// Where a splat's text is kept, relative to the session's folder: sorted by boot and place in the log.
pub fn file_name(boot: u32, first_seq: u64, kind: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let kind: String = kind.chars().take(40).map(safe).collect();
    format!("splats/boot-{boot}-seq-{first_seq:06}-{kind}.txt")
}

/// The file's content: what is known of the splat in lines that begin with `#`, an empty line, the kernel's text.
pub fn render(finding: &Finding, release: &str, text: &str) -> String {
    let mut out = String::new();
    let mut say = |name: &str, what: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {name:<11} {}", line(what));
    };
    say("title", &finding.title);
    say("kernel", &format!("{release}, boot {}", finding.boot));
    say("log", &format!("records {} to {}", finding.first_seq, finding.last_seq));
    if let Some(label) = annotation(finding) {
        say("annotation", &label);
    }
    for rule in &finding.rules {
        say("rule", &format!("{}: {}", rule.id, rule.sentence));
        say("shown by", &rule.evidence);
    }
    say("case", finding.attribution.case.as_deref().unwrap_or("none"));
    for (name, fact) in [("thread", &finding.attribution.thread), ("in", &finding.attribution.entry)] {
        if let Some(fact) = fact {
            say(name, fact);
        }
    }
    if let Some(call) = &finding.attribution.call {
        say("call", &call.words());
        say("arguments", &call.arguments);
    }
    say("attributed", &finding.attribution.reason);
    say("signature", &finding.signature);
    if !finding.complete {
        say("torn", "a part of the report is missing from the log");
    }
    format!("{out}\n{}\n", text.trim_matches('\n'))
}

/// The kernel's text of a splat file.
pub(crate) fn body(file: &str) -> &str {
    match file.split_once("\n\n") {
        Some((head, body)) if head.lines().all(|line| line.starts_with('#')) => body,
        _ => file,
    }
}

/// What to say of a finding that only an annotated kernel can show: that annotation is ours, not mainline's.
pub(crate) fn annotation(finding: &Finding) -> Option<String> {
    let patch = finding.annotation.as_deref()?;
    Some(format!("with the annotation of patch {patch}"))
}

impl Bug<'_> {
    /// Every file of it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|finding| finding.file.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_in_order() {
        assert_eq!(file_name(2, 4711, "circular"), "splats/boot-2-seq-004711-circular.txt");
        assert_eq!(file_name(1, 1, "../../etc"), "splats/boot-1-seq-000001-------etc.txt");
    }

    #[test]
    fn the_body_is_what_was_put_in() {
        assert_eq!(body("# title x\n# case y\n\nWARNING: a\n\nb\n"), "WARNING: a\n\nb\n");
        assert_eq!(body("WARNING: a\n\nb\n"), "WARNING: a\n\nb\n");
        assert_eq!(body(""), "");
    }
}
