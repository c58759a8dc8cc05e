//! Hangs that did not happen: what to follow of those that are predicted.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_fences::finding::Kind;
use fencelab_fences::predict::Witness;
use fencelab_fences::{Options, analyse, graph::Nobody};
use fencelab_trace::view::Filter;

use crate::args::ReplayedArgs;
use crate::case_trace;
use crate::commands::analyze::is_of;

/// An order that hangs, and the case of a run that it is predicted of.
#[derive(Debug, Clone)]
pub(crate) struct Predicted {
    pub(crate) case: Option<String>,
    pub(crate) witness: Witness,
}

/// What is predicted of a session; of a run, of the case that is named, or of each that had a process.
pub(crate) fn predicted(args: &ReplayedArgs) -> Result<Vec<Predicted>> {
    let cases = match &args.case {
        None if case_trace::is_run(&args.session) => cases(&args.session)?,
        case => vec![case.clone()],
    };
    let mut all = Vec::new();
    for case in cases {
        let witnesses = of_case(&args.session, case.as_deref())?;
        all.extend(witnesses.into_iter().map(|witness| Predicted { case: case.clone(), witness }));
    }
    if all.is_empty() {
        bail!("find a hang to follow in {}: none is predicted", args.session.display());
    }
    Ok(all)
}

fn cases(session: &Path) -> Result<Vec<Option<String>>> {
    let session = crate::commands::report::read(&fencelab_runner::Folder::new(session))?;
    let ran = session.cases.iter().filter(|case| case.finished().is_some_and(|f| f.pid.is_some()));
    Ok(ran.map(|case| Some(case.plan.id.clone())).collect())
}

fn of_case(path: &Path, case: Option<&str>) -> Result<Vec<Witness>> {
    let mut filter = Filter::default();
    let (part, session) = case_trace::open(path, case, &mut filter)?;
    let options = Options { predict_between: filter.between_ns, ..Options::default() };
    let findings = analyse(&session, options, &Nobody).context("read the trace")?.findings;
    let ours = findings.into_iter().filter(|finding| part.is_none() || is_of(finding, &filter));
    Ok(hangs(ours.filter_map(|finding| finding.order)).collect())
}

/// What only makes a call fail is no hang.
pub(super) fn hangs(all: impl Iterator<Item = Witness>) -> impl Iterator<Item = Witness> {
    all.filter(|witness| witness.reaches != Kind::Refused)
}
