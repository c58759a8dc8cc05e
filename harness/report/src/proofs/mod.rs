//! Reports of `fencelab prove`: which planted faults were caught, and which reports were false. One file per format.

mod exit;
mod html;
mod junit;
mod text;

use std::io::Write;

use fencelab_rules::{Judgement, Proof, Proofs};

use crate::Error;
use crate::text::{count, span};

pub use exit::exit;
pub use text::write as text;

/// A report's form.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The file's name in the folder of the proofs.
    pub file: &'static str,
    /// Writes it.
    pub write: fn(&Proofs, &mut dyn Write) -> Result<(), Error>,
}

/// Every form in which proofs are reported as a file.
pub const FORMATS: &[Format] = &[
    Format { name: "text", file: "proofs.txt", write: text::write_plain },
    Format { name: "junit", file: "junit.xml", write: junit::write },
    Format { name: "html", file: "proofs.html", write: html::write },
];

/// What it comes to, in a sentence without its end.
fn sentence(proofs: &Proofs) -> String {
    let of = |judgement| proofs.proofs.iter().filter(|p| p.judgement == judgement).count();
    let mut parts =
        vec![format!("{} of {} caught", of(Judgement::Attributed), count(proofs.proofs.len(), "fault"))];
    for judgement in [
        Judgement::Missed,
        Judgement::WrongKind,
        Judgement::WrongRule,
        Judgement::Misattributed,
        Judgement::NotRun,
    ] {
        if of(judgement) > 0 {
            parts.push(format!("{} {}", of(judgement), judgement.word()));
        }
    }
    let loud = proofs.controls.iter().filter(|control| !control.silent).count();
    parts.push(match (proofs.controls.len(), loud) {
        (0, _) => "no controls".into(),
        (_, 0) => "controls silent".into(),
        (all, loud) => format!("{loud} of {} not silent", count(all, "control")),
    });
    if !proofs.complete {
        parts.push("stopped before its end".into());
    }
    format!("{} in {}", parts.join(", "), span(proofs.took_ms.saturating_mul(1000)))
}

/// The kernels that were booted, in words; none before the first came up.
fn kernels(proofs: &Proofs) -> Option<String> {
    let named: Vec<String> =
        proofs.kernels.iter().map(|(choice, release)| format!("{release} ({choice})")).collect();
    (!named.is_empty()).then(|| format!("on {}", named.join(" and ")))
}

/// What was expected of a fault, in words.
fn wanted(proof: &Proof) -> String {
    format!("{} for {}", proof.subject.kinds().join(" or "), proof.subject.rules().join(", "))
}

/// To what a fault was laid, in words.
fn laid_to(proof: &Proof) -> Option<String> {
    let seen = proof.seen.as_ref()?;
    let case = seen.case.as_deref().unwrap_or("no case");
    let thread = seen.thread.as_deref().map(|thread| format!(", {thread}")).unwrap_or_default();
    let entry = seen.entry.as_deref().map(|entry| format!(" in {entry}")).unwrap_or_default();
    let call = seen.call.as_deref().map(|call| format!("; {call}")).unwrap_or_default();
    Some(format!("{case}{thread}{entry} (by {}){call}", seen.how))
}
