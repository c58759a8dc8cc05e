//! `fencelab replay`.

use std::path::PathBuf;

use anyhow::Result;
use fencelab_replay::Timing;
use fencelab_scenario::c;

use crate::args::{ReplayArgs, ReplayTiming};
use crate::commands::analyze::print;
use crate::outcome::Outcome;
use crate::scenario::{Case, Ran, Wanted, of_session, run_on};

pub(crate) fn run(args: &ReplayArgs) -> Result<Outcome> {
    let timing = match args.timing {
        ReplayTiming::Fast => Timing::Fast,
        ReplayTiming::Original => Timing::Original,
    };
    let converted = of_session(&args.of, &Wanted { timing, order: args.order.as_deref() })?;
    let scenario = converted.scenario;
    if args.yaml || args.c {
        eprint!("{}", converted.fidelity);
        print(&if args.c { c::program(&scenario, "replay.yaml") } else { scenario.to_string() })?;
        return Ok(Outcome::CLEAN);
    }
    print(&converted.fidelity.to_string())?;
    let case = Case { name: "replay".into(), scenario, tries: args.of.tries.unwrap_or(1) };
    let folder = args.of.output.clone().unwrap_or_else(|| default_folder("replay"));
    let ran = run_on(std::slice::from_ref(&case), &args.of.bench, &args.of.allow, &folder)?;
    print(&told(&case, &ran, 0))?;
    Ok(Outcome::Exit(ran.exit))
}

/// What came of a case, for a person.
pub(crate) fn told(case: &Case, ran: &Ran, index: usize) -> String {
    let Some(results) = ran.results.get(index).and_then(Option::as_ref) else {
        return format!(
            "{} has no result: {}\n",
            case.name,
            ran.reasons.get(index).map_or("", String::as_str)
        );
    };
    let mut text = format!(
        "{}: {} in {} of {} tries, as expected\n",
        case.name,
        results.expect,
        results.reproduced(),
        results.tries.len()
    );
    if let Some(one) = results.tries.iter().find(|one| one.is(&results.expect)).or(results.tries.last()) {
        text += &format!("  {}\n  {} ioctls; {}\n", one.in_words(), one.ioctls, one.said);
    }
    text
}

/// `WHAT-<milliseconds since 1970>` in the working directory.
pub(crate) fn default_folder(what: &str) -> PathBuf {
    PathBuf::from(format!("{what}-{}", fencelab_runner::files::now_ms()))
}
