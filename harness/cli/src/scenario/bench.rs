//! Scenarios run on a bench, in a session of their own.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_events::{Event, Session};
use fencelab_report::exit::Exit;
use fencelab_runner::{Folder, Journal};

use super::{Case, Results, of_case, planned};
use crate::args::{BenchArgs, Coverage};
use crate::benches;
use crate::commands::run;
use crate::outcome::Outcome;
use crate::reports::Reports;

/// What came of it.
pub(crate) struct Ran {
    /// The results of each case that came so far, in the cases' order.
    pub(crate) results: Vec<Option<Results>>,
    /// Why those that did not, did not.
    pub(crate) reasons: Vec<String>,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// What the session ends with.
    pub(crate) exit: Exit,
}

impl Ran {
    /// Whether that case came to what it was to come to, at least once.
    pub(crate) fn came(&self, index: usize) -> bool {
        self.results.get(index).and_then(Option::as_ref).is_some_and(|results| results.reproduced() > 0)
    }
}

/// Devices that exist in software only: whatever is done to them harms nobody.
const SOFTWARE: [&str; 5] = ["vgem", "vkms", "udmabuf", "i915-twin", "amdgpu-twin"];

/// Runs scenarios; the session goes into a folder.
pub(crate) fn run_on(cases: &[Case], bench: &BenchArgs, allow: &[String], folder: &Path) -> Result<Ran> {
    let chosen = benches::choose(&bench.bench, &bench.kernel, bench.accel)?;
    if chosen.is_here {
        refuse(cases, allow)?;
    }
    let folder = Folder::new(folder);
    let reports = Reports::new(folder.clone(), &[])?;
    let devices = chosen.bench.devices().context("list the bench's devices")?;
    let mut journal = Journal::create(&folder, run::sync(&chosen))?;
    let plan = planned(cases, folder.path())?;
    let ids: Vec<String> = plan.iter().map(|case| case.id.clone()).collect();
    run::begin(&mut journal, bench, chosen.is_here)?;
    journal.write(Event::Planned { cases: plan, devices })?;
    let outcome = run::drive(chosen, folder.clone(), journal, reports, true, Coverage::Never)?;
    let session = crate::commands::report::read(&folder)?;
    let exit = match outcome {
        Outcome::Exit(exit) => exit,
        Outcome::Theirs(_) => Exit::Infrastructure,
    };
    Ok(Ran {
        results: ids.iter().map(|id| of_case(&session, id)).collect(),
        reasons: ids.iter().map(|id| reason(&session, id)).collect(),
        kernel: session.boots.first().map(|boot| boot.release.clone()).unwrap_or_default(),
        exit,
    })
}

fn reason(session: &Session, id: &str) -> String {
    let finished = session.case(id).and_then(|case| case.finished());
    finished.map_or_else(|| "it did not run".into(), |finished| finished.reason.clone())
}

/// On this machine a replay keeps off real devices, unless it is told otherwise.
fn refuse(cases: &[Case], allow: &[String]) -> Result<()> {
    for case in cases {
        let real = |device: &&str| {
            !SOFTWARE.contains(device)
                && !device.starts_with("heap-")
                && !allow.iter().any(|name| name == device)
        };
        if let Some(device) = case.scenario.devices().into_iter().find(real) {
            bail!(
                "run {} on this machine: it would use {device}; --allow {device} lets it, --bench vm needs no leave",
                case.name
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fencelab_scenario::Scenario;

    use super::*;

    #[test]
    fn real_devices_are_kept_off() {
        let text =
            "about: x\nexpect: D2\nobjects: {a: syncobj on amdgpu}\nprocesses: {p: {m: [{signal: [a]}]}}\n";
        let scenario = Scenario::read("x.yaml", text).unwrap();
        let cases = [Case { name: "x".into(), scenario, tries: 1 }];
        let error = refuse(&cases, &[]).unwrap_err().to_string();
        assert!(error.contains("amdgpu"), "{error}");
        assert!(refuse(&cases, &["amdgpu".into()]).is_ok());
    }
}
