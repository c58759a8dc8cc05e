//! What `fencelab run` recorded: from a session and a case to a trace, its processes and its time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fencelab_events::{Dossier, Session};
use fencelab_runner::Folder;
use fencelab_runner::recorded::pids_of_case;
use fencelab_trace::view::Filter;

/// A part of a run's records.
pub(crate) struct Part {
    /// The trace's folder.
    pub(crate) folder: PathBuf,
    /// The case's process, and from when to when it ran in microseconds of CLOCK_MONOTONIC; none: the whole boot.
    case: Option<(i32, (u64, u64))>,
    /// What the agent saw of the case, if it was stuck.
    pub(crate) dossier: Option<Dossier>,
    /// The kernel's reports that belong to the case: titles, and files of the texts.
    pub(crate) splats: Vec<(String, PathBuf)>,
}

/// Whether the folder is that of a run.
pub(crate) fn is_run(path: &Path) -> bool {
    Folder::new(path).journal().exists()
}

/// Opens the trace that a path and a case of it stand for, and narrows the filter to the part of a run that it is, if it is one.
pub(crate) fn open(
    path: &Path,
    case: Option<&str>,
    filter: &mut Filter,
) -> Result<(Option<Part>, fencelab_trace::Session)> {
    let part = of(path, case)?;
    let session = crate::commands::trace::open(part.as_ref().map_or(path, |part| &part.folder))?;
    if let Some(part) = &part {
        part.narrow(&session, filter)?;
    }
    Ok((part, session))
}

/// The part of a run that is asked for; none if the path is not a run's.
fn of(path: &Path, case: Option<&str>) -> Result<Option<Part>> {
    if is_run(path) {
        return part(path, case).map(Some);
    }
    if case.is_some() {
        bail!("find a case in {}: it is no folder of a run (it has no events.jsonl)", path.display());
    }
    Ok(None)
}

/// The records of a case; without a case those of the only boot.
pub(crate) fn part(path: &Path, case: Option<&str>) -> Result<Part> {
    let folder = Folder::new(path);
    let session = crate::commands::report::read(&folder)?;
    let part = match case {
        Some(id) => of_case(path, &folder, &session, id)?,
        None => Part {
            folder: folder.records(only_boot(&session, path)?),
            case: None,
            dossier: None,
            splats: Vec::new(),
        },
    };
    if !part.folder.exists() {
        bail!(
            "find {}: the case ran unrecorded, or its records were removed to save room",
            part.folder.display()
        );
    }
    Ok(part)
}

fn of_case(root: &Path, folder: &Folder, session: &Session, id: &str) -> Result<Part> {
    let record =
        session.case(id).with_context(|| format!("find the case `{id}`: the run has no such case"))?;
    let attempt =
        record.attempts.last().with_context(|| format!("find the trace of {id}: it did not run"))?;
    let finished = attempt.finished.as_ref();
    let pid = finished
        .and_then(|f| f.pid)
        .with_context(|| format!("find the trace of {id}: it never had a process"))?;
    let ended_us = finished.map(|f| f.at_us).filter(|at| *at > 0);
    let began_us = ended_us.zip(finished).map_or(0, |(at, f)| at.saturating_sub(f.took_us));
    // Of a case under which the machine went down only the process is known.
    let between = (began_us, ended_us.unwrap_or(u64::MAX / 1000));
    let dossier = attempt.dossier.clone();
    let ours = session.findings.iter().filter(|found| found.attribution.case.as_deref() == Some(id));
    let splats = ours.map(|found| (found.title.clone(), root.join(&found.file))).collect();
    Ok(Part { folder: folder.records(attempt.boot), case: Some((pid, between)), dossier, splats })
}

fn only_boot(session: &Session, path: &Path) -> Result<u32> {
    match session.boots.as_slice() {
        [boot] => Ok(boot.number),
        [] => bail!("choose a trace in {}: no machine came up in that run", path.display()),
        boots @ [first, ..] => bail!(
            "choose a trace in {}: the run had {} boots; give --case ID, or the folder of one, {}",
            path.display(),
            boots.len(),
            Folder::new(path).records(first.number).display()
        ),
    }
}

impl Part {
    /// Narrows a filter to the case.
    pub(crate) fn narrow(&self, session: &fencelab_trace::Session, filter: &mut Filter) -> Result<()> {
        let Some((pid, between_us)) = self.case else { return Ok(()) };
        let pids = pids_of_case(session, pid, between_us);
        if pids.is_empty() {
            bail!("find process {pid} in {}: the recorder did not get into it", self.folder.display());
        }
        filter.between_ns = Some((between_us.0 * 1000, between_us.1 * 1000));
        if filter.processes.is_empty() {
            filter.processes = pids.iter().map(u32::to_string).collect();
        }
        Ok(())
    }
}
