//! `fencelab minimize`.

mod splat;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_replay::{Devices, Shrunk, Timing, minimize};
use fencelab_report::exit::Exit;
use fencelab_scenario::{Expect, Outcome as Thought, Scenario, Verdict, c, simulate};

use crate::args::MinimizeArgs;
use crate::commands::analyze::print;
use crate::commands::replay::told;
use crate::outcome::Outcome;
use crate::paths;
use crate::scenario::{Case, Ran, Wanted, build, of_session, run_on, witnesses};

/// How often what comes of it is run, where nobody says.
const TRIES: u32 = 10;

/// Candidates that are run where the smallest does not come to the verdict on the bench.
const MOST: usize = 8;

pub(crate) fn run(args: &MinimizeArgs) -> Result<Outcome> {
    if let Some(signature) = &args.splat {
        return splat::run(args, signature.as_deref());
    }
    let (mut whole, fidelity) = scenario(args)?;
    let thought = simulate(&whole);
    if thought.verdict == Verdict::Clean {
        bail!(
            "make it smaller: by the rules of fences alone nobody in it is stuck, so there is nothing to keep"
        );
    }
    whole.expect = thought.verdict.expect();
    let shrunk = minimize(&whole, devices(args), &mut |candidate| is_same(&thought, &simulate(candidate)));
    print(&format!(
        "from {} steps to {}, {} candidates tried in thought\n",
        whole.len(),
        shrunk.scenario.len(),
        shrunk.tried
    ))?;
    let folder = args.of.output.clone().unwrap_or_else(|| paths::new_folder("minimized"));
    if args.no_run {
        write(&folder, &shrunk.scenario, &report(&whole, &shrunk.scenario, None, &fidelity))?;
        return Ok(Outcome::CLEAN);
    }
    let tries = args.of.tries.unwrap_or(TRIES);
    let (best, case, ran) = confirmed(args, &whole, &shrunk, tries, &folder)?;
    let told = told(&case, &ran, best);
    print(&told)?;
    write(&folder, &case.scenario, &report(&whole, &case.scenario, Some((&told, &ran.kernel)), &fidelity))?;
    Ok(Outcome::Exit(if ran.came(best) { Exit::Clean } else { Exit::Findings }))
}

/// A candidate must come to the verdict, and still tell how its hang would end if the whole does.
fn is_same(whole: &Thought, candidate: &Thought) -> bool {
    candidate.verdict == whole.verdict && candidate.told >= whole.told
}

fn devices(args: &MinimizeArgs) -> Devices {
    if args.keep_devices { Devices::Kept } else { Devices::StoodInFor }
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// What is to be made small, and what it was made from.
fn scenario(args: &MinimizeArgs) -> Result<(Scenario, String)> {
    let path = &args.of.session;
    if is_scenario(path) {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        return Ok((Scenario::read(&path.display().to_string(), &text)?, String::new()));
    }
    let witnesses = args.order.as_deref().map(witnesses).transpose()?.unwrap_or_default();
    let converted = of_session(
        &args.of,
        &Wanted { case: args.of.case.as_deref(), timing: Timing::Fast, witness: witnesses.first() },
    )?;
    print(&converted.fidelity.to_string())?;
    Ok((converted.scenario, converted.fidelity.to_string()))
}

/// Runs the smallest; where it does not come to the verdict, some of those on the way to it, of which the smallest that does
/// is taken. The index of its results, it, and what was run.
fn confirmed(
    args: &MinimizeArgs,
    whole: &Scenario,
    shrunk: &Shrunk,
    tries: u32,
    folder: &Path,
) -> Result<(usize, Case, Ran)> {
    let smallest = Case { name: "minimized".into(), scenario: shrunk.scenario.clone(), tries };
    let run = |cases: &[Case], name: &str| run_on(cases, &args.of.bench, &args.of.allow, &folder.join(name));
    let ran = run(std::slice::from_ref(&smallest), "session")?;
    if ran.came(0) {
        return Ok((0, smallest, ran));
    }
    print("the smallest does not come to it on the bench; larger ones are run\n")?;
    let way: Vec<&Scenario> = [whole].into_iter().chain(&shrunk.way).rev().skip(1).collect();
    let stride = way.len().div_ceil(MOST).max(1);
    let mut picked: Vec<&Scenario> = way.iter().step_by(stride).copied().collect();
    if !picked.contains(&whole) {
        picked.push(whole);
    }
    let case = |(index, scenario): (usize, &&Scenario)| Case {
        name: format!("candidate-{}", index + 1),
        scenario: (*scenario).clone(),
        tries,
    };
    let cases: Vec<Case> = picked.iter().enumerate().map(case).collect();
    let larger = run(&cases, "session-larger")?;
    match (0..cases.len()).find(|&index| larger.came(index)) {
        Some(index) => Ok((index, cases[index].clone(), larger)),
        None => Ok((0, smallest, ran)),
    }
}

/// Writes YAML, C and report.
fn write(folder: &Path, scenario: &Scenario, report: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    build(scenario, "minimized", folder)?;
    let path = folder.join("report.md");
    fs::write(&path, report).with_context(|| format!("write {}", path.display()))?;
    print(&format!("{0}/minimized.yaml, {0}/minimized.c and {0}/report.md are written\n", folder.display()))
}

fn heading(small: &Scenario) -> String {
    // What is looked for in a scenario that hangs nowhere is what the kernel says, and that comes next.
    if small.expect == Expect::Clean {
        small.about.clone()
    } else {
        format!("{}: {}", small.expect, small.about)
    }
}

/// A report to paste into a mail.
fn report(whole: &Scenario, small: &Scenario, run: Option<(&str, &str)>, fidelity: &str) -> String {
    let mut text = format!("# {}\n\n", heading(small));
    match run {
        Some((told, kernel)) => text += &format!("Linux {kernel}:\n\n```\n{told}```\n\n"),
        None => text += "Not run: the verdict follows from the rules of fences alone.\n\n",
    }
    text += &format!("Made small from {} steps to {}:\n\n```yaml\n{small}```\n\n", whole.len(), small.len());
    if !fidelity.is_empty() {
        text += &format!("What it was made from:\n\n```\n{fidelity}```\n\n");
    }
    text += "The same in C, which needs a compiler and nothing else (`cc -pthread minimized.c`; it ends with 1 if somebody is stuck):\n\n";
    text + &format!("```c\n{}```\n", c::program(small, "minimized.yaml"))
}
