//! `fencelab report`.

use std::fs::File;
use std::io::BufReader;

use anyhow::{Context, Result};
use fencelab_events::{Session, journal};
use fencelab_runner::Folder;

use crate::args::ReportArgs;
use crate::outcome::Outcome;
use crate::reports::Reports;

pub(crate) fn run(args: &ReportArgs) -> Result<Outcome> {
    let folder = Folder::new(&args.session);
    let session = read(&folder)?;
    let reports = Reports::new(folder, &args.expect)?;
    let exit = match &args.format {
        Some(name) => reports.print(&session, name)?,
        None => {
            let exit = reports.all(&session)?;
            reports.summary(&session)?;
            exit
        }
    };
    Ok(Outcome::Exit(exit))
}

/// The session in this folder, as far as its journal tells.
pub(crate) fn read(folder: &Folder) -> Result<Session> {
    let path = folder.journal();
    let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    let read = journal::read(BufReader::new(file)).with_context(|| format!("take up {}", path.display()))?;
    Ok(Session::fold(&read.entries))
}
