//! `fencelab minimize --splat`: as long as the kernel still makes the same report.

use anyhow::{Context, Result, bail};
use fencelab_events::Session;
use fencelab_klog::signature::is_unknown;
use fencelab_replay::{Devices, Shrunk, Timing, minimize};
use fencelab_report::exit::Exit;
use fencelab_runner::{Folder, Stop};
use fencelab_scenario::{Expect, Scenario};

use super::{TRIES, report, write};
use crate::args::{MinimizeArgs, ReplayedArgs};
use crate::commands::analyze::print;
use crate::commands::run::listen;
use crate::outcome::Outcome;
use crate::paths;
use crate::scenario::{Tries, Wanted, of_session};

/// The GPU whose jobs a scenario can make for certain: it exists in a guest's memory only.
const TWIN: &str = "i915-twin";

/// What is to be made small.
struct Whole {
    scenario: Scenario,
    fidelity: String,
    signature: String,
}

pub(super) fn run(args: &MinimizeArgs, signature: Option<&str>) -> Result<Outcome> {
    let whole = whole(args, signature)?;
    let folder = args.of.output.clone().unwrap_or_else(|| paths::new_folder("minimized"));
    let stop = Stop::default();
    listen(&stop)?;
    let plant = args.plant.as_slice();
    let mut tries = Tries {
        bench: &args.of.bench,
        plant,
        folder: folder.clone(),
        stop,
        sessions: 0,
        kernel: String::new(),
        not_run: None,
    };
    print(&format!("{}looked for: {}\n", whole.fidelity, whole.signature))?;
    if tries.reported(&whole.scenario, 1, &whole.signature)? == 0 {
        bail!("{}", unreported(&whole, tries.not_run.as_deref()));
    }
    let shrunk = shrink(&whole, &mut tries)?;
    let small = &shrunk.scenario;
    let (before, after) = (whole.scenario.len(), small.len());
    print(&format!("from {before} steps to {after}, {} candidates tried in guests\n", shrunk.tried))?;
    let times = args.of.tries.unwrap_or(TRIES);
    let made = tries.reported(small, times, &whole.signature)?;
    let planted =
        if plant.is_empty() { String::new() } else { format!(", with {} planted", plant.join(", ")) };
    let told =
        format!("minimized: {made} of {times} tries made the kernel report {}{planted}\n", whole.signature);
    print(&told)?;
    write(&folder, small, &report(&whole.scenario, small, Some((&told, &tries.kernel)), &whole.fidelity))?;
    Ok(Outcome::Exit(if made > 0 { Exit::Clean } else { Exit::Findings }))
}

/// Why there is nothing to make smaller.
fn unreported(whole: &Whole, not_run: Option<&str>) -> String {
    let (steps, signature) = (whole.scenario.len(), &whole.signature);
    match not_run {
        Some(reason) => format!("run its {steps} steps, so that the kernel may report {signature}: {reason}"),
        None => format!("make it smaller: its {steps} steps do not bring the kernel to report {signature}"),
    }
}

fn shrink(whole: &Whole, tries: &mut Tries<'_>) -> Result<Shrunk> {
    let mut failed = None;
    let shrunk = minimize(&whole.scenario, Devices::Kept, &mut |candidate| {
        if failed.is_some() {
            return false;
        }
        let made = tries.reported(candidate, 1, &whole.signature);
        let came = made.map(|made| made > 0).unwrap_or_else(|error| {
            failed = Some(error);
            false
        });
        // What is heard of a long search; that the terminal is gone is said at its end.
        let verdict = if came { "the same report" } else { "no such report" };
        let _ = print(&format!("try {}: {} steps: {verdict}\n", tries.sessions, candidate.len()));
        came
    });
    failed.map_or(Ok(shrunk), Err)
}

fn whole(args: &MinimizeArgs, signature: Option<&str>) -> Result<Whole> {
    if super::is_scenario(&args.of.session) {
        let (scenario, fidelity) = super::scenario(args)?;
        let signature = signature.context("look for a report: a scenario names none; --splat=SIGNATURE")?;
        return Ok(Whole { scenario, fidelity, signature: known(signature)? });
    }
    let session = crate::commands::report::read(&Folder::new(&args.of.session))?;
    let (case, signature) = found(args, &session, signature)?;
    let on_twin = session.case(&case).is_some_and(|case| case.plan.devices.iter().any(|name| name == TWIN));
    let jobs_on = if on_twin { TWIN.to_owned() } else { args.of.jobs_on.clone() };
    let of = ReplayedArgs { jobs_on, case: Some(case.clone()), ..args.of.clone() };
    let wanted = Wanted { case: Some(&case), timing: Timing::Fast, witness: None };
    let converted = of_session(&of, &wanted)?;
    // What a report comes with is no hang, and no verdict is waited for.
    let scenario = Scenario { expect: Expect::Clean, ..converted.scenario };
    Ok(Whole { scenario, fidelity: converted.fidelity.to_string(), signature })
}

/// The case and the signature: of what is asked for, the first.
fn found(args: &MinimizeArgs, session: &Session, wanted: Option<&str>) -> Result<(String, String)> {
    let path = args.of.session.display();
    let ours = session.findings.iter().filter_map(|finding| {
        let case = finding.attribution.case.as_deref()?;
        let asked = args.of.case.as_deref().is_none_or(|asked| asked == case);
        (asked && wanted.is_none_or(|wanted| wanted == finding.signature)).then_some((case, finding))
    });
    let mut ours = ours.peekable();
    let Some((case, finding)) = ours.peek() else {
        bail!("find a report of the kernel in {path} that is a case's, and the one that is asked for");
    };
    Ok(((*case).to_owned(), known(&finding.signature)?))
}

/// A signature that compares with others.
fn known(signature: &str) -> Result<String> {
    if is_unknown(signature) {
        bail!("look for {signature}: too much of that report is missing to know it again");
    }
    Ok(signature.to_owned())
}
