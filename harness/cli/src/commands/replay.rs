//! `fencelab replay`.

use anyhow::Result;
use fencelab_fences::predict::Witness;
use fencelab_replay::Timing;
use fencelab_scenario::c;

use crate::args::{ReplayArgs, ReplayTiming};
use crate::commands::analyze::print;
use crate::outcome::Outcome;
use crate::paths;
use crate::scenario::{Case, Ran, Wanted, of_session, run_on, witnesses};

pub(crate) fn run(args: &ReplayArgs) -> Result<Outcome> {
    let timing = match args.timing {
        ReplayTiming::Fast => Timing::Fast,
        ReplayTiming::Original => Timing::Original,
    };
    let witnesses = args.order.as_deref().map(witnesses).transpose()?.unwrap_or_default();
    let mut cases = Vec::new();
    for (name, witness) in named(&witnesses) {
        let converted = of_session(&args.of, &Wanted { timing, witness })?;
        let scenario = converted.scenario;
        if args.yaml || args.c {
            eprint!("{}", converted.fidelity);
            print(&if args.c { c::program(&scenario, "replay.yaml") } else { scenario.to_string() })?;
            return Ok(Outcome::CLEAN);
        }
        print(&format!("{name}: {}", converted.fidelity))?;
        cases.push(Case { name, scenario, tries: args.of.tries.unwrap_or(1) });
    }
    let folder = args.of.output.clone().unwrap_or_else(|| paths::new_folder("replay"));
    let ran = run_on(&cases, &args.of.bench, &args.of.allow, &folder)?;
    for (index, case) in cases.iter().enumerate() {
        print(&told(case, &ran, index))?;
    }
    Ok(Outcome::Exit(ran.exit))
}

/// A case for each witness, or one in the recorded order.
fn named(witnesses: &[Witness]) -> Vec<(String, Option<&Witness>)> {
    if witnesses.is_empty() {
        return vec![("replay".into(), None)];
    }
    let name = |(index, witness)| (format!("witness-{}", index + 1), Some(witness));
    witnesses.iter().enumerate().map(name).collect()
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
        "{}: {} of {} tries came to {}\n",
        case.name,
        results.reproduced(),
        results.tries.len(),
        if results.expect == "hang" { "a hang" } else { &results.expect }
    );
    if let Some(one) = results.tries.iter().find(|one| one.is(&results.expect)).or(results.tries.last()) {
        text += &format!("  {}\n  {} ioctls; {}\n", one.in_words(), one.ioctls, one.said);
    }
    text
}
