//! `fencelab replay`.

use anyhow::Result;
use fencelab_fences::predict::Witness;
use fencelab_replay::Timing;
use fencelab_scenario::c;

use crate::args::{ReplayArgs, ReplayTiming};
use crate::commands::analyze::print;
use crate::outcome::Outcome;
use crate::paths;
use crate::scenario::{Case, Ran, Wanted, of_session, plain, predicted, run_on, witnesses};

/// What is to be replayed: under which name, of which case, in which order.
struct Replayed {
    name: String,
    case: Option<String>,
    witness: Option<Witness>,
}

pub(crate) fn run(args: &ReplayArgs) -> Result<Outcome> {
    let timing = match args.timing {
        ReplayTiming::Fast => Timing::Fast,
        ReplayTiming::Original => Timing::Original,
    };
    let all = replayed(args)?;
    let mut cases = Vec::new();
    for Replayed { name, case, witness } in &all {
        let wanted = Wanted { case: case.as_deref(), timing, witness: witness.as_ref() };
        let converted = of_session(&args.of, &wanted)?;
        let scenario = converted.scenario;
        if args.yaml || args.c {
            eprint!("{}", converted.fidelity);
            print(&if args.c { c::program(&scenario, "replay.yaml") } else { scenario.to_string() })?;
            return Ok(Outcome::CLEAN);
        }
        print(&format!("{name}: {}", converted.fidelity))?;
        cases.push(Case { name: name.clone(), scenario, tries: args.of.tries.unwrap_or(1) });
    }
    let folder = args.of.output.clone().unwrap_or_else(|| paths::new_folder("replay"));
    let ran = run_on(&cases, &args.of.bench, &args.of.allow, &folder)?;
    for (index, case) in cases.iter().enumerate() {
        print(&told(case, &ran, index))?;
    }
    if all.iter().any(|replayed| replayed.witness.is_some()) {
        let hung = (0..cases.len()).filter(|&index| ran.came(index)).count();
        print(&format!("{hung} of {} predicted hangs hang\n", cases.len()))?;
    }
    Ok(Outcome::Exit(ran.exit))
}

/// A case for each predicted hang, or one in the recorded order.
fn replayed(args: &ReplayArgs) -> Result<Vec<Replayed>> {
    if args.predicted {
        let all = predicted(&args.of)?.into_iter().enumerate();
        let replayed = all.map(|(index, one)| {
            let of = one.case.as_deref().unwrap_or("witness");
            let name = format!("{}-{}", plain(of), index + 1);
            Replayed { name, case: one.case, witness: Some(one.witness) }
        });
        return Ok(replayed.collect());
    }
    let case = args.of.case.clone();
    let Some(path) = &args.order else {
        return Ok(vec![Replayed { name: "replay".into(), case, witness: None }]);
    };
    let all = witnesses(path)?.into_iter().enumerate();
    let replayed = all.map(|(index, witness)| Replayed {
        name: format!("witness-{}", index + 1),
        case: case.clone(),
        witness: Some(witness),
    });
    Ok(replayed.collect())
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
        let seconds = one.took_ms as f64 / 1000.0;
        text += &format!("  {}\n  {} ioctls in {seconds:.1} s; {}\n", one.in_words(), one.ioctls, one.said);
    }
    text
}
