//! The exit code of proofs, from the one table.

use fencelab_rules::{Judgement, Proofs};

use crate::exit::Exit;

/// A fault that was not caught, or a control that was not silent, is a finding; a trial that did not come to its end is
/// infrastructure.
pub fn exit(proofs: &Proofs) -> Exit {
    let wrong = |judgement| !matches!(judgement, Judgement::Attributed | Judgement::NotRun);
    let not_run = proofs.proofs.iter().any(|proof| proof.judgement == Judgement::NotRun);
    if proofs.proofs.iter().any(|proof| wrong(proof.judgement)) || proofs.controls.iter().any(|c| !c.silent) {
        Exit::Findings
    } else if not_run || !proofs.complete {
        Exit::Infrastructure
    } else {
        Exit::Clean
    }
}
